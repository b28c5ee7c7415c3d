// sampler.h
//
// The records of an epoch, and their order.
//
// To write your own, implement this interface:
//
//   struct Weighted {
//     using Spec = spec::Own;
//     explicit Weighted(const Spec& spec);
//     // The rows of `part` in the order of epoch `epoch`; deterministic. Rows may repeat or be left out, but every
//     // epoch has the same number of them.
//     std::vector<int> Order(const SplitPart& part, uint64_t seed, int epoch) const;
//   };

#ifndef ECG_BATCH_SAMPLER_H_
#define ECG_BATCH_SAMPLER_H_

#include <concepts>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "ecg/batch/split_part.h"
#include "ecg/batch/window.h"
#include "ecg/spec/part_registry.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Sampler is the concept that samplers satisfy.
template <typename S>
concept Sampler = requires(const S& sampler, const SplitPart& part, uint64_t seed, int epoch) {
  typename S::Spec;
  { sampler.Order(part, seed, epoch) } -> std::same_as<std::vector<int>>;
};

// AnySampler is a type-erased Sampler, chosen at run time.
class AnySampler {
 public:
  virtual ~AnySampler() = default;
  virtual std::vector<int> Order(const SplitPart& part, uint64_t seed, int epoch) const = 0;
};

// Samplers describes this kind of part to the part registry.
struct Samplers {
  static constexpr char kName[] = "samplers";
  using Interface = AnySampler;
  using Context = NoContext;

  template <Sampler S>
  static std::unique_ptr<AnySampler> Erase(S sampler) {
    struct Erased : AnySampler {
      explicit Erased(S part) : sampler(std::move(part)) {}
      std::vector<int> Order(const SplitPart& part, uint64_t seed, int epoch) const override {
        return sampler.Order(part, seed, epoch);
      }
      const S sampler;
    };
    return std::make_unique<Erased>(std::move(sampler));
  }
};

// Shuffled draws every row once, in random order.
class Shuffled {
 public:
  using Spec = spec::Shuffled;
  explicit Shuffled(const Spec& = {}) {}

  std::vector<int> Order(const SplitPart& part, uint64_t seed, int epoch) const {
    std::vector<int> rows(part.size());
    std::iota(rows.begin(), rows.end(), 0);
    return ShuffledRows(seed, epoch, std::move(rows));
  }
};

}  // namespace ecg

#endif  // ECG_BATCH_SAMPLER_H_

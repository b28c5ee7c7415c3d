// sampler.h
//
// Which records' crops an epoch has, and in which order.
//
// To write one of your own, give a type a `Spec`, a constructor from it and
//
//   // The rows of `part` in the order in which epoch `epoch` sees them. A row may come several times, or not at all;
//   // their number is the same in every epoch. The same arguments give the same order.
//   std::vector<int> Order(const SplitPart& part, uint64_t seed, int epoch) const;

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

// Sampler is the concept.
template <typename S>
concept Sampler = requires(const S& sampler, const SplitPart& part, uint64_t seed, int epoch) {
  typename S::Spec;
  { sampler.Order(part, seed, epoch) } -> std::same_as<std::vector<int>>;
};

// AnySampler is a sampler whose type is known when the program runs.
class AnySampler {
 public:
  virtual ~AnySampler() = default;
  virtual std::vector<int> Order(const SplitPart& part, uint64_t seed, int epoch) const = 0;
};

// Samplers is the kind of part.
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

// Shuffled takes every row once, in random order.
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

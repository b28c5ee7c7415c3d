// augmentation.h
//
// Augmentations of a training batch, on the CPU or on a CUDA device. Their random numbers are drawn on the host from
// (seed, epoch, record), as crops are, so that results do not depend on the device, on the number of loader threads, or
// on whether a run was resumed.
//
// To write your own, implement this interface. The constructor may also take an AugmentationContext after the spec:
//
//   struct Noise {
//     using Spec = spec::Own;
//     explicit Noise(const Spec& spec);
//     // Random numbers per crop.
//     int numbers() const;
//     // Changes `batch.signals`, float32 [B, C, L], and where crops are mixed `batch.targets`, float32 [B, K], on the
//     // device of `uniform`, float32 [B, numbers()] in [0, 1). Must not synchronise with the host (item(), cpu()): on a
//     // CUDA device the work is captured in a CUDA graph.
//     void Apply(const at::Tensor& uniform, Batch& batch) const;
//   };

#ifndef ECG_BATCH_AUGMENTATION_H_
#define ECG_BATCH_AUGMENTATION_H_

#include <concepts>
#include <memory>
#include <utility>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/corpus/scaler.h"
#include "ecg/spec/part_registry.h"

namespace ecg {

// AugmentationContext describes the signals.
struct AugmentationContext {
  int sampling_frequency_hz = 0;
  // An amplitude in mV is signal * scaler.standard_deviation_mv + scaler.mean_mv.
  Scaler scaler;
};

// Augmentation is the concept that augmentations satisfy.
template <typename A>
concept Augmentation = requires(const A& augmentation, const at::Tensor& uniform, Batch& batch) {
  typename A::Spec;
  { augmentation.numbers() } -> std::convertible_to<int>;
  augmentation.Apply(uniform, batch);
};

// AnyAugmentation is a type-erased Augmentation, chosen at run time.
class AnyAugmentation {
 public:
  virtual ~AnyAugmentation() = default;
  virtual int numbers() const = 0;
  virtual void Apply(const at::Tensor& uniform, Batch& batch) const = 0;
};

// Augmentations describes this kind of part to the part registry.
struct Augmentations {
  static constexpr char kName[] = "augmentations";
  using Interface = AnyAugmentation;
  using Context = AugmentationContext;

  template <Augmentation A>
  static std::unique_ptr<AnyAugmentation> Erase(A augmentation) {
    struct Erased : AnyAugmentation {
      explicit Erased(A part) : augmentation(std::move(part)) {}
      int numbers() const override { return augmentation.numbers(); }
      void Apply(const at::Tensor& uniform, Batch& batch) const override { augmentation.Apply(uniform, batch); }
      const A augmentation;
    };
    return std::make_unique<Erased>(std::move(augmentation));
  }
};

using AugmentationList = std::vector<std::unique_ptr<AnyAugmentation>>;

// NumbersOf returns the number of random numbers per crop of all `augmentations`.
inline int NumbersOf(const AugmentationList& augmentations) {
  int numbers = 0;
  for (const auto& augmentation : augmentations) numbers += augmentation->numbers();
  return numbers;
}

// Augment applies `augmentations` to `batch` in order.
inline void Augment(const AugmentationList& augmentations, Batch& batch) {
  int first = 0;
  for (const auto& augmentation : augmentations) {
    augmentation->Apply(batch.uniform.narrow(1, first, augmentation->numbers()), batch);
    first += augmentation->numbers();
  }
}

}  // namespace ecg

#endif  // ECG_BATCH_AUGMENTATION_H_

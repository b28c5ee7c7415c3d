// augmentation.h
//
// Changes of a training batch, where it lies: on the CPU or on a CUDA device. Its random numbers are planned on the
// host from (seed, epoch, record), as crops are, so that every device, any number of loader threads, and a run that was
// resumed see the same.
//
// To write one of your own, give a type a `Spec`, a constructor from it (or from it and AugmentationContext) and
//
//   // How many random numbers a crop needs.
//   int numbers() const;
//   // Changes `batch`, whose signals are float32 [B, C, L]; `uniform`, float32 [B, numbers()], is in [0, 1) and lies
//   // where the signals are. It must not look at numbers on the host: on a CUDA device the work is recorded and
//   // replayed.
//   void Apply(const at::Tensor& uniform, Batch& batch) const;

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

// AugmentationContext is what the signals are.
struct AugmentationContext {
  int sampling_frequency_hz = 0;
  // An amplitude in mV is signal * scaler.standard_deviation_mv + scaler.mean_mv.
  Scaler scaler;
};

// Augmentation is the concept.
template <typename A>
concept Augmentation = requires(const A& augmentation, const at::Tensor& uniform, Batch& batch) {
  typename A::Spec;
  { augmentation.numbers() } -> std::convertible_to<int>;
  augmentation.Apply(uniform, batch);
};

// AnyAugmentation is an augmentation whose type is known when the program runs.
class AnyAugmentation {
 public:
  virtual ~AnyAugmentation() = default;
  virtual int numbers() const = 0;
  virtual void Apply(const at::Tensor& uniform, Batch& batch) const = 0;
};

// Augmentations is the kind of part.
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

// NumbersOf returns how many random numbers a crop needs for all of `augmentations`.
inline int NumbersOf(const AugmentationList& augmentations) {
  int numbers = 0;
  for (const auto& augmentation : augmentations) numbers += augmentation->numbers();
  return numbers;
}

// Augment applies `augmentations` to `batch`, one after the other.
inline void Augment(const AugmentationList& augmentations, Batch& batch) {
  int first = 0;
  for (const auto& augmentation : augmentations) {
    augmentation->Apply(batch.uniform.narrow(1, first, augmentation->numbers()), batch);
    first += augmentation->numbers();
  }
}

}  // namespace ecg

#endif  // ECG_BATCH_AUGMENTATION_H_

// mixup.h
//
// Augmentation: mixup (Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", arXiv:1710.09412), which trains
// on weighted means of two crops and of their targets.

#ifndef ECG_BATCH_MIXUP_H_
#define ECG_BATCH_MIXUP_H_

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/mixing_weight.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Mixup replaces signals and targets of each crop by w crop + (1 - w) other, w at least 1/2.
class Mixup {
 public:
  using Spec = spec::Mixup;
  explicit Mixup(const Spec& spec) : alpha_(spec.alpha()), probability_(spec.probability()) {}

  // Whether, and the weight.
  int numbers() const { return 3; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const at::Tensor applied = uniform.narrow(1, 0, 1).lt(probability_);
    const at::Tensor of_other = (1 - MixingWeight(uniform.narrow(1, 1, 2), alpha_)) * applied;  // [B, 1]
    batch.signals = at::lerp(batch.signals, OtherCrops(batch.signals), of_other.unsqueeze(2));
    batch.targets = at::lerp(batch.targets, OtherCrops(batch.targets), of_other);
    if (batch.demographics.defined()) {
      batch.demographics = at::lerp(batch.demographics, OtherCrops(batch.demographics), of_other);
    }
  }

 private:
  const double alpha_, probability_;
};

static_assert(Augmentation<Mixup>);

}  // namespace ecg

#endif  // ECG_BATCH_MIXUP_H_

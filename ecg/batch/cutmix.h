// cutmix.h
//
// Augmentation: CutMix (Yun et al. 2019, "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
// Features", arXiv:1905.04899) in one dimension: a segment of a crop comes from another one.

#ifndef ECG_BATCH_CUTMIX_H_
#define ECG_BATCH_CUTMIX_H_

#include <cstdint>

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/mixing_weight.h"
#include "proto/experiment.pb.h"

namespace ecg {

// CutMix replaces a random segment of each crop, at most half of it, by the same segment of another crop, and mixes
// their targets by the lengths.
class CutMix {
 public:
  using Spec = spec::CutMix;
  explicit CutMix(const Spec& spec) : alpha_(spec.alpha()), probability_(spec.probability()) {}

  // Whether, the length, and where.
  int numbers() const { return 4; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const int64_t samples = batch.signals.size(2);
    const at::Tensor applied = uniform.narrow(1, 0, 1).lt(probability_);
    const at::Tensor length = (1 - MixingWeight(uniform.narrow(1, 1, 2), alpha_)) * samples * applied;  // [B, 1]
    const at::Tensor begin = uniform.narrow(1, 3, 1) * (static_cast<double>(samples) - length);
    const at::Tensor time = at::arange(samples, uniform.options());
    const at::Tensor cut = time.ge(begin).logical_and(time.lt(begin + length));  // [B, L]
    batch.signals = at::where(cut.unsqueeze(1), OtherCrops(batch.signals), batch.signals);
    const at::Tensor of_other = cut.to(uniform.dtype()).mean(1, /*keepdim=*/true);
    batch.targets = at::lerp(batch.targets, OtherCrops(batch.targets), of_other);
    if (batch.demographics.defined()) {
      batch.demographics = at::lerp(batch.demographics, OtherCrops(batch.demographics), of_other);
    }
  }

 private:
  const double alpha_, probability_;
};

static_assert(Augmentation<CutMix>);

}  // namespace ecg

#endif  // ECG_BATCH_CUTMIX_H_

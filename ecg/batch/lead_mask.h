// lead_mask.h
//
// Augmentation: masks random leads of a crop (Oh et al. 2022, "Lead-agnostic Self-supervised Learning for Local and
// Global Representations of Electrocardiogram", arXiv:2203.06889).

#ifndef ECG_BATCH_LEAD_MASK_H_
#define ECG_BATCH_LEAD_MASK_H_

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/signal/lead.h"
#include "proto/experiment.pb.h"

namespace ecg {

// LeadMask sets each lead to 0, the mean of standardised signals, with probability `probability`. With `rescale` it
// multiplies the leads that are left by the number of leads over theirs, as dropout does (lead dropout).
class LeadMask {
 public:
  using Spec = spec::LeadMask;
  explicit LeadMask(const Spec& spec) : probability_(spec.probability()), rescale_(spec.rescale()) {}

  int numbers() const { return kLeads; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    at::Tensor kept = uniform.ge(probability_);                                               // [B, C]
    kept = kept.logical_or(kept.any(1, /*keepdim=*/true).logical_not()).to(uniform.dtype());  // none: all
    if (rescale_) kept = kept / kept.mean(1, /*keepdim=*/true);
    batch.signals = batch.signals * kept.unsqueeze(2);
  }

 private:
  const double probability_;
  const bool rescale_;
};

static_assert(Augmentation<LeadMask>);

}  // namespace ecg

#endif  // ECG_BATCH_LEAD_MASK_H_

// time_mask.h
//
// Augmentation: masks a random interval of a crop in all leads (time masking of SpecAugment, Park et al. 2019,
// arXiv:1904.08779).

#ifndef ECG_BATCH_TIME_MASK_H_
#define ECG_BATCH_TIME_MASK_H_

#include "ecg/batch/batch.h"
#include "proto/experiment.pb.h"

namespace ecg {

// TimeMask sets the interval to 0, the mean of standardised signals, with probability `probability`. Its length is
// uniform up to the share `most_share` of the crop, and its start is uniform.
class TimeMask {
 public:
  using Spec = spec::TimeMask;
  explicit TimeMask(const Spec& spec) : most_share_(spec.most_share()), probability_(spec.probability()) {}

  int numbers() const { return 3; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const int64_t samples = batch.signals.size(2);
    const at::Tensor masked = uniform.narrow(1, 2, 1).lt(probability_);                    // [B, 1]
    const at::Tensor length = uniform.narrow(1, 0, 1) * (most_share_ * samples) * masked;  // [B, 1]
    const at::Tensor begin = uniform.narrow(1, 1, 1) * (static_cast<double>(samples) - length);
    const at::Tensor time = at::arange(samples, batch.signals.options()).unsqueeze(0);  // [1, L]
    const at::Tensor hidden = time.ge(begin).logical_and(time.lt(begin + length)).unsqueeze(1);
    batch.signals = batch.signals.masked_fill(hidden, 0);
  }

 private:
  const double most_share_, probability_;
};

}  // namespace ecg

#endif  // ECG_BATCH_TIME_MASK_H_

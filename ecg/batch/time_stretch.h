// time_stretch.h
//
// Augmentation: compresses or stretches a crop in time, as another heart rate would.

#ifndef ECG_BATCH_TIME_STRETCH_H_
#define ECG_BATCH_TIME_STRETCH_H_

#include <cstdint>

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "proto/experiment.pb.h"

namespace ecg {

// TimeStretch multiplies the heart rate by f, uniform in [1 - most_share, 1 + most_share]: sample t is what lies at
// m + (t - m) f, m the middle of the crop, between two samples by linear interpolation, and 0 beyond the crop.
class TimeStretch {
 public:
  using Spec = spec::TimeStretch;
  explicit TimeStretch(const Spec& spec) : most_share_(spec.most_share()), probability_(spec.probability()) {}

  // Whether, and how much.
  int numbers() const { return 2; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const int64_t last = batch.signals.size(2) - 1;
    const double middle = static_cast<double>(last) / 2;
    const at::Tensor applied = uniform.narrow(1, 0, 1).lt(probability_);
    const at::Tensor factor = (uniform.narrow(1, 1, 1) * 2 - 1) * most_share_ * applied + 1;  // [B, 1]
    const at::Tensor time = at::arange(last + 1, uniform.options()) - middle;                 // [L]
    const at::Tensor position = time * factor + middle;                                       // [B, L]
    const at::Tensor before = position.floor();
    const auto at_index = [&](const at::Tensor& index) {
      return batch.signals.gather(2, index.clamp(0, last).to(at::kLong).unsqueeze(1).expand_as(batch.signals));
    };
    const at::Tensor stretched = at::lerp(at_index(before), at_index(before + 1), (position - before).unsqueeze(1));
    batch.signals = stretched * position.ge(0).logical_and(position.le(last)).unsqueeze(1);
  }

 private:
  const double most_share_, probability_;
};

static_assert(Augmentation<TimeStretch>);

}  // namespace ecg

#endif  // ECG_BATCH_TIME_STRETCH_H_

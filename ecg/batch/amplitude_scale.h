// amplitude_scale.h
//
// Augmentation: scales the leads of a crop by a random factor, as a different distance of the electrodes from the heart
// would.

#ifndef ECG_BATCH_AMPLITUDE_SCALE_H_
#define ECG_BATCH_AMPLITUDE_SCALE_H_

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/signal/lead.h"
#include "proto/experiment.pb.h"

namespace ecg {

// AmplitudeScale scales amplitudes in mV, so 0 mV stays 0 mV although the signals are standardised.
class AmplitudeScale {
 public:
  using Spec = spec::AmplitudeScale;
  AmplitudeScale(const Spec& spec, const AugmentationContext& context)
      : low_(spec.low()),
        high_(spec.high()),
        zero_(-context.scaler.mean_mv / context.scaler.standard_deviation_mv),
        numbers_(spec.per_lead() ? kLeads : 1) {}

  int numbers() const { return numbers_; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const at::Tensor factor = (uniform * (high_ - low_) + low_).unsqueeze(2);  // [B, 1 or C, 1]
    batch.signals = (batch.signals - zero_) * factor + zero_;
  }

 private:
  const double low_, high_;
  const double zero_;  // the standardised value of 0 mV
  const int numbers_;
};

}  // namespace ecg

#endif  // ECG_BATCH_AMPLITUDE_SCALE_H_

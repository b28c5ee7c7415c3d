// baseline_wander.h
//
// Augmentation: adds baseline wander, as breathing and moving electrodes cause.

#ifndef ECG_BATCH_BASELINE_WANDER_H_
#define ECG_BATCH_BASELINE_WANDER_H_

#include <numbers>

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/signal/lead.h"
#include "proto/experiment.pb.h"

namespace ecg {

// BaselineWander adds to each lead c, with a_c between -most_mv and most_mv, a_c (s1 + s2 + s3) / 3, where each s is a
// sine of random frequency between 0.05 and 0.5 Hz and random phase, the same in all leads.
class BaselineWander {
 public:
  using Spec = spec::BaselineWander;
  BaselineWander(const Spec& spec, const AugmentationContext& context)
      : most_(spec.most_mv() / context.scaler.standard_deviation_mv),
        probability_(spec.probability()),
        seconds_(1.0 / context.sampling_frequency_hz) {}

  // Whether, how much, frequencies, phases, and the share of each lead.
  int numbers() const { return 2 + 2 * kSines + kLeads; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const at::Tensor applied = uniform.narrow(1, 0, 1).lt(probability_), amplitude = uniform.narrow(1, 1, 1) * most_;
    const at::Tensor hz = uniform.narrow(1, 2, kSines).unsqueeze(2) * 0.45 + 0.05;            // [B, sines, 1]
    const at::Tensor phase = uniform.narrow(1, 2 + kSines, kSines).unsqueeze(2);              // [B, sines, 1]
    const at::Tensor share = uniform.narrow(1, 2 + 2 * kSines, kLeads) * 2 - 1;               // [B, C]
    const at::Tensor time = at::arange(batch.signals.size(2), uniform.options()) * seconds_;  // [L]
    const at::Tensor wave = ((time * hz + phase) * (2 * std::numbers::pi)).sin().mean(1, /*keepdim=*/true);
    batch.signals = batch.signals + (share * amplitude * applied).unsqueeze(2) * wave;
  }

 private:
  static constexpr int kSines = 3;

  const double most_, probability_, seconds_;
};

static_assert(Augmentation<BaselineWander>);

}  // namespace ecg

#endif  // ECG_BATCH_BASELINE_WANDER_H_

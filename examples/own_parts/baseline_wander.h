// baseline_wander.h
//
// An augmentation: a slow sine, as of breathing, in each lead, with an amplitude of at most `most_mv` and a frequency
// of 0.05 to 0.5 Hz.

#ifndef EXAMPLES_OWN_PARTS_BASELINE_WANDER_H_
#define EXAMPLES_OWN_PARTS_BASELINE_WANDER_H_

#include <ATen/ATen.h>

#include <cstdint>
#include <numbers>

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/spec/own_values.h"
#include "proto/experiment.pb.h"

namespace my {

class BaselineWander {
 public:
  using Spec = ecg::spec::Own;
  BaselineWander(const Spec& spec, const ecg::AugmentationContext& context)
      : most_(ecg::OwnValues(spec, {{"most_mv", 0.1}}).Number("most_mv", 0, 10) / context.scaler.standard_deviation_mv),
        seconds_(1.0 / context.sampling_frequency_hz) {}

  int numbers() const { return 2 + kLeads; }  // a frequency, a phase, and an amplitude for each lead

  void Apply(const at::Tensor& uniform, ecg::Batch& batch) const {
    const at::Tensor time = at::arange(batch.signals.size(2), batch.signals.options()) * seconds_;  // [L]
    const at::Tensor hz = uniform.narrow(1, 0, 1) * 0.45 + 0.05, phase = uniform.narrow(1, 1, 1);   // [B, 1]
    const at::Tensor wave = ((time * hz + phase) * (2 * std::numbers::pi)).sin();                   // [B, L]
    const at::Tensor amplitude = (uniform.narrow(1, 2, kLeads) * 2 - 1) * most_;                    // [B, C]
    batch.signals = batch.signals + amplitude.unsqueeze(2) * wave.unsqueeze(1);
  }

 private:
  static constexpr int kLeads = 12;

  double most_, seconds_;
};

static_assert(ecg::Augmentation<BaselineWander>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_BASELINE_WANDER_H_

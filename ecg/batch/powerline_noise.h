// powerline_noise.h
//
// Augmentation: adds powerline interference, a sine of 50 or 60 Hz.

#ifndef ECG_BATCH_POWERLINE_NOISE_H_
#define ECG_BATCH_POWERLINE_NOISE_H_

#include <numbers>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/signal/lead.h"
#include "proto/experiment.pb.h"

namespace ecg {

// PowerlineNoise adds to each lead c, with a_c between -most_mv and most_mv, a_c times a sine of random phase. It
// throws std::invalid_argument where signals of the sampling frequency cannot hold such a sine.
class PowerlineNoise {
 public:
  using Spec = spec::PowerlineNoise;
  PowerlineNoise(const Spec& spec, const AugmentationContext& context)
      : most_(spec.most_mv() / context.scaler.standard_deviation_mv),
        probability_(spec.probability()),
        periods_per_sample_(spec.frequency_hz() / context.sampling_frequency_hz) {
    if (periods_per_sample_ < 0.5) return;
    throw std::invalid_argument(absl::StrCat(
        "powerline_noise.frequency_hz is ", spec.frequency_hz(), "; it must be below half the sampling frequency, ",
        context.sampling_frequency_hz, " Hz. Leave powerline_noise out, or use records of a higher frequency"));
  }

  // Whether, how much, phase, and the share of each lead.
  int numbers() const { return 3 + kLeads; }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    const at::Tensor applied = uniform.narrow(1, 0, 1).lt(probability_), amplitude = uniform.narrow(1, 1, 1) * most_;
    const at::Tensor phase = uniform.narrow(1, 2, 1), share = uniform.narrow(1, 3, kLeads) * 2 - 1;  // [B, 1], [B, C]
    const at::Tensor time = at::arange(batch.signals.size(2), uniform.options());                    // [L]
    const at::Tensor wave = ((time * periods_per_sample_ + phase) * (2 * std::numbers::pi)).sin();   // [B, L]
    batch.signals = batch.signals + (share * amplitude * applied).unsqueeze(2) * wave.unsqueeze(1);
  }

 private:
  const double most_, probability_, periods_per_sample_;
};

static_assert(Augmentation<PowerlineNoise>);

}  // namespace ecg

#endif  // ECG_BATCH_POWERLINE_NOISE_H_

// channel_steps.h
//
// The amplitudes of a channel as numbers of 16 bits, as formats store them.
//
//   ECG_ASSIGN_OR_RETURN(const double mv_per_step, StepFor(channel));
//   const std::vector<int16_t> steps = ToSteps(channel, mv_per_step);

#ifndef ECG_SIGNAL_CHANNEL_STEPS_H_
#define ECG_SIGNAL_CHANNEL_STEPS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/signal/recording.h"

namespace ecg {

// kMissingStep stands for a missing sample, kMostSteps is the largest amplitude in steps.
inline constexpr int16_t kMissingStep = -32768;
inline constexpr int kMostSteps = 32767;

// LargestMv returns the largest amplitude of `channel`, or an error when one is infinite.
inline absl::StatusOr<double> LargestMv(const Channel& channel) {
  double largest = 0;
  for (size_t i = 0; i < channel.mv.size(); ++i) {
    if (std::isinf(channel.mv[i])) {
      return absl::InvalidArgumentError(absl::StrCat("sample ", i, " of lead ", channel.name, " is infinite"));
    }
    if (!std::isnan(channel.mv[i])) largest = std::max(largest, std::abs(static_cast<double>(channel.mv[i])));
  }
  return largest;
}

// StepFor returns a step in mV that 16 bits suffice for: the channel's own, or 1 uV when it has none; a larger one
// where that is too small.
inline absl::StatusOr<double> StepFor(const Channel& channel) {
  const absl::StatusOr<double> largest = LargestMv(channel);
  if (!largest.ok()) return largest.status();
  const double step = channel.step_mv > 0 ? channel.step_mv : 0.001;
  // A sample in single precision may be a little more than a whole number of steps.
  return *largest / step < kMostSteps + 0.25 ? step : *largest / kMostSteps;
}

// ToSteps returns the amplitudes of `channel` in steps, rounded.
inline std::vector<int16_t> ToSteps(const Channel& channel, double mv_per_step) {
  std::vector<int16_t> steps;
  steps.reserve(channel.mv.size());
  for (const float mv : channel.mv) {
    const double step = std::clamp<double>(std::round(mv / mv_per_step), -kMostSteps, kMostSteps);
    steps.push_back(std::isnan(mv) ? kMissingStep : static_cast<int16_t>(step));
  }
  return steps;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_CHANNEL_STEPS_H_

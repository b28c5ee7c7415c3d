// resample.h
//
// Changing the sampling frequency, whole or fractional, of a strip.
//
//   ECG_ASSIGN_OR_RETURN(Strip at_500_hz, Resample(strip, 500));
//
// Each new sample is a sum of old ones, weighted by a sinc in a Kaiser window that reaches over 40 zeros of the sinc on
// each side. When the frequency is lowered the sinc is widened, so that what the new one cannot represent is removed
// before (anti-aliasing). With N the lower of the two Nyquist frequencies, the worst error for sines up to 0.85 N is
// 5e-5 of the amplitude, and sines above N are damped to 5e-5; resample_test.cc measures both. In between is the
// transition of the filter. A signal of waves like those of a heartbeat is met within 3e-5 mV up to its ends. The
// phases of a ratio of small numbers, such as 1000 to 500 Hz, are computed once.
//
// The new samples cover as long as the old ones. Missing samples stay missing for as long as they did. At an end, and
// beside missing samples, the signal is continued by turning it around its last sample, so that it does not jump.

#ifndef ECG_SIGNAL_RESAMPLE_H_
#define ECG_SIGNAL_RESAMPLE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <numbers>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/signal/recording.h"

namespace ecg {

namespace resample_internal {

// Bessel returns the modified Bessel function of order 0, by its series.
inline double Bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

// Kernel computes the weights of the old samples around a moment.
class Kernel {
 public:
  // cutoff is where the sinc ends, relative to the old Nyquist frequency.
  explicit Kernel(double cutoff) : cutoff_(cutoff), half_width_(kZeros / cutoff), scale_(1 / Bessel(kBeta)) {}

  // Taps are weights of samples in a row, of which the first is `first` samples from the one before the moment.
  struct Taps {
    int64_t first = 0;
    std::vector<double> weights;
  };

  // At returns the weights for a moment `fraction` of a sample behind an old one. Their sum is 1.
  Taps At(double fraction) const {
    Taps taps = {.first = static_cast<int64_t>(std::ceil(fraction - half_width_)), .weights = {}};
    double sum = 0;
    for (int64_t k = taps.first; static_cast<double>(k) <= fraction + half_width_; ++k) {
      const double x = static_cast<double>(k) - fraction;
      const double ratio = x / half_width_;
      const double window = Bessel(kBeta * std::sqrt(std::max(0.0, 1 - ratio * ratio))) * scale_;
      const double angle = std::numbers::pi * cutoff_ * x;
      taps.weights.push_back(window * (std::abs(angle) < 1e-9 ? 1 : std::sin(angle) / angle));
      sum += taps.weights.back();
    }
    for (double& weight : taps.weights) weight /= sum;
    return taps;
  }

 private:
  static constexpr double kZeros = 40;
  // 90 dB in the stop band (Kaiser 1974: 0.1102 (A - 8.7)).
  static constexpr double kBeta = 8.96;

  double cutoff_;
  double half_width_;
  double scale_;
};

// Run is a stretch of samples without a missing one.
struct Run {
  int64_t begin = 0;
  int64_t end = 0;
};

// RunAround returns the run that sample `at` lies in. `hint` is a run that was found before.
inline Run RunAround(const std::vector<float>& mv, int64_t at, const Run& hint) {
  if (at >= hint.begin && at < hint.end) return hint;
  Run run = {at, at};
  while (run.begin > 0 && !std::isnan(mv[run.begin - 1])) --run.begin;
  while (run.end < static_cast<int64_t>(mv.size()) && !std::isnan(mv[run.end])) ++run.end;
  return run;
}

// Sum returns the weighted sum of samples, of which the first is sample `first`.
inline double Sum(const std::vector<float>& mv, const Run& run, int64_t first, const std::vector<double>& weights) {
  double sum = 0;
  const int64_t end = first + static_cast<int64_t>(weights.size());
  if (first >= run.begin && end <= run.end) {
    const float* sample = mv.data() + first;
    for (const double weight : weights) sum += weight * *sample++;
    return sum;
  }
  const double front = mv[run.begin], back = mv[run.end - 1];
  for (int64_t i = first; i < end; ++i) {
    double value = 0;
    if (i < run.begin) {
      value = 2 * front - mv[std::min(2 * run.begin - i, run.end - 1)];
    } else if (i >= run.end) {
      value = 2 * back - mv[std::max(2 * (run.end - 1) - i, run.begin)];
    } else {
      value = mv[i];
    }
    sum += weights[i - first] * value;
  }
  return sum;
}

}  // namespace resample_internal

// ResampledSamples returns how many samples `samples` of `from_hz` become at `to_hz`: those that begin before their
// end.
inline double ResampledSamples(double samples, double from_hz, double to_hz) {
  return std::ceil(samples * to_hz / from_hz * (1 - 1e-12));
}

// Resample returns `strip` at another sampling frequency.
inline absl::StatusOr<Strip> Resample(const Strip& strip, double sampling_frequency_hz) {
  using resample_internal::Kernel;
  constexpr double kTransition = 0.07;  // half of the filter's transition band, relative to the cut-off
  constexpr double kMostSamples = 1e9;
  const double from = strip.sampling_frequency_hz, to = sampling_frequency_hz;
  const double count = ResampledSamples(static_cast<double>(strip.samples()), from, to);
  if (!(from > 0) || !(to > 0) || !(count <= kMostSamples)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot resample ", strip.samples(), " samples from ", from, " to ",
                                                   to, " Hz; positive frequencies and at most ", kMostSamples,
                                                   " samples expected"));
  }
  if (from == to) return strip;
  const size_t samples = static_cast<size_t>(count);
  Strip result = strip;
  result.sampling_frequency_hz = to;
  for (Channel& channel : result.channels) channel.mv.assign(samples, std::numeric_limits<float>::quiet_NaN());
  const Kernel kernel(std::min(1.0, to / from) * (1 - kTransition));
  std::vector<resample_internal::Run> runs(strip.channels.size());
  std::map<int64_t, Kernel::Taps> phases;
  constexpr size_t kMostPhases = 1024;
  constexpr double kPhaseSteps = 1e9;  // phases that are nearer than this are the same
  for (size_t i = 0; i < samples; ++i) {
    const double at = static_cast<double>(i) * from / to;
    double before = std::floor(at);
    int64_t phase = std::llround((at - before) * kPhaseSteps);
    if (phase == static_cast<int64_t>(kPhaseSteps)) {
      before += 1;
      phase = 0;
    }
    auto found = phases.find(phase);
    if (found == phases.end()) {
      if (phases.size() == kMostPhases) phases.clear();
      found = phases.emplace(phase, kernel.At(static_cast<double>(phase) / kPhaseSteps)).first;
    }
    const int64_t last = static_cast<int64_t>(strip.samples()) - 1;
    const int64_t nearest = std::min<int64_t>(static_cast<int64_t>(before) + (2 * phase >= kPhaseSteps ? 1 : 0), last);
    for (size_t c = 0; c < strip.channels.size(); ++c) {
      const std::vector<float>& mv = strip.channels[c].mv;
      if (std::isnan(mv[nearest])) continue;
      runs[c] = resample_internal::RunAround(mv, nearest, runs[c]);
      result.channels[c].mv[i] = static_cast<float>(resample_internal::Sum(
          mv, runs[c], static_cast<int64_t>(before) + found->second.first, found->second.weights));
    }
  }
  return result;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_RESAMPLE_H_

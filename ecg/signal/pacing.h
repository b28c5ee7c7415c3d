// pacing.h
//
// Pulses of a pacemaker, which show as spikes of a few milliseconds at most.
//
//   const std::vector<double> seconds = PacingSpikes(strip);
//   if (IsPaced(strip)) std::cerr << "a pacemaker beats " << seconds.size() << " times\n";
//
// A spike is a steep slope with one of the opposite sign within 4 ms, in at least two leads. Steep is 0.1 mV/ms, or
// twice the slope that only 2% of the lead's samples exceed, so that neither narrow QRS complexes nor noise count.
// Opposite slopes beyond a threshold that follows the slopes of the signal, within the width of a pulse, are the
// criterion of US patent 5,682,902 (1997, expired); the numbers are ours.
//
// Files of 12-lead ECGs have 500 or 1000 Hz, where a pulse of half a millisecond has passed a low-pass filter and is
// smaller and wider than it was; what filters have removed is not found. Below 400 Hz nothing is.
//
// Of the first 500 records of PTB-XL at 500 Hz, IsPaced tells all 6 with the statement PACE, and none of the 494
// others. The numbers were chosen on these records, and 6 are few.

#ifndef ECG_SIGNAL_PACING_H_
#define ECG_SIGNAL_PACING_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "ecg/signal/recording.h"

namespace ecg {

namespace pacing_internal {

inline constexpr double kLeastHz = 400;
inline constexpr double kLeastSlope = 0.1;  // mV/ms

// Slopes returns (x[i] - x[i - lag]) in mV/ms; 0 where a sample is missing.
inline std::vector<float> Slopes(const std::vector<float>& mv, size_t lag, double sampling_frequency_hz) {
  std::vector<float> slopes(mv.size());
  const double milliseconds = 1000 * static_cast<double>(lag) / sampling_frequency_hz;
  for (size_t i = lag; i < mv.size(); ++i) {
    const double slope = (mv[i] - mv[i - lag]) / milliseconds;
    if (!std::isnan(slope)) slopes[i] = static_cast<float>(slope);
  }
  return slopes;
}

// Threshold returns the slope from which on one is steep in a lead with `slopes`.
inline float Threshold(const std::vector<float>& slopes) {
  std::vector<float> sizes(slopes.size());
  std::ranges::transform(slopes, sizes.begin(), [](float slope) { return std::abs(slope); });
  const auto place = sizes.begin() + static_cast<std::ptrdiff_t>(0.98 * static_cast<double>(sizes.size()));
  std::ranges::nth_element(sizes, place);
  return std::max(static_cast<float>(kLeastSlope), 2 * *place);
}

}  // namespace pacing_internal

// PacingSpikes returns the moments of the spikes in `strip`, in seconds from its begin.
inline std::vector<double> PacingSpikes(const Strip& strip) {
  std::vector<double> seconds;
  const double hz = strip.sampling_frequency_hz;
  const auto lag = static_cast<size_t>(std::max(1.0, std::round(0.002 * hz)));
  const auto width = static_cast<size_t>(std::round(0.004 * hz));
  if (hz < pacing_internal::kLeastHz || strip.samples() < 100 * lag) return seconds;
  std::vector<int> leads(strip.samples());  // in how many a spike begins
  for (const Channel& channel : strip.channels) {
    if (channel.derived) continue;
    const std::vector<float> slopes = pacing_internal::Slopes(channel.mv, lag, hz);
    const float threshold = pacing_internal::Threshold(slopes);
    for (size_t i = 0; i < slopes.size(); ++i) {
      if (std::abs(slopes[i]) <= threshold) continue;
      for (size_t k = i + 1; k <= std::min(i + width, slopes.size() - 1); ++k) {
        if (std::abs(slopes[k]) <= threshold || (slopes[k] > 0) == (slopes[i] > 0)) continue;
        ++leads[i];
        break;
      }
    }
  }
  double last = -1;
  for (size_t i = 0; i < leads.size(); ++i) {
    if (leads[i] < 2) continue;
    const double now = static_cast<double>(i) / hz;
    if (last < 0 || now - last > 0.05) seconds.push_back(now);  // the first sample of those of one pulse
    last = now;
  }
  return seconds;
}

// IsPaced tells whether `strip` has a spike every four seconds, and at least three: one alone may be an artefact.
inline bool IsPaced(const Strip& strip) {
  const double duration = static_cast<double>(strip.samples()) / strip.sampling_frequency_hz;
  return static_cast<double>(PacingSpikes(strip).size()) >= std::max(3.0, duration / 4);
}

}  // namespace ecg

#endif  // ECG_SIGNAL_PACING_H_

// reliability.h
//
// Whether probabilities are right as frequencies: the reliability diagram, the expected calibration error and the Brier
// score (Brier 1950; Guo et al. 2017, arXiv:1706.04599).
//
//   const std::vector<uint8_t> targets = {1, 0, 1, 0};
//   const std::vector<float> probabilities = {0.9f, 0.2f, 0.6f, 0.4f};
//   const Reliability reliability = ReliabilityOf(targets, probabilities);
//   reliability.expected_calibration_error;   // 0.275
//   reliability.brier_score;                  // 0.0925

#ifndef ECG_SCORE_RELIABILITY_H_
#define ECG_SCORE_RELIABILITY_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ecg {

// ReliabilityBin is the predictions whose probabilities lie in one interval.
struct ReliabilityBin {
  int64_t predictions = 0;
  int64_t positives = 0;
  double probability_sum = 0;

  // probability returns the mean probability, and frequency the share of positives; there must be a prediction.
  double probability() const { return probability_sum / static_cast<double>(predictions); }
  double frequency() const { return static_cast<double>(positives) / static_cast<double>(predictions); }
};

// Reliability compares probabilities with frequencies.
struct Reliability {
  // bins are intervals of equal width from 0 to 1. Each holds its lower end, and the last one also 1.
  std::vector<ReliabilityBin> bins;
  int64_t predictions = 0;
  // expected_calibration_error is the mean over the predictions of |probability - frequency| of their bin.
  double expected_calibration_error = 0;
  // brier_score is the mean of (probability - target)^2.
  double brier_score = 0;
};

// ReliabilityOf returns the reliability of `probabilities`, whose `targets` are 0 or 1. A probability that is not a
// number is left out.
inline Reliability ReliabilityOf(std::span<const uint8_t> targets, std::span<const float> probabilities,
                                 int bins = 10) {
  Reliability reliability;
  reliability.bins.resize(bins);
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double probability = probabilities[i];
    if (std::isnan(probability)) continue;
    const auto place = static_cast<int>(std::floor(probability * bins));
    ReliabilityBin& bin = reliability.bins[std::clamp(place, 0, bins - 1)];
    ++bin.predictions;
    bin.positives += targets[i];
    bin.probability_sum += probability;
    ++reliability.predictions;
    reliability.brier_score += (probability - targets[i]) * (probability - targets[i]);
  }
  if (reliability.predictions == 0) return reliability;
  const auto all = static_cast<double>(reliability.predictions);
  reliability.brier_score /= all;
  for (const ReliabilityBin& bin : reliability.bins) {
    if (bin.predictions == 0) continue;
    reliability.expected_calibration_error +=
        static_cast<double>(bin.predictions) / all * std::abs(bin.probability() - bin.frequency());
  }
  return reliability;
}

}  // namespace ecg

#endif  // ECG_SCORE_RELIABILITY_H_

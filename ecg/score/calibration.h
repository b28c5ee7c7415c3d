// calibration.h
//
// What is chosen on the validation records so that the probabilities of a class can be acted upon: a temperature that
// makes them fit the frequencies, and a threshold above which the class is reported.
//
//   ECG_ASSIGN_OR_RETURN(const ClassCalibration calibration, Calibrate(validation));
//   const double calibrated = Calibrated(0.73, calibration.temperatures[0]);
//   const bool reported = 0.73 >= calibration.thresholds[0];

#ifndef ECG_SCORE_CALIBRATION_H_
#define ECG_SCORE_CALIBRATION_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/score/f1_score.h"
#include "ecg/score/named_score.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// Beyond this logit single precision has no probability but 1: the next number below 1 has a logit of 16.6.
inline constexpr double kMostLogit = 17;

// Logit returns log(p / (1 - p)), within +-kMostLogit.
inline double Logit(double probability) {
  return std::clamp(std::log(probability) - std::log1p(-probability), -kMostLogit, kMostLogit);
}

// Calibrated returns the probability whose logit is that of `probability` divided by `temperature`.
inline double Calibrated(double probability, double temperature) {
  return 1 / (1 + std::exp(-Logit(probability) / temperature));
}

// FitTemperature returns the temperature in [0.05, 20] with the least cross-entropy of a class (Guo et al. 2017,
// arXiv:1706.04599), for `targets`, 0 or 1, and `probabilities` of the same records. The targets are smoothed as Platt
// 1999 does, to (P + 1) / (P + 2) and 1 / (N + 2) with P positives and N negatives, so that the few positives of a rare
// class do not make it certain. 1 where there is no positive or no negative.
inline double FitTemperature(std::span<const uint8_t> targets, std::span<const float> probabilities) {
  const auto positives = static_cast<double>(std::ranges::count(targets, 1));
  const double negatives = static_cast<double>(targets.size()) - positives;
  if (positives == 0 || negatives == 0) return 1;
  const double positive = (positives + 1) / (positives + 2), negative = 1 / (negatives + 2);
  std::vector<double> logits(probabilities.size());
  std::ranges::transform(probabilities, logits.begin(), Logit);
  // The derivative of the cross-entropy by 1 / temperature grows with it: the root is found by bisection.
  const auto derivative = [&](double slope) {
    double sum = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      sum += logits[i] * (1 / (1 + std::exp(-slope * logits[i])) - (targets[i] == 1 ? positive : negative));
    }
    return sum;
  };
  double low = 0.05, high = 20;
  for (int step = 0; step < 50; ++step) {
    const double middle = std::sqrt(low * high);
    (derivative(middle) < 0 ? low : high) = middle;
  }
  return 1 / std::sqrt(low * high);
}

// ThresholdOfGreatestF1 returns the threshold at which F1 is greatest, in the middle between the least prediction at or
// above it and the next one; of equal maxima the highest. Nothing where there is no positive or no negative.
inline std::optional<double> ThresholdOfGreatestF1(const RankedClass& one) {
  if (!one.scorable()) return std::nullopt;
  double greatest = -1, threshold = 0;
  int64_t true_positives = 0, false_positives = 0;
  for (size_t i = 0; i < one.ranking.size(); ++i) {
    ++(one.ranking[i].positive ? true_positives : false_positives);
    if (!one.ranking[i].last_of_tie) continue;
    const double f1 = F1Score(true_positives, false_positives, one.positives);
    if (f1 <= greatest) continue;
    greatest = f1;
    const double next = i + 1 < one.ranking.size() ? one.ranking[i + 1].prediction : one.ranking[i].prediction;
    threshold = (one.ranking[i].prediction + next) / 2;
  }
  return threshold;
}

// ClassCalibration holds a temperature and a threshold for each class. A threshold is NaN where the class has no
// positive or no negative.
struct ClassCalibration {
  std::vector<double> temperatures, thresholds;
};

// Calibrate chooses them on `predictions`, those of the validation records.
inline absl::StatusOr<ClassCalibration> Calibrate(const Predictions& predictions) {
  ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
  ClassCalibration calibration;
  const size_t classes = predictions.classes.size();
  for (size_t k = 0; k < classes; ++k) {
    std::vector<uint8_t> targets;
    std::vector<float> probabilities;
    for (size_t i = k; i < predictions.targets.size(); i += classes) {
      targets.push_back(predictions.targets[i]);
      probabilities.push_back(predictions.probabilities[i]);
    }
    calibration.temperatures.push_back(FitTemperature(targets, probabilities));
    calibration.thresholds.push_back(ThresholdOfGreatestF1(ranked.classes()[k]).value_or(std::nan("")));
  }
  return calibration;
}

}  // namespace ecg

#endif  // ECG_SCORE_CALIBRATION_H_

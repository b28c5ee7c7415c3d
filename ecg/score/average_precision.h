// average_precision.h
//
// Average precision: the precision at each threshold, weighted by the recall that the threshold adds. There is no
// interpolation, so it is not the trapezoid area under the precision-recall curve.
//
//   const std::optional<double> average_precision = AveragePrecision(ranked.classes()[0]);

#ifndef ECG_SCORE_AVERAGE_PRECISION_H_
#define ECG_SCORE_AVERAGE_PRECISION_H_

#include <cstdint>
#include <optional>

#include "ecg/score/ranked_predictions.h"

namespace ecg {

// AveragePrecision returns the sum over thresholds n of (recall_n - recall_(n-1)) * precision_n, where equal
// predictions share a threshold (scikit-learn's definition); none without a positive or a negative.
inline std::optional<double> AveragePrecision(const RankedClass& one) {
  if (!one.scorable()) return std::nullopt;
  int64_t true_positives = 0, predicted = 0, tied_positives = 0;
  double sum = 0;
  for (const RankedRecord& ranked : one.ranking) {
    ++predicted;
    tied_positives += ranked.positive;
    if (ranked.last_of_tie) {
      true_positives += tied_positives;
      sum += static_cast<double>(tied_positives) * true_positives / predicted;
      tied_positives = 0;
    }
  }
  return sum / one.positives;
}

}  // namespace ecg

#endif  // ECG_SCORE_AVERAGE_PRECISION_H_

// curves.h
//
// The ROC curve and the precision-recall curve of a class, with the threshold at each point.
//
//   const std::vector<CurvePoint> curve = CurveOf(ranked.classes()[0], /*most=*/200);
//   curve[3].threshold, curve[3].sensitivity, curve[3].false_positive_rate, curve[3].precision;

#ifndef ECG_SCORE_CURVES_H_
#define ECG_SCORE_CURVES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ecg/score/ranked_predictions.h"

namespace ecg {

// CurvePoint is what a class does at one threshold, when a prediction of at least `threshold` reports it.
struct CurvePoint {
  double threshold = 0;
  double sensitivity = 0;  // also called recall, or true positive rate
  double false_positive_rate = 0;
  double precision = 0;
};

// CurveOf returns the points at which the ROC curve of `one` turns, and its two ends, from the highest threshold to the
// lowest; of more than `most` points, `most` at even distances. Points between two turns lie on a straight line of the
// ROC curve. Empty without a positive or a negative.
inline std::vector<CurvePoint> CurveOf(const RankedClass& one, size_t most) {
  std::vector<CurvePoint> all;
  if (!one.scorable()) return all;
  int64_t true_positives = 0, false_positives = 0;
  // Whether the step to the last point went up, or to the right; a tie may go both ways.
  bool went_up = false, went_right = false;
  int64_t tied_positives = 0, tied_negatives = 0;
  for (const RankedRecord& ranked : one.ranking) {
    ++(ranked.positive ? tied_positives : tied_negatives);
    if (!ranked.last_of_tie) continue;
    true_positives += tied_positives;
    false_positives += tied_negatives;
    const bool up = tied_positives > 0, right = tied_negatives > 0;
    const bool goes_on = !all.empty() && up == went_up && right == went_right && up != right;
    if (goes_on) all.pop_back();
    all.push_back({ranked.prediction, static_cast<double>(true_positives) / static_cast<double>(one.positives),
                   static_cast<double>(false_positives) / static_cast<double>(one.negatives),
                   static_cast<double>(true_positives) / static_cast<double>(true_positives + false_positives)});
    went_up = up;
    went_right = right;
    tied_positives = tied_negatives = 0;
  }
  if (all.size() <= most || most < 2) return all;
  std::vector<CurvePoint> some;
  for (size_t i = 0; i < most; ++i) some.push_back(all[i * (all.size() - 1) / (most - 1)]);
  return some;
}

}  // namespace ecg

#endif  // ECG_SCORE_CURVES_H_

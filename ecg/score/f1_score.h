// f1_score.h
//
// F1, the harmonic mean of precision and recall, at a fixed threshold and at the threshold with the
// greatest Youden index.
//
//   const std::optional<double> f1 = F1AtThreshold(ranked.classes()[0], 0.5);

#ifndef ECG_SCORE_F1_SCORE_H_
#define ECG_SCORE_F1_SCORE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ecg/score/ranked_predictions.h"

namespace ecg {

// F1Score returns 2 * true positives / (true positives + false positives + positives), and 0 where nothing was right.
inline double F1Score(int64_t true_positives, int64_t false_positives, int64_t positives) {
  if (true_positives == 0) return 0;
  return 2.0 * true_positives / (true_positives + false_positives + positives);
}

// F1AtThreshold returns F1 when a prediction of at least `threshold` says that the record carries the class; none
// without a positive or a negative.
inline std::optional<double> F1AtThreshold(const RankedClass& one, double threshold) {
  if (!one.scorable()) return std::nullopt;
  int64_t true_positives = 0, false_positives = 0;
  for (const RankedRecord& ranked : one.ranking) {
    if (ranked.prediction < threshold) break;
    ++(ranked.positive ? true_positives : false_positives);
  }
  return F1Score(true_positives, false_positives, one.positives);
}

// F1AtYouden returns F1 at the threshold with the greatest sensitivity + specificity - 1 (Youden 1950), the way the
// reference protocol computes it and calls "Fmax"; none without a positive or a negative.
//
// Its details are those of scikit-learn 1.2's `roc_curve`, which decide ties: the first point of the curve lies above
// all predictions; points on a straight line between their neighbours are dropped; the first of several maxima counts;
// and the class is predicted by `prediction > threshold`, which leaves out the records at the threshold itself, though
// the index counted them in.
inline std::optional<double> F1AtYouden(const RankedClass& one) {
  if (!one.scorable()) return std::nullopt;
  struct Point {
    int64_t true_positives = 0;
    int64_t false_positives = 0;
  };
  std::vector<Point> points;  // counts of records at or above each distinct prediction
  Point point;
  for (const RankedRecord& ranked : one.ranking) {
    ++(ranked.positive ? point.true_positives : point.false_positives);
    if (ranked.last_of_tie) points.push_back(point);
  }

  const auto on_straight_line = [&points](size_t i) {
    if (i == 0 || i + 1 == points.size()) return false;
    const Point &before = points[i - 1], &here = points[i], &after = points[i + 1];
    return after.true_positives - here.true_positives == here.true_positives - before.true_positives &&
           after.false_positives - here.false_positives == here.false_positives - before.false_positives;
  };
  double greatest = 0;  // of the point above all predictions
  Point above;          // the records strictly above the chosen threshold
  for (size_t i = 0; i < points.size(); ++i) {
    if (on_straight_line(i)) continue;
    const double youden = static_cast<double>(points[i].true_positives) / one.positives -
                          static_cast<double>(points[i].false_positives) / one.negatives;
    if (youden > greatest) {
      greatest = youden;
      above = i == 0 ? Point() : points[i - 1];
    }
  }
  return F1Score(above.true_positives, above.false_positives, one.positives);
}

}  // namespace ecg

#endif  // ECG_SCORE_F1_SCORE_H_

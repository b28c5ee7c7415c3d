// fmax.h
//
// Fmax, sample-centred: F1 of the statements predicted for a record against its own, averaged over records, at the best
// single threshold for all records and classes.
//
//   const double fmax = Fmax(ranked);

#ifndef ECG_SCORE_FMAX_H_
#define ECG_SCORE_FMAX_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ecg/score/ranked_predictions.h"

namespace ecg {

// Fmax returns the maximum over thresholds t of
//
//   F(t) = 2 * precision(t) * recall(t) / (precision(t) + recall(t)),
//
// where record i is given the set P_i(t) of classes predicted with at least t and carries the set T_i;
//
//   precision(t) = mean of |P_i(t) and T_i| / |P_i(t)| over the records with P_i(t) not empty,
//   recall(t)    = mean of |P_i(t) and T_i| / |T_i|    over the records with T_i not empty
//
// (CAFA; Radivojac et al. 2013, doi:10.1038/nmeth.2340). Every distinct prediction is tried as t, and every class
// counts, including one that no record carries. Predictions must be comparable across classes, as probabilities are. 0
// where no record carries a class.
inline double Fmax(const RankedPredictions& ranked) {
  struct Cell {
    double prediction;
    uint32_t record;
    bool positive;
  };
  std::vector<Cell> cells;
  cells.reserve(ranked.records() * ranked.classes().size());
  struct Record {
    int64_t labels = 0;
    int64_t predicted = 0;
    int64_t right = 0;
  };
  std::vector<Record> records(ranked.records());
  for (const RankedClass& one : ranked.classes()) {
    for (const RankedRecord& place : one.ranking) {
      cells.push_back({place.prediction, place.record, place.positive});
      records[place.record].labels += place.positive;
    }
  }
  std::sort(cells.begin(), cells.end(), [](const Cell& left, const Cell& right) {
    return left.prediction != right.prediction ? left.prediction > right.prediction : left.record < right.record;
  });

  const int64_t labelled =
      std::count_if(records.begin(), records.end(), [](const Record& record) { return record.labels > 0; });
  if (labelled == 0) return 0;

  double sum_of_precision = 0, sum_of_recall = 0, fmax = 0;
  int64_t with_prediction = 0;
  for (size_t i = 0; i < cells.size(); ++i) {
    Record& record = records[cells[i].record];
    const double precision_before = record.predicted == 0 ? 0 : static_cast<double>(record.right) / record.predicted;
    with_prediction += record.predicted == 0;
    ++record.predicted;
    record.right += cells[i].positive;
    sum_of_precision += static_cast<double>(record.right) / record.predicted - precision_before;
    if (cells[i].positive) sum_of_recall += 1.0 / record.labels;
    if (i + 1 < cells.size() && cells[i + 1].prediction == cells[i].prediction) continue;
    const double precision = sum_of_precision / with_prediction;
    const double recall = sum_of_recall / labelled;
    if (recall > 0) fmax = std::max(fmax, 2 * precision * recall / (precision + recall));
  }
  return fmax;
}

}  // namespace ecg

#endif  // ECG_SCORE_FMAX_H_

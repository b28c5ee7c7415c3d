// roc_auc.h
//
// The area under the receiver operating characteristic: the chance that a random positive ranks before a random
// negative, a tie counting one half (Mann and Whitney 1947; Hanley and McNeil 1982). Equal to the trapezoid area. Where
// there are strata, of a random positive and a random negative of the same stratum.
//
//   const std::optional<double> roc_auc = RocAuc(ranked.classes()[0]);

#ifndef ECG_SCORE_ROC_AUC_H_
#define ECG_SCORE_ROC_AUC_H_

#include <cstdint>
#include <optional>
#include <span>

#include "ecg/score/ranked_predictions.h"

namespace ecg {

// WeightedRocAuc returns the area, 0 to 1, when each record is there multiplicity_of(record) times; none without a
// positive or a negative.
template <typename MultiplicityOf>
std::optional<double> WeightedRocAuc(const RankedClass& one, MultiplicityOf multiplicity_of) {
  // Counts are whole numbers, so nothing is rounded before the division.
  uint64_t positives = 0, negatives = 0;
  uint64_t tied_positives = 0, tied_negatives = 0;
  uint64_t twice_ordered_pairs = 0, pairs = 0;
  for (const RankedRecord& ranked : one.ranking) {
    const uint64_t count = multiplicity_of(ranked.record);
    tied_positives += ranked.positive ? count : 0;
    tied_negatives += ranked.positive ? 0 : count;
    if (ranked.last_of_tie) {
      twice_ordered_pairs += tied_negatives * (2 * positives + tied_positives);
      positives += tied_positives;
      negatives += tied_negatives;
      tied_positives = tied_negatives = 0;
    }
    if (ranked.last_of_stratum) {
      pairs += positives * negatives;
      positives = negatives = 0;
    }
  }
  if (pairs == 0) return std::nullopt;
  return static_cast<double>(twice_ordered_pairs) / (2.0 * static_cast<double>(pairs));
}

// RocAuc returns the area for the records as they are.
inline std::optional<double> RocAuc(const RankedClass& one) {
  return WeightedRocAuc(one, [](uint32_t) { return 1; });
}

// RocAuc returns the area for a resample in which record `r` occurs multiplicities[r] times.
inline std::optional<double> RocAuc(const RankedClass& one, std::span<const uint32_t> multiplicities) {
  return WeightedRocAuc(one, [multiplicities](uint32_t record) { return multiplicities[record]; });
}

}  // namespace ecg

#endif  // ECG_SCORE_ROC_AUC_H_

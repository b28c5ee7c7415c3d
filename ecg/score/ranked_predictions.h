// ranked_predictions.h
//
// The records of each class in descending order of their prediction: what every score of this folder is computed from.
// Each class is sorted once; scores and bootstrap resamples then only walk the order.
//
//   ECG_ASSIGN_OR_RETURN(RankedPredictions ranked,
//                        RankedPredictions::Create(targets, probabilities, class_names));
//   ranked.classes()[0].ranking[0].record;   // the record with the greatest probability of the first class

#ifndef ECG_SCORE_RANKED_PREDICTIONS_H_
#define ECG_SCORE_RANKED_PREDICTIONS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace ecg {

// RankedRecord is one record's place in the order of one class.
struct RankedRecord {
  double prediction;
  uint32_t record;       // its row in the targets
  bool positive;         // whether it carries the class
  bool last_of_tie;      // whether the next record, if any, has a smaller prediction: a threshold can be here
  bool last_of_stratum;  // whether no other record of its stratum follows
};

// RankedClass is one class with its records in descending order of prediction, equal predictions in the records' order.
// Where there are strata, those of one come after the other.
struct RankedClass {
  std::string name;
  int64_t positives = 0;
  int64_t negatives = 0;
  std::vector<RankedRecord> ranking;

  // scorable says whether there are a positive and a negative. Without both, no score is defined.
  bool scorable() const { return positives > 0 && negatives > 0; }
};

// RankedPredictions holds every class of a set of records.
class RankedPredictions {
 public:
  // Create ranks `predictions`, [records, classes] row by row, which may be logits or probabilities. `targets`, of the
  // same shape, is 1 where the record carries the class and 0 elsewhere. `strata`, [records], where it is not empty,
  // says which records' predictions can be compared: those with the same number. Fails where a shape does not fit, a
  // target is neither 0 nor 1 or a prediction is not a number.
  static absl::StatusOr<RankedPredictions> Create(std::span<const uint8_t> targets, std::span<const float> predictions,
                                                  std::span<const std::string> class_names,
                                                  std::span<const uint32_t> strata = {}) {
    return Rank(targets, predictions, class_names, strata);
  }
  static absl::StatusOr<RankedPredictions> Create(std::span<const uint8_t> targets, std::span<const double> predictions,
                                                  std::span<const std::string> class_names,
                                                  std::span<const uint32_t> strata = {}) {
    return Rank(targets, predictions, class_names, strata);
  }

  const std::vector<RankedClass>& classes() const { return classes_; }
  uint32_t records() const { return records_; }

 private:
  template <typename Value>
  static absl::StatusOr<RankedPredictions> Rank(std::span<const uint8_t> targets, std::span<const Value> predictions,
                                                std::span<const std::string> class_names,
                                                std::span<const uint32_t> strata) {
    const size_t classes = class_names.size();
    if (classes == 0 || targets.empty()) return absl::InvalidArgumentError("there is no record or no class to score");
    if (targets.size() != predictions.size() || targets.size() % classes != 0) {
      return absl::InvalidArgumentError(absl::StrCat("cannot score ", targets.size(), " targets and ",
                                                     predictions.size(), " predictions of ", classes,
                                                     " classes: expected records times classes of both"));
    }
    if (!strata.empty() && strata.size() != targets.size() / classes) {
      return absl::InvalidArgumentError(absl::StrCat("there are strata of ", strata.size(), " records, but ",
                                                     targets.size() / classes, " records to score"));
    }
    if (targets.size() / classes > std::numeric_limits<uint32_t>::max()) {
      return absl::InvalidArgumentError("more than 4,294,967,295 records cannot be scored");
    }
    RankedPredictions ranked;
    ranked.records_ = static_cast<uint32_t>(targets.size() / classes);
    for (size_t c = 0; c < classes; ++c) {
      RankedClass& one = ranked.classes_.emplace_back();
      one.name = class_names[c];
      one.ranking.reserve(ranked.records_);
      for (uint32_t record = 0; record < ranked.records_; ++record) {
        const size_t place = record * classes + c;
        const double prediction = predictions[place];
        if (std::isnan(prediction)) {
          return absl::InvalidArgumentError(absl::StrCat("the prediction of record ", record,
                                                         " (counted from 0), class ", one.name, ", is not a number"));
        }
        if (targets[place] > 1) {
          return absl::InvalidArgumentError(absl::StrCat("the target of record ", record, " (counted from 0), class ",
                                                         one.name, ", is ", static_cast<int>(targets[place]),
                                                         ": expected 0 or 1"));
        }
        const bool positive = targets[place] == 1;
        ++(positive ? one.positives : one.negatives);
        one.ranking.push_back({prediction, record, positive, true, false});
      }
      const auto stratum = [&](const RankedRecord& place) { return strata.empty() ? 0 : strata[place.record]; };
      std::sort(one.ranking.begin(), one.ranking.end(), [&](const RankedRecord& left, const RankedRecord& right) {
        if (stratum(left) != stratum(right)) return stratum(left) < stratum(right);
        return left.prediction != right.prediction ? left.prediction > right.prediction : left.record < right.record;
      });
      for (size_t rank = 0; rank + 1 < one.ranking.size(); ++rank) {
        RankedRecord &place = one.ranking[rank], &next = one.ranking[rank + 1];
        place.last_of_stratum = stratum(place) != stratum(next);
        place.last_of_tie = place.last_of_stratum || place.prediction != next.prediction;
      }
      one.ranking.back().last_of_stratum = true;
    }
    return ranked;
  }

  std::vector<RankedClass> classes_;
  uint32_t records_ = 0;
};

}  // namespace ecg

#endif  // ECG_SCORE_RANKED_PREDICTIONS_H_

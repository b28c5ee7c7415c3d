// comparison.h
//
// Whether the scores of two runs are significantly different: the paired bootstrap (Efron and Tibshirani 1993). Both
// are scored on the same resamples of the records that both were tested on, so that what makes a record easy for both
// cancels out, and the interval is that of the differences.
//
//   ECG_ASSIGN_OR_RETURN(Comparison comparison, Compare(a, b, "macro ROC-AUC", {.resamples = 1000, .seed = 1}));
//   comparison.difference, comparison.low, comparison.high;   // a minus b

#ifndef ECG_REPORT_COMPARISON_H_
#define ECG_REPORT_COMPARISON_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/run/predictions.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/named_score.h"
#include "ecg/score/quantile.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// Comparison is the difference of two scores.
struct Comparison {
  double difference = 0;
  double low = 0, high = 0;  // quantiles of the differences on resamples
  size_t records = 0;        // that both have
  size_t classes = 0;        // that both have and that can be scored on these records: the scores are means over them
  std::vector<double> differences;  // on each resample

  // significant says whether the two are significantly different: 0 is outside of the interval.
  bool significant() const { return low > 0 || high < 0; }
};

// Differences returns `a` minus `b`, element by element; they have the same size.
inline std::vector<double> Differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> differences(a.size());
  std::ranges::transform(a, b, differences.begin(), [](double one, double other) { return one - other; });
  return differences;
}

// Shared reduces both tables to the records and the classes that both have, by their names, in the order of `a`.
// Fails where there is none, or where a record has different labels in the two.
inline absl::Status Shared(PredictionTable& a, PredictionTable& b) {
  const auto places = [](const std::vector<std::string>& names) {
    std::map<absl::string_view, size_t> place_of;
    for (size_t place = 0; place < names.size(); ++place) place_of[names[place]] = place;
    return place_of;
  };
  const auto b_records = places(b.records), b_classes = places(b.classes);
  PredictionTable shared_a, shared_b;
  for (const std::string& name : a.classes) {
    if (b_classes.count(name) > 0) shared_a.classes.push_back(name);
  }
  if (shared_a.classes.empty()) return absl::FailedPreconditionError("they have no class in common");
  const auto a_classes = places(a.classes);
  for (size_t record = 0; record < a.records.size(); ++record) {
    const auto other = b_records.find(a.records[record]);
    if (other == b_records.end()) continue;
    shared_a.records.push_back(a.records[record]);
    for (const std::string& name : shared_a.classes) {
      const size_t in_a = record * a.classes.size() + a_classes.at(name);
      const size_t in_b = other->second * b.classes.size() + b_classes.at(name);
      if (a.targets[in_a] != b.targets[in_b]) {
        return absl::FailedPreconditionError(absl::StrCat("record ", a.records[record], " has ", name,
                                                          " in one and not in the other, so they were "
                                                          "tested on different labels"));
      }
      shared_a.targets.push_back(a.targets[in_a]);
      shared_a.probabilities.push_back(a.probabilities[in_a]);
      shared_b.probabilities.push_back(b.probabilities[in_b]);
    }
  }
  if (shared_a.records.empty()) {
    return absl::FailedPreconditionError("they have no test record in common; compare runs of the same split");
  }
  shared_b.records = shared_a.records;
  shared_b.classes = shared_a.classes;
  shared_b.targets = shared_a.targets;
  a = std::move(shared_a);
  b = std::move(shared_b);
  return absl::OkStatus();
}

// Compare returns by how much the score called `score_name` of `a` is above that of `b`, on what both share.
inline absl::StatusOr<Comparison> Compare(PredictionTable a, PredictionTable b, absl::string_view score_name,
                                          const BootstrapOptions& options) {
  ECG_RETURN_IF_ERROR(Shared(a, b));
  ECG_ASSIGN_OR_RETURN(const ScoreSample of_a,
                       SampleScore(score_name, {a.classes, a.targets, a.probabilities}, options));
  ECG_ASSIGN_OR_RETURN(const ScoreSample of_b,
                       SampleScore(score_name, {b.classes, b.targets, b.probabilities}, options));
  std::vector<double> differences = Differences(of_a.interval.scores, of_b.interval.scores);
  return Comparison{.difference = of_a.score - of_b.score,
                    .low = Quantile(differences, options.low_quantile),
                    .high = Quantile(differences, options.high_quantile),
                    .records = a.records.size(),
                    .classes = static_cast<size_t>(of_a.classes),
                    .differences = std::move(differences)};
}

}  // namespace ecg

#endif  // ECG_REPORT_COMPARISON_H_

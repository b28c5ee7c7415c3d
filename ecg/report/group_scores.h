// group_scores.h
//
// The score of each group of records, such as women and men, and whether it differs significantly from that of all
// other records. The two sets of records are disjoint, so each has its own bootstrap resamples, and the interval is
// that of the difference of independent resamples (Efron and Tibshirani 1993, chapter 8). A resample has fewer
// different records than there are, so that its score is higher or lower on average, and the more so the smaller the
// set: the estimated bias is subtracted (chapter 10), which a paired comparison does not need.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<GroupScore> groups,
//                        GroupScores(predictions, {"female", "male", "female"}, "macro ROC-AUC", {.seed = 1}));
//   groups[0].name, groups[0].sample->score, groups[0].against_others->significant();

#ifndef ECG_REPORT_GROUP_SCORES_H_
#define ECG_REPORT_GROUP_SCORES_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/report/comparison.h"
#include "ecg/run/predictions.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/named_score.h"
#include "ecg/score/quantile.h"

namespace ecg {

// kFewestComparedRecords is how many records a group, and all others, must have to be compared.
inline constexpr size_t kFewestComparedRecords = 20;

// GroupScore is the score of one group.
struct GroupScore {
  std::string name;
  size_t records = 0;
  // sample is none where no class can be scored on the records of the group.
  std::optional<ScoreSample> sample;
  // against_others is the score of the group minus that of all other records, both over the classes that can be scored
  // on each; none where there is no such class, or where either has fewer than kFewestComparedRecords.
  std::optional<Comparison> against_others;
};

namespace group_internal {

// Part returns the records of `all` at which `group_of` is `group`, or all others, with the classes at `kept` only.
inline PredictionTable Part(const Predictions& all, const std::vector<std::string>& group_of, absl::string_view group,
                            bool others, const std::vector<size_t>& kept) {
  PredictionTable part;
  const size_t classes = all.classes.size();
  for (const size_t k : kept) part.classes.push_back(all.classes[k]);
  for (size_t record = 0; record < group_of.size(); ++record) {
    if (group_of[record].empty() || (group_of[record] == group) == others) continue;
    part.records.push_back(absl::StrCat(record));
    for (const size_t k : kept) {
      part.targets.push_back(all.targets[record * classes + k]);
      part.probabilities.push_back(all.probabilities[record * classes + k]);
    }
  }
  return part;
}

// ScorableInBoth returns the classes of `all` that have a positive and a negative both in the group and in the others.
inline std::vector<size_t> ScorableInBoth(const Predictions& all, const std::vector<std::string>& group_of,
                                          absl::string_view group) {
  const size_t classes = all.classes.size();
  std::vector<size_t> scorable;
  for (size_t k = 0; k < classes; ++k) {
    bool seen[2][2] = {};  // [in the group, positive]
    for (size_t record = 0; record < group_of.size(); ++record) {
      if (!group_of[record].empty()) seen[group_of[record] == group][all.targets[record * classes + k]] = true;
    }
    if (seen[0][0] && seen[0][1] && seen[1][0] && seen[1][1]) scorable.push_back(k);
  }
  return scorable;
}

inline Predictions View(const PredictionTable& table) { return {table.classes, table.targets, table.probabilities}; }

}  // namespace group_internal

// GroupScores returns the score called `score_name` of each group of `predictions`, in the order of the groups' names.
// `group_of` has the group of each record; records whose group is empty belong to none and are left out.
inline absl::StatusOr<std::vector<GroupScore>> GroupScores(const Predictions& predictions,
                                                           const std::vector<std::string>& group_of,
                                                           absl::string_view score_name,
                                                           const BootstrapOptions& options) {
  using namespace group_internal;
  const size_t classes = predictions.classes.size();
  if (classes == 0 || group_of.size() * classes != predictions.targets.size()) {
    return absl::InvalidArgumentError(absl::StrCat("there are groups of ", group_of.size(), " records, but ",
                                                   predictions.targets.size(), " targets of ", classes, " classes"));
  }
  std::set<std::string> names(group_of.begin(), group_of.end());
  names.erase("");
  std::vector<size_t> all(classes);
  for (size_t k = 0; k < classes; ++k) all[k] = k;
  BootstrapOptions other_options = options;
  ++other_options.seed;

  std::vector<GroupScore> groups;
  for (const std::string& name : names) {
    GroupScore& group = groups.emplace_back();
    group.name = name;
    const PredictionTable own = Part(predictions, group_of, name, /*others=*/false, all);
    group.records = own.records.size();
    if (absl::StatusOr<ScoreSample> sample = SampleScore(score_name, View(own), options); sample.ok()) {
      group.sample = *std::move(sample);
    }
    if (names.size() < 2) continue;
    // A choice among classes has a score over all of them only.
    const std::vector<size_t> kept =
        score_name == MacroF1Score::kScoreName ? all : ScorableInBoth(predictions, group_of, name);
    if (kept.empty()) continue;
    const PredictionTable one = Part(predictions, group_of, name, false, kept);
    const PredictionTable other = Part(predictions, group_of, name, true, kept);
    if (std::min(one.records.size(), other.records.size()) < kFewestComparedRecords) continue;
    const absl::StatusOr<ScoreSample> of_one = SampleScore(score_name, View(one), options);
    const absl::StatusOr<ScoreSample> of_other = SampleScore(score_name, View(other), other_options);
    if (!of_one.ok() || !of_other.ok()) continue;
    Comparison& comparison = group.against_others.emplace();
    comparison.difference = of_one->score - of_other->score;
    comparison.differences = Differences(of_one->interval.scores, of_other->interval.scores);
    const double bias = of_one->interval.mean - of_other->interval.mean - comparison.difference;
    for (double& difference : comparison.differences) difference -= bias;
    comparison.low = Quantile(comparison.differences, options.low_quantile);
    comparison.high = Quantile(comparison.differences, options.high_quantile);
    comparison.records = one.records.size();
    comparison.classes = static_cast<size_t>(of_one->classes);
  }
  return groups;
}

}  // namespace ecg

#endif  // ECG_REPORT_GROUP_SCORES_H_

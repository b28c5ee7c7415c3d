// named_score.h
//
// The score that a finished run names, computed anew from its predictions, and on resamples of its records.
//
//   ECG_ASSIGN_OR_RETURN(ScoreSample sample, SampleScore("macro ROC-AUC", targets, probabilities, classes, {.seed =
//   1})); sample.score, sample.interval.low, sample.interval.high

#ifndef ECG_SCORE_NAMED_SCORE_H_
#define ECG_SCORE_NAMED_SCORE_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/confusion.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/scores.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// ScoreSample is a score, and what it is on resamples of the records.
struct ScoreSample {
  double score = 0;
  BootstrapInterval interval;
};

// SampleScore returns the score called `name`, as objectives call it, of `probabilities` where `targets` are true; both
// are [records, classes] row by row.
inline absl::StatusOr<ScoreSample> SampleScore(absl::string_view name, std::span<const uint8_t> targets,
                                               std::span<const float> probabilities,
                                               std::span<const std::string> classes, const BootstrapOptions& options) {
  ScoreSample sample;
  if (name == "macro ROC-AUC") {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, RankedPredictions::Create(targets, probabilities, classes));
    ECG_ASSIGN_OR_RETURN(const Scores scores, ComputeScores(ranked));
    sample.score = scores.macro_roc_auc;
    ECG_ASSIGN_OR_RETURN(sample.interval, BootstrapMacroRocAuc(ranked, options));
    return sample;
  }
  if (name == "macro F1") {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices,
                         ClassChoices::Create(targets, probabilities, static_cast<int>(classes.size())));
    sample.score = Confusion(choices).MacroF1();
    ECG_ASSIGN_OR_RETURN(sample.interval, BootstrapMacroF1(choices, options));
    return sample;
  }
  return absl::UnimplementedError(
      absl::StrCat("no score is called \"", name, "\"; there are macro ROC-AUC and macro F1"));
}

}  // namespace ecg

#endif  // ECG_SCORE_NAMED_SCORE_H_

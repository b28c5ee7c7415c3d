// scores.h
//
// All scores of multi-label predictions, class by class and over classes.
//
//   ECG_ASSIGN_OR_RETURN(RankedPredictions ranked, RankedPredictions::Create(targets, probabilities, class_names));
//   ECG_ASSIGN_OR_RETURN(Scores scores, ComputeScores(ranked));
//   scores.macro_roc_auc;              // 0.9123
//   scores.per_class[3].f1_youden;     // none where the class cannot be scored

#ifndef ECG_SCORE_SCORES_H_
#define ECG_SCORE_SCORES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/score/average_precision.h"
#include "ecg/score/f1_score.h"
#include "ecg/score/fmax.h"
#include "ecg/score/macro_score.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/roc_auc.h"

namespace ecg {

// ClassScores are the scores of one class. A class without both a positive and a negative has none.
struct ClassScores {
  std::string name;
  int64_t positives = 0;
  int64_t negatives = 0;
  std::optional<double> roc_auc = {};
  std::optional<double> average_precision = {};
  std::optional<double> f1_youden = {};   // F1 at the class's own Youden threshold
  std::optional<double> f1_at_half = {};  // F1 when a probability of at least 0.5 predicts the class
};

// Scores are the scores of all classes. A macro score is the unweighted mean over the classes that are not left out.
struct Scores {
  double macro_roc_auc = 0;
  double macro_average_precision = 0;
  double macro_f1_youden = 0;
  double macro_f1_at_half = 0;
  double fmax = 0;                     // sample-centred, over all classes
  std::vector<ClassScores> per_class;  // in the order of the classes, including those left out
  std::vector<std::string> left_out;   // names of the classes without a positive or without a negative
};

// NothingToScore is the error for records of which every class lacks a positive or a negative.
inline absl::Status NothingToScore(const RankedPredictions& ranked) {
  return absl::FailedPreconditionError(
      absl::StrCat("none of ", ranked.classes().size(), " classes can be scored: among ", ranked.records(),
                   " records no class has both a record that carries it and one that does not; score more records"));
}

// MacroRocAucOf returns the mean ROC-AUC over the classes that can be scored, and computes nothing else. Fails if there
// is none.
inline absl::StatusOr<MacroScore> MacroRocAucOf(const RankedPredictions& ranked) {
  MacroScore score;
  for (const RankedClass& one : ranked.classes()) {
    const std::optional<double> roc_auc = RocAuc(one);
    if (!roc_auc.has_value()) continue;
    score.mean += *roc_auc;
    ++score.classes;
  }
  if (score.classes == 0) return NothingToScore(ranked);
  score.mean /= score.classes;
  return score;
}

// ComputeScores returns all scores of `ranked`, whose predictions are probabilities. Fails if every class lacks a
// positive or a negative.
inline absl::StatusOr<Scores> ComputeScores(const RankedPredictions& ranked) {
  Scores scores;
  for (const RankedClass& one : ranked.classes()) {
    ClassScores& of_class = scores.per_class.emplace_back();
    of_class.name = one.name;
    of_class.positives = one.positives;
    of_class.negatives = one.negatives;
    if (!one.scorable()) {
      scores.left_out.push_back(one.name);
      continue;
    }
    of_class.roc_auc = RocAuc(one);
    of_class.average_precision = AveragePrecision(one);
    of_class.f1_youden = F1AtYouden(one);
    of_class.f1_at_half = F1AtThreshold(one, 0.5);
    scores.macro_roc_auc += *of_class.roc_auc;
    scores.macro_average_precision += *of_class.average_precision;
    scores.macro_f1_youden += *of_class.f1_youden;
    scores.macro_f1_at_half += *of_class.f1_at_half;
  }
  const int64_t scored = scores.per_class.size() - scores.left_out.size();
  if (scored == 0) return NothingToScore(ranked);
  scores.macro_roc_auc /= scored;
  scores.macro_average_precision /= scored;
  scores.macro_f1_youden /= scored;
  scores.macro_f1_at_half /= scored;
  scores.fmax = Fmax(ranked);
  return scores;
}

}  // namespace ecg

#endif  // ECG_SCORE_SCORES_H_

// named_score.h
//
// The scores by which weights are chosen and runs are compared. The objective (ecg/train/objective.h) says which one
// goes with a task; for the predictions of a finished run, it is found by its name in run.json.
//
//   ECG_ASSIGN_OR_RETURN(ScoreSample sample, SampleScore("macro ROC-AUC", predictions, {.seed = 1}));
//   sample.score, sample.interval.low, sample.interval.high;

#ifndef ECG_SCORE_NAMED_SCORE_H_
#define ECG_SCORE_NAMED_SCORE_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/confusion.h"
#include "ecg/score/macro_score.h"
#include "ecg/score/mean.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/scores.h"
#include "ecg/status/status_macros.h"
#include "proto/run.pb.h"

namespace ecg {

// Predictions are the probabilities that a network gives to records, and the targets: tables [records, classes].
struct Predictions {
  std::span<const std::string> classes;
  // 1 where the record has the class, else 0.
  std::span<const uint8_t> targets;
  std::span<const float> probabilities;
  // [records], or empty: numbers of the networks that gave the probabilities, where several did. ROC-AUC compares those
  // of one network only.
  std::span<const uint32_t> networks = {};
};

// ScoreSample is a score, and what it is on resamples of the records.
struct ScoreSample {
  double score = 0;
  int classes = 0;  // that it is the mean over: those that can be scored
  BootstrapInterval interval;
};

// Rank returns `predictions` in the order of the probabilities of each class.
inline absl::StatusOr<RankedPredictions> Rank(const Predictions& predictions) {
  return RankedPredictions::Create(predictions.targets, predictions.probabilities, predictions.classes,
                                   predictions.networks);
}

// AddMacroScores adds to `report` the means over classes that need no choice of one class.
inline void AddMacroScores(const Scores& scores, run::Scores& report) {
  report.set_macro_roc_auc(scores.macro_roc_auc);
  report.set_macro_average_precision(scores.macro_average_precision);
  report.set_macro_f1_youden(scores.macro_f1_youden);
}

// AddRow appends the figures of one class to `report`.
inline run::ClassScores& AddRow(const ClassScores& scores, run::Scores& report) {
  run::ClassScores& row = *report.add_per_class();
  row.set_name(scores.name);
  row.set_positives(static_cast<int>(scores.positives));
  if (scores.roc_auc) row.set_roc_auc(*scores.roc_auc);
  if (scores.average_precision) row.set_average_precision(*scores.average_precision);
  if (scores.f1_youden) row.set_f1_youden(*scores.f1_youden);
  return row;
}

// MacroRocAucScore is the score of multi-label runs: the mean over classes of the area under the ROC curve.
struct MacroRocAucScore {
  static constexpr absl::string_view kScoreName = "macro ROC-AUC";

  // Score computes nothing else; larger is better.
  static absl::StatusOr<MacroScore> Score(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    return MacroRocAucOf(ranked);
  }

  // Report returns every figure.
  static absl::StatusOr<run::Scores> Report(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    ECG_ASSIGN_OR_RETURN(const Scores scores, ComputeScores(ranked));
    run::Scores report;
    report.set_score(scores.macro_roc_auc);
    report.set_score_name(kScoreName.data(), kScoreName.size());
    AddMacroScores(scores, report);
    report.set_fmax(scores.fmax);
    for (const ClassScores& scores_of_class : scores.per_class) AddRow(scores_of_class, report);
    for (const std::string& name : scores.left_out) report.add_left_out_classes(name);
    return report;
  }

  // Interval returns the score on resamples of the records.
  static absl::StatusOr<BootstrapInterval> Interval(const Predictions& predictions, const BootstrapOptions& options) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    return BootstrapMacroRocAuc(ranked, options);
  }

  // Sample returns Score and Interval, of predictions that are ranked once.
  static absl::StatusOr<ScoreSample> Sample(const Predictions& predictions, const BootstrapOptions& options) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    ECG_ASSIGN_OR_RETURN(const MacroScore score, MacroRocAucOf(ranked));
    ECG_ASSIGN_OR_RETURN(BootstrapInterval interval, BootstrapMacroRocAuc(ranked, options));
    return ScoreSample{score.mean, score.classes, std::move(interval)};
  }
};

// MacroF1Score is the score of multi-class runs: the mean over classes of F1, when the most probable class is
// predicted.
struct MacroF1Score {
  static constexpr absl::string_view kScoreName = "macro F1";

  // Score is larger for better predictions.
  static absl::StatusOr<MacroScore> Score(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices, Choose(predictions));
    return Confusion(choices).MacroF1();
  }

  // Report returns every figure.
  static absl::StatusOr<run::Scores> Report(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices, Choose(predictions));
    const Confusion confusion(choices);
    run::Scores report;
    report.set_score(confusion.MacroF1().mean);
    report.set_score_name(kScoreName.data(), kScoreName.size());
    report.set_macro_f1(confusion.MacroF1().mean);
    report.set_accuracy(confusion.Accuracy());
    // One class against the others, at any threshold.
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    const absl::StatusOr<Scores> scores = ComputeScores(ranked);
    // Records of a single class have none, but F1 and accuracy.
    if (scores.ok()) AddMacroScores(*scores, report);
    for (size_t k = 0; k < predictions.classes.size(); ++k) {
      const RankedClass& of_class = ranked.classes()[k];
      run::ClassScores& row = AddRow(
          scores.ok() ? scores->per_class[k] : ClassScores{.name = of_class.name, .positives = of_class.positives},
          report);
      if (const std::optional<double> f1 = confusion.F1(static_cast<int>(k))) row.set_f1(*f1);
    }
    return report;
  }

  // Interval returns the score on resamples of the records.
  static absl::StatusOr<BootstrapInterval> Interval(const Predictions& predictions, const BootstrapOptions& options) {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices, Choose(predictions));
    return BootstrapMacroF1(choices, options);
  }

  // Sample returns Score and Interval, of classes that are chosen once.
  static absl::StatusOr<ScoreSample> Sample(const Predictions& predictions, const BootstrapOptions& options) {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices, Choose(predictions));
    ECG_ASSIGN_OR_RETURN(BootstrapInterval interval, BootstrapMacroF1(choices, options));
    const MacroScore score = Confusion(choices).MacroF1();
    return ScoreSample{score.mean, score.classes, std::move(interval)};
  }

 private:
  static absl::StatusOr<ClassChoices> Choose(const Predictions& predictions) {
    return ClassChoices::Create(predictions.targets, predictions.probabilities,
                                static_cast<int>(predictions.classes.size()));
  }
};

// PretextScore is the score of runs without labels, whose network computes a loss and a score of each record by itself:
// the mean over records of the second. Predictions have these two as their columns, and no targets.
struct PretextScore {
  static constexpr absl::string_view kScoreName = "pretext score";
  static constexpr std::array kColumns = {"loss", "score"};

  // Score is larger for better predictions.
  static absl::StatusOr<MacroScore> Score(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const std::vector<double> scores, OfRecords(predictions));
    return MacroScore{MeanOf(scores), /*classes=*/0};
  }

  // Report returns every figure.
  static absl::StatusOr<run::Scores> Report(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const MacroScore score, Score(predictions));
    run::Scores report;
    report.set_score(score.mean);
    report.set_score_name(kScoreName.data(), kScoreName.size());
    return report;
  }

  // Interval returns the score on resamples of the records.
  static absl::StatusOr<BootstrapInterval> Interval(const Predictions& predictions, const BootstrapOptions& options) {
    ECG_ASSIGN_OR_RETURN(const std::vector<double> scores, OfRecords(predictions));
    return BootstrapMean(scores, options);
  }

  // Sample returns Score and Interval.
  static absl::StatusOr<ScoreSample> Sample(const Predictions& predictions, const BootstrapOptions& options) {
    ECG_ASSIGN_OR_RETURN(const MacroScore score, Score(predictions));
    ECG_ASSIGN_OR_RETURN(BootstrapInterval interval, Interval(predictions, options));
    return ScoreSample{score.mean, score.classes, std::move(interval)};
  }

 private:
  static absl::StatusOr<std::vector<double>> OfRecords(const Predictions& predictions) {
    const size_t columns = predictions.classes.size();
    if (columns != kColumns.size() || predictions.probabilities.size() < columns) {
      return absl::InvalidArgumentError(absl::StrCat("there are ", columns, " columns of ",
                                                     predictions.probabilities.size(),
                                                     " numbers; expected loss and score of at least one record"));
    }
    std::vector<double> scores;
    for (size_t i = 1; i < predictions.probabilities.size(); i += columns) {
      scores.push_back(predictions.probabilities[i]);
      if (std::isfinite(scores.back())) continue;
      return absl::InvalidArgumentError(absl::StrCat("the score of record ", i / columns, " is not a finite number"));
    }
    return scores;
  }
};

// SampleScore returns the score that is called `name`.
inline absl::StatusOr<ScoreSample> SampleScore(absl::string_view name, const Predictions& predictions,
                                               const BootstrapOptions& options) {
  if (name == MacroRocAucScore::kScoreName) return MacroRocAucScore::Sample(predictions, options);
  if (name == MacroF1Score::kScoreName) return MacroF1Score::Sample(predictions, options);
  if (name == PretextScore::kScoreName) return PretextScore::Sample(predictions, options);
  return absl::UnimplementedError(absl::StrCat("no score is called \"", name, "\"; there are ",
                                               MacroRocAucScore::kScoreName, ", ", MacroF1Score::kScoreName, " and ",
                                               PretextScore::kScoreName));
}

}  // namespace ecg

#endif  // ECG_SCORE_NAMED_SCORE_H_

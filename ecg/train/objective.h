// objective.h
//
// What a network is asked for: how its logits become a loss to train on, probabilities, and the figures to judge it by.

#ifndef ECG_TRAIN_OBJECTIVE_H_
#define ECG_TRAIN_OBJECTIVE_H_

#include <torch/torch.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/confusion.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/scores.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// Predictions are what a network says of records, beside what is true: tables [records, classes].
struct Predictions {
  std::span<const std::string> classes;
  // 1 where the record has the class, else 0.
  std::span<const uint8_t> targets;
  std::span<const float> probabilities;
};

// Objective has no state: a type whose static functions say what is asked.
template <typename O>
concept Objective = requires(const torch::Tensor& logits, const torch::Tensor& targets, const Predictions& predictions,
                             const spec::Bootstrap& bootstrap, uint64_t seed) {
  // What the score is called.
  { O::kScoreName } -> std::convertible_to<absl::string_view>;
  // The loss of a batch, summed over it: logits and targets [B, K] -> [].
  { O::Loss(logits, targets) } -> std::same_as<torch::Tensor>;
  // Logits [B, K] -> probabilities [B, K].
  { O::Probabilities(logits) } -> std::same_as<torch::Tensor>;
  // The number, larger meaning better, by which the best weights are chosen.
  { O::Score(predictions) } -> std::same_as<absl::StatusOr<double>>;
  // Every figure of a finished run.
  { O::Report(predictions) } -> std::same_as<absl::StatusOr<run::Scores>>;
  // The interval around the score.
  { O::Interval(predictions, bootstrap, seed) } -> std::same_as<absl::StatusOr<run::Bootstrap>>;
};

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

// OptionsOf returns how the spec wants resamples drawn.
inline BootstrapOptions OptionsOf(const spec::Bootstrap& bootstrap, uint64_t seed) {
  return {.resamples = bootstrap.resamples(),
          .seed = seed,
          .low_quantile = bootstrap.low_quantile(),
          .high_quantile = bootstrap.high_quantile()};
}

// ReportOf returns `interval` as a run tells it.
inline run::Bootstrap ReportOf(const BootstrapInterval& interval) {
  run::Bootstrap report;
  report.set_mean(interval.mean);
  report.set_low(interval.low);
  report.set_high(interval.high);
  report.set_resamples(interval.resamples);
  report.set_incomplete_resamples(interval.incomplete_resamples);
  return report;
}

// MultiLabel asks of each class by itself whether the record has it.
struct MultiLabel {
  static constexpr absl::string_view kScoreName = "macro ROC-AUC";

  // Binary cross-entropy on the logits, summed over classes and batch, as in the reference.
  static torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) {
    return torch::binary_cross_entropy_with_logits(logits, targets, /*weight=*/{}, /*pos_weight=*/{},
                                                   at::Reduction::Sum);
  }

  static torch::Tensor Probabilities(const torch::Tensor& logits) { return torch::sigmoid(logits); }

  static absl::StatusOr<double> Score(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    ECG_ASSIGN_OR_RETURN(const Scores scores, ComputeScores(ranked));
    return scores.macro_roc_auc;
  }

  static absl::StatusOr<run::Scores> Report(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    ECG_ASSIGN_OR_RETURN(const Scores scores, ComputeScores(ranked));
    run::Scores report;
    report.set_score(scores.macro_roc_auc);
    report.set_score_name(kScoreName.data(), kScoreName.size());
    report.set_macro_roc_auc(scores.macro_roc_auc);
    report.set_fmax(scores.fmax);
    for (const ClassScores& scores_of_class : scores.per_class) AddRow(scores_of_class, report);
    for (const std::string& name : scores.left_out) report.add_left_out_classes(name);
    return report;
  }

  static absl::StatusOr<run::Bootstrap> Interval(const Predictions& predictions, const spec::Bootstrap& bootstrap,
                                                 uint64_t seed) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    ECG_ASSIGN_OR_RETURN(const BootstrapInterval interval, BootstrapMacroRocAuc(ranked, OptionsOf(bootstrap, seed)));
    return ReportOf(interval);
  }

 private:
  static absl::StatusOr<RankedPredictions> Rank(const Predictions& predictions) {
    return RankedPredictions::Create(predictions.targets, predictions.probabilities, predictions.classes);
  }
};

// MultiClass asks which one of the classes the record has.
struct MultiClass {
  static constexpr absl::string_view kScoreName = "macro F1";

  // Cross-entropy of the softmax of the logits, summed over the batch, as in the reference. Targets are 1 at the
  // record's class and else 0.
  static torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) {
    return -(torch::log_softmax(logits, 1) * targets).sum();
  }

  static torch::Tensor Probabilities(const torch::Tensor& logits) { return torch::softmax(logits, 1); }

  static absl::StatusOr<double> Score(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices, Choose(predictions));
    return Confusion(choices).MacroF1();
  }

  static absl::StatusOr<run::Scores> Report(const Predictions& predictions) {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices, Choose(predictions));
    const Confusion confusion(choices);
    run::Scores report;
    report.set_score(confusion.MacroF1());
    report.set_score_name(kScoreName.data(), kScoreName.size());
    report.set_macro_f1(confusion.MacroF1());
    report.set_accuracy(confusion.Accuracy());
    // How well each class is told from the others, at any threshold.
    ECG_ASSIGN_OR_RETURN(
        const RankedPredictions ranked,
        RankedPredictions::Create(predictions.targets, predictions.probabilities, predictions.classes));
    ECG_ASSIGN_OR_RETURN(const Scores scores, ComputeScores(ranked));
    report.set_macro_roc_auc(scores.macro_roc_auc);
    for (size_t k = 0; k < predictions.classes.size(); ++k) {
      run::ClassScores& row = AddRow(scores.per_class[k], report);
      if (const std::optional<double> f1 = confusion.F1(static_cast<int>(k))) row.set_f1(*f1);
    }
    return report;
  }

  static absl::StatusOr<run::Bootstrap> Interval(const Predictions& predictions, const spec::Bootstrap& bootstrap,
                                                 uint64_t seed) {
    ECG_ASSIGN_OR_RETURN(const ClassChoices choices, Choose(predictions));
    ECG_ASSIGN_OR_RETURN(const BootstrapInterval interval, BootstrapMacroF1(choices, OptionsOf(bootstrap, seed)));
    return ReportOf(interval);
  }

 private:
  static absl::StatusOr<ClassChoices> Choose(const Predictions& predictions) {
    return ClassChoices::Create(predictions.targets, predictions.probabilities,
                                static_cast<int>(predictions.classes.size()));
  }
};

static_assert(Objective<MultiLabel>);
static_assert(Objective<MultiClass>);

}  // namespace ecg

#endif  // ECG_TRAIN_OBJECTIVE_H_

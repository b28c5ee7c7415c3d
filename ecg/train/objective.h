// objective.h
//
// What a network is asked for: how its logits become a loss to train on, probabilities, and the figures to judge it by.

#ifndef ECG_TRAIN_OBJECTIVE_H_
#define ECG_TRAIN_OBJECTIVE_H_

#include <torch/torch.h>

#include <concepts>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/score/bootstrap.h"
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
    report.set_macro_roc_auc(scores.macro_roc_auc);
    report.set_fmax(scores.fmax);
    for (const ClassScores& scores_of_class : scores.per_class) {
      run::ClassScores& row = *report.add_per_class();
      row.set_name(scores_of_class.name);
      row.set_positives(static_cast<int>(scores_of_class.positives));
      if (scores_of_class.roc_auc) row.set_roc_auc(*scores_of_class.roc_auc);
      if (scores_of_class.average_precision) row.set_average_precision(*scores_of_class.average_precision);
      if (scores_of_class.f1_youden) row.set_f1_youden(*scores_of_class.f1_youden);
    }
    for (const std::string& name : scores.left_out) report.add_left_out_classes(name);
    return report;
  }

  static absl::StatusOr<run::Bootstrap> Interval(const Predictions& predictions, const spec::Bootstrap& bootstrap,
                                                 uint64_t seed) {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    ECG_ASSIGN_OR_RETURN(const BootstrapInterval interval,
                         BootstrapMacroRocAuc(ranked, {.resamples = bootstrap.resamples(),
                                                       .seed = seed,
                                                       .low_quantile = bootstrap.low_quantile(),
                                                       .high_quantile = bootstrap.high_quantile()}));
    run::Bootstrap result;
    result.set_mean(interval.mean);
    result.set_low(interval.low);
    result.set_high(interval.high);
    result.set_resamples(interval.resamples);
    result.set_incomplete_resamples(interval.incomplete_resamples);
    return result;
  }

 private:
  static absl::StatusOr<RankedPredictions> Rank(const Predictions& predictions) {
    return RankedPredictions::Create(predictions.targets, predictions.probabilities, predictions.classes);
  }
};

}  // namespace ecg

#endif  // ECG_TRAIN_OBJECTIVE_H_

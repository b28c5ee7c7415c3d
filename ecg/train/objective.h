// objective.h
//
// What a network is asked for: how its logits become a loss to train on, probabilities, and the figures to judge it by.

#ifndef ECG_TRAIN_OBJECTIVE_H_
#define ECG_TRAIN_OBJECTIVE_H_

#include <torch/torch.h>

#include <concepts>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/named_score.h"
#include "proto/run.pb.h"

namespace ecg {

// Objective has no state: a type whose static functions say what is asked.
template <typename O>
concept Objective = requires(const torch::Tensor& logits, const torch::Tensor& targets, const Predictions& predictions,
                             const BootstrapOptions& bootstrap) {
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
  { O::Interval(predictions, bootstrap) } -> std::same_as<absl::StatusOr<BootstrapInterval>>;
};

// MultiLabel asks of each class by itself whether the record has it.
struct MultiLabel : MacroRocAucScore {
  // Binary cross-entropy on the logits, summed over classes and batch, as in the reference.
  static torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) {
    return torch::binary_cross_entropy_with_logits(logits, targets, /*weight=*/{}, /*pos_weight=*/{},
                                                   at::Reduction::Sum);
  }

  static torch::Tensor Probabilities(const torch::Tensor& logits) { return torch::sigmoid(logits); }
};

// MultiClass asks which one of the classes the record has.
struct MultiClass : MacroF1Score {
  // Cross-entropy of the softmax of the logits, summed over the batch, as in the reference. Targets are 1 at the
  // record's class and else 0.
  static torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) {
    return -(torch::log_softmax(logits, 1) * targets).sum();
  }

  static torch::Tensor Probabilities(const torch::Tensor& logits) { return torch::softmax(logits, 1); }
};

static_assert(Objective<MultiLabel>);
static_assert(Objective<MultiClass>);

}  // namespace ecg

#endif  // ECG_TRAIN_OBJECTIVE_H_

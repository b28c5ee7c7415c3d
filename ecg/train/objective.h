// objective.h
//
// The objective of a training: the loss of logits, their probabilities, and the scores of these.
//
// To write one of your own, give a type a `Spec`, a constructor from it (or from it and TrainingLabels, where the loss
// weighs classes), the score of MacroRocAucScore or MacroF1Score (inherit it) or of your own, and
//
//   // The loss of a batch, summed over it: logits and targets float32 [B, K] -> float32 [].
//   torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) const;
//   // Logits [B, K] -> probabilities [B, K].
//   torch::Tensor Probabilities(const torch::Tensor& logits) const;
//
// and, where they are wanted,
//
//   // Whether Loss is the mean over the batch rather than the sum.
//   bool is_mean() const;
//   // The inverse of Probabilities, for which evaluation.mean_probability asks.
//   torch::Tensor Logits(const torch::Tensor& probabilities) const;
//   // Moves tensors that the loss uses to the device that trains.
//   void To(const torch::Device& device);

#ifndef ECG_TRAIN_OBJECTIVE_H_
#define ECG_TRAIN_OBJECTIVE_H_

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/calibration.h"
#include "ecg/score/macro_score.h"
#include "ecg/score/named_score.h"
#include "ecg/spec/part_registry.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// TrainingLabels are the class frequencies, by which a loss may weight classes.
struct TrainingLabels {
  std::vector<std::string> classes;
  // How many training records have each class, and how many there are.
  std::vector<int64_t> positives;
  int64_t records = 0;
};

// Objective is the concept.
template <typename O>
concept Objective = requires(const O& objective, const torch::Tensor& logits, const torch::Tensor& targets,
                             const Predictions& predictions, const BootstrapOptions& bootstrap) {
  typename O::Spec;
  // What the score is called.
  { O::kScoreName } -> std::convertible_to<absl::string_view>;
  { objective.Loss(logits, targets) } -> std::same_as<torch::Tensor>;
  { objective.Probabilities(logits) } -> std::same_as<torch::Tensor>;
  // The mean over classes, larger meaning better, by which the best weights are chosen.
  { objective.Score(predictions) } -> std::same_as<absl::StatusOr<MacroScore>>;
  // Every figure of a finished run.
  { objective.Report(predictions) } -> std::same_as<absl::StatusOr<run::Scores>>;
  // The interval around the score.
  { objective.Interval(predictions, bootstrap) } -> std::same_as<absl::StatusOr<BootstrapInterval>>;
};

// AnyObjective is an objective whose type is known when the program runs.
class AnyObjective {
 public:
  virtual ~AnyObjective() = default;
  virtual std::string score_name() const = 0;
  virtual torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) const = 0;
  // Whether Loss is the mean over the batch rather than the sum.
  virtual bool is_mean() const = 0;
  virtual torch::Tensor Probabilities(const torch::Tensor& logits) const = 0;
  // Whether there is a Logits, the inverse of Probabilities.
  virtual bool has_logits() const = 0;
  virtual torch::Tensor Logits(const torch::Tensor& probabilities) const = 0;
  virtual void To(const torch::Device& device) = 0;
  virtual absl::StatusOr<MacroScore> Score(const Predictions& predictions) const = 0;
  virtual absl::StatusOr<run::Scores> Report(const Predictions& predictions) const = 0;
  virtual absl::StatusOr<BootstrapInterval> Interval(const Predictions& predictions,
                                                     const BootstrapOptions& options) const = 0;
};

// ErasedObjective puts an objective behind the interface.
template <Objective O>
class ErasedObjective : public AnyObjective {
 public:
  explicit ErasedObjective(O objective) : objective_(std::move(objective)) {}

  std::string score_name() const override { return std::string(absl::string_view(O::kScoreName)); }
  torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) const override {
    return objective_.Loss(logits, targets);
  }
  bool is_mean() const override {
    if constexpr (requires(const O& o) { o.is_mean(); }) return objective_.is_mean();
    return false;
  }
  torch::Tensor Probabilities(const torch::Tensor& logits) const override { return objective_.Probabilities(logits); }
  bool has_logits() const override { return kHasLogits; }
  torch::Tensor Logits(const torch::Tensor& probabilities) const override {
    if constexpr (kHasLogits) return objective_.Logits(probabilities);
    TORCH_CHECK(false, "this objective has no Logits");
  }
  void To(const torch::Device& device) override {
    if constexpr (requires { objective_.To(device); }) objective_.To(device);
  }
  absl::StatusOr<MacroScore> Score(const Predictions& predictions) const override {
    return objective_.Score(predictions);
  }
  absl::StatusOr<run::Scores> Report(const Predictions& predictions) const override {
    return objective_.Report(predictions);
  }
  absl::StatusOr<BootstrapInterval> Interval(const Predictions& predictions,
                                             const BootstrapOptions& options) const override {
    return objective_.Interval(predictions, options);
  }

 private:
  static constexpr bool kHasLogits = requires(const O& o, const torch::Tensor& x) { o.Logits(x); };

  O objective_;
};

// Objectives is the kind of part.
struct Objectives {
  static constexpr char kName[] = "objectives";
  using Interface = AnyObjective;
  using Context = TrainingLabels;

  template <Objective O>
  static std::unique_ptr<AnyObjective> Erase(O objective) {
    return std::make_unique<ErasedObjective<O>>(std::move(objective));
  }
};

// EffectiveNumberWeights returns a weight for each class, float32 [K], (1 - beta) / (1 - beta^n) of its n positive
// records, scaled to a mean of 1: the inverse of the effective number of samples (Cui et al. 2019, arXiv:1901.05555,
// equation 4). A class without a positive weighs as one with a single positive.
inline torch::Tensor EffectiveNumberWeights(const std::vector<int64_t>& positives, double beta) {
  std::vector<float> weights;
  for (const int64_t count : positives) {
    weights.push_back(static_cast<float>((1 - beta) / (1 - std::pow(beta, std::max<int64_t>(count, 1)))));
  }
  const torch::Tensor all = torch::tensor(weights);
  return all / all.mean();
}

// The logarithm of nearly the smallest probability in single precision.
inline constexpr double kLeastLogProbability = -87;

// MultiLabel is for records with any number of classes: one binary decision per class. Losses are of logits x and
// targets t, with probabilities p = sigmoid(x); logarithms are taken of x, log p = logsigmoid(x), so that none is
// infinite.
class MultiLabel : public MacroRocAucScore {
 public:
  using Spec = spec::MultiLabel;
  explicit MultiLabel(const Spec& spec = {}, const TrainingLabels& labels = {}) : spec_(spec) {
    if (spec.effective_number_beta() > 0) {
      weights_ = EffectiveNumberWeights(labels.positives, spec.effective_number_beta());
    }
  }

  // Loss is the reference's, binary cross-entropy on the logits, summed over classes and batch, unless the spec has
  // options.
  torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) const {
    const double smoothing = spec_.label_smoothing();
    const torch::Tensor soft = smoothing > 0 ? targets * (1 - smoothing) + smoothing / 2 : targets;
    if (!spec_.has_focal() && !spec_.has_asymmetric()) {
      return torch::binary_cross_entropy_with_logits(logits, soft, weights_, /*pos_weight=*/{},
                                                     is_mean() ? at::Reduction::Mean : at::Reduction::Sum);
    }
    torch::Tensor loss = spec_.has_focal() ? FocalLoss(logits, soft) : AsymmetricLoss(logits, soft);
    if (weights_.defined()) loss = loss * weights_;
    return is_mean() ? loss.mean() : loss.sum();
  }
  bool is_mean() const { return spec_.reduction() == Spec::MEAN; }

  void To(const torch::Device& device) {
    if (weights_.defined()) weights_ = weights_.to(device);
  }

  static torch::Tensor Probabilities(const torch::Tensor& logits) { return torch::sigmoid(logits); }
  static torch::Tensor Logits(const torch::Tensor& probabilities) {
    return torch::logit(probabilities).clamp(kLeastLogProbability, kMostLogit);
  }

 private:
  // -t (1 - p)^gamma log p - (1 - t) p^gamma log(1 - p), [B, K].
  torch::Tensor FocalLoss(const torch::Tensor& logits, const torch::Tensor& targets) const {
    const double gamma = spec_.focal().gamma();
    const torch::Tensor log_p = torch::log_sigmoid(logits), log_not_p = torch::log_sigmoid(-logits);
    return -targets * (gamma * log_not_p).exp() * log_p - (1 - targets) * (gamma * log_p).exp() * log_not_p;
  }

  // -t (1 - p)^gamma_positive log p - (1 - t) q^gamma_negative log(1 - q) with q = max(p - clip, 0), [B, K].
  torch::Tensor AsymmetricLoss(const torch::Tensor& logits, const torch::Tensor& targets) const {
    const spec::Asymmetric& spec = spec_.asymmetric();
    const torch::Tensor log_p = torch::log_sigmoid(logits), log_not_p = torch::log_sigmoid(-logits);
    const torch::Tensor of_positives = (spec.gamma_positive() * log_not_p).exp() * log_p;
    torch::Tensor of_negatives = (spec.gamma_negative() * log_p).exp() * log_not_p;
    if (spec.clip() > 0) {
      // Not 0, whose power can have an infinite gradient.
      const torch::Tensor q = (torch::sigmoid(logits) - spec.clip()).clamp_min(1e-8);
      of_negatives = q.pow(spec.gamma_negative()) * (-q).log1p();
    }
    return -targets * of_positives - (1 - targets) * of_negatives;
  }

  Spec spec_;
  torch::Tensor weights_;  // float32 [K], where classes are weighted
};

// MultiClass is for records with exactly one class.
struct MultiClass : MacroF1Score {
  using Spec = spec::MultiClass;
  explicit MultiClass(const Spec& = {}) {}

  // Cross-entropy of the softmax of the logits, summed over the batch, as in the reference. Targets are 1 at the
  // record's class and else 0.
  static torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) {
    return -(torch::log_softmax(logits, 1) * targets).sum();
  }

  static torch::Tensor Probabilities(const torch::Tensor& logits) { return torch::softmax(logits, 1); }
  static torch::Tensor Logits(const torch::Tensor& probabilities) {
    return torch::log(probabilities).clamp_min(kLeastLogProbability);
  }
};

static_assert(Objective<MultiLabel>);
static_assert(Objective<MultiClass>);

// Compiled once, in objective.cc, rather than in every program.
extern template class ErasedObjective<MultiLabel>;
extern template class ErasedObjective<MultiClass>;

}  // namespace ecg

#endif  // ECG_TRAIN_OBJECTIVE_H_

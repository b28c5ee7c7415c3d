// tensorboard_log.h
//
// What a training writes for TensorBoard (ecg/run/event_log.h): a callback.
//
//   callbacks.push_back(Callbacks::Erase(TensorBoardLog("runs/resnet18_all/1", "epochs: 20", "macro ROC-AUC")));
//
// and what a test adds, a precision-recall curve for each class:
//
//   ECG_RETURN_IF_ERROR(LogTest("runs/resnet18_all/1", state.steps(), predictions, scores));
//
// The horizontal axis of all curves is the number of optimizer steps. Curves of steps have a point every half second at
// most, so that the norm of the gradients costs nothing that can be measured, and that a CUDA device is not waited for
// more often than for the console.

#ifndef ECG_TRAIN_TENSORBOARD_LOG_H_
#define ECG_TRAIN_TENSORBOARD_LOG_H_

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/run/event_log.h"
#include "ecg/score/named_score.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/stopwatch.h"
#include "ecg/train/callback.h"
#include "ecg/train/optimizer.h"
#include "proto/run.pb.h"

namespace ecg {

// GradientNorm returns the L2 norm of all gradients of `network`: those of the last step, clipped where the spec says
// so.
inline double GradientNorm(const Network& network) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> norms;
  for (const torch::Tensor& parameter : network.parameters()) {
    if (parameter.grad().defined()) norms.push_back(parameter.grad().norm().to(torch::kFloat32));
  }
  return norms.empty() ? 0 : torch::stack(norms).norm().item<double>();
}

// TensorBoardLog logs the spec, and loss, score, learning rate, norm of the gradients and speed of the training.
class TensorBoardLog {
 public:
  // `folder` is the run's, `spec` a text.
  TensorBoardLog(std::filesystem::path folder, std::string spec, absl::string_view score_name)
      : folder_(std::move(folder)), spec_(std::move(spec)), score_name_(score_name) {}

  absl::Status BeginTraining(const TrainingProgress& progress) {
    const int64_t steps = progress.state.steps();
    ECG_ASSIGN_OR_RETURN(log_, EventLog::Open(folder_, steps));
    return steps == 0 ? log_->AddText(0, "spec", spec_) : absl::OkStatus();
  }

  absl::Status EndStep(const TrainingProgress& progress) {
    if (progress.step < progress.steps && since_logged_.seconds() < 0.5) return absl::OkStatus();
    since_logged_ = Stopwatch();
    return log_->AddScalars(StepOf(progress.epoch, progress.step, progress.steps),
                            {{"step/loss", progress.loss},
                             {"step/learning_rate", progress.optimizer.learning_rate()},
                             {"step/gradient_norm", GradientNorm(progress.network)}});
  }

  void EndBatches(const TrainingProgress& progress) { steps_in_epoch_ = progress.steps; }

  absl::Status EndEpoch(const TrainingProgress& progress) {
    const run::Epoch& epoch = *progress.state.history().rbegin();
    std::vector<EventLog::Scalar> scalars = {
        {"loss/train", epoch.train_loss()},
        {"epoch/number", epoch.epoch()},
        {"epoch/crops_per_second", epoch.crops() / epoch.training_seconds()},
        {"epoch/seconds", epoch.seconds()},
    };
    if (epoch.has_train_score()) scalars.emplace_back(absl::StrCat(score_name_, "/train"), epoch.train_score());
    if (epoch.has_validation_score()) {
      scalars.emplace_back("loss/validation", epoch.validation_loss());
      scalars.emplace_back(absl::StrCat(score_name_, "/validation"), epoch.validation_score());
    }
    for (const auto& [name, value] : epoch.validation_metrics()) {
      scalars.emplace_back(absl::StrCat("validation/", name), value);
    }
    return log_->AddScalars(StepOf(epoch.epoch(), steps_in_epoch_, steps_in_epoch_), scalars);
  }

 private:
  // StepOf returns how many optimizer steps are done. All epochs have as many.
  static int64_t StepOf(int epoch, int step, int steps) { return int64_t{epoch - 1} * steps + step; }

  std::filesystem::path folder_;
  std::string spec_;
  std::string score_name_;
  std::optional<EventLog> log_;
  int steps_in_epoch_ = 0;
  Stopwatch since_logged_;
};

static_assert(Callback<TensorBoardLog>);

// LogTest logs the test of a network that was trained for `steps` steps, in the place of an earlier test's: its score,
// and the precision-recall curve of each class of `predictions`.
inline absl::Status LogTest(const std::filesystem::path& folder, int64_t steps, const Predictions& predictions,
                            const run::Scores& scores) {
  ECG_ASSIGN_OR_RETURN(EventLog log, EventLog::Open(folder, steps));
  if (scores.has_score()) {
    ECG_RETURN_IF_ERROR(log.AddScalars(steps, {{absl::StrCat("test/", scores.score_name()), scores.score()}}));
  }
  const size_t classes = predictions.classes.size();
  if (classes == 0) return absl::OkStatus();
  std::vector<uint8_t> targets(predictions.targets.size() / classes);
  std::vector<float> probabilities(targets.size());
  for (size_t k = 0; k < classes; ++k) {
    for (size_t record = 0; record < targets.size(); ++record) {
      targets[record] = predictions.targets[record * classes + k];
      probabilities[record] = predictions.probabilities[record * classes + k];
    }
    ECG_RETURN_IF_ERROR(
        log.AddPrCurve(steps, absl::StrCat("test/precision-recall/", predictions.classes[k]), targets, probabilities));
  }
  return absl::OkStatus();
}

}  // namespace ecg

#endif  // ECG_TRAIN_TENSORBOARD_LOG_H_

// trainer.h
//
// Fits a network to the training records, keeps the weights that validate best, and can be stopped and go on.
//
//   Trainer<MultiLabel> trainer(spec, device, run_folder / "checkpoints");
//   ECG_ASSIGN_OR_RETURN(run::TrainingState state, trainer.Fit(*network, train, validation, console, history_file));
//
// What happens along the way is told to callbacks, objects that have any of
//
//   void BeginEpoch(int epoch, int steps);
//   void EndStep(double loss_per_crop);                        // on CUDA of a step not long ago
//   void EndTraining();                                        // of this epoch; validation follows
//   absl::Status EndEpoch(const run::TrainingState& state);    // state.history() ends with this epoch

#ifndef ECG_TRAIN_TRAINER_H_
#define ECG_TRAIN_TRAINER_H_

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/target_tensor.h"
#include "ecg/batch/window_batches.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/random/random.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/stopwatch.h"
#include "ecg/train/batch_source.h"
#include "ecg/train/checkpoint.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/predict.h"
#include "ecg/train/training_step.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// WindowOptions returns how `spec` covers a record with windows.
inline WindowBatches::Options WindowOptions(const spec::Experiment& spec) {
  return {.window_samples = CropSamples(spec.data()), .stride_samples = StrideSamples(spec)};
}

// Trainer fits networks as `spec` says. Every random draw comes from the spec's seed and the epoch, so a training that
// was stopped and went on ends with the same weights as one that was not.
template <Objective O>
class Trainer {
 public:
  using Objective = O;

  // `spec` has its defaults filled in.
  Trainer(const spec::Experiment& spec, const Device& device, std::filesystem::path checkpoint_folder)
      : spec_(spec), device_(device), checkpoints_(std::move(checkpoint_folder)) {}

  // Fit trains `network`, from its last checkpoint when there is one, and leaves it with the weights of the best epoch.
  template <typename... Callbacks>
  absl::StatusOr<run::TrainingState> Fit(Network& network, const SplitPart& train, const SplitPart& validation,
                                         Callbacks&... callbacks) {
    const int batch_size = spec_.training().batch_size();
    if (batch_size == 0) {
      return absl::InvalidArgumentError("training.batch_size is AUTO; put what LargestBatchSize finds in its place");
    }
    if (train.size() < batch_size) {
      return absl::InvalidArgumentError(absl::StrCat("there are ", train.size(),
                                                     " training records, fewer than one batch; expected at least "
                                                     "training.batch_size, which is ",
                                                     batch_size, ". Use more records or a smaller batch"));
    }
    try {
      return FitOrThrow(network, train, validation, callbacks...);
    } catch (const c10::Error& error) {
      return StatusOf(error, absl::StrCat("training with training.batch_size ", batch_size), device_.torch,
                      "Lower training.batch_size, or write AUTO for the largest that fits");
    }
  }

 private:
  template <typename... Callbacks>
  absl::StatusOr<run::TrainingState> FitOrThrow(Network& network, const SplitPart& train, const SplitPart& validation,
                                                Callbacks&... callbacks) {
    const ScopedStream stream(device_.torch);
    MoveNetwork(network, device_);
    const NamedTensors weights = StateOf(network);
    const std::unique_ptr<Optimizer> optimizer = MakeOptimizer(spec_.training().optimizer(), network);
    run::TrainingState state;
    NamedTensors best;
    if (checkpoints_.exists()) {
      ECG_ASSIGN_OR_RETURN(state, checkpoints_.Load(weights, *optimizer));
      // There is no best epoch before the first validation.
      if (state.has_best_epoch()) {
        ECG_ASSIGN_OR_RETURN(best, checkpoints_.Best(state));
      }
    }

    const std::unique_ptr<BatchSource> feed = MakeBatchSource(train,
                                                              {.batch_size = spec_.training().batch_size(),
                                                               .crop_samples = CropSamples(spec_.data()),
                                                               .seed = static_cast<uint64_t>(spec_.runtime().seed()),
                                                               .threads = spec_.runtime().loader_threads()},
                                                              device_.torch);
    TrainingStep<O> step(network, *optimizer, *feed, device_);
    while (state.history_size() < spec_.training().epochs() && !PatienceExhausted(state)) {
      ECG_ASSIGN_OR_RETURN(run::Epoch epoch,
                           RunEpoch(network, step, *feed, train, validation, state.history_size() + 1, callbacks...));
      const bool is_best = UpdateBest(epoch, state);
      if (is_best) best = CopyOf(weights);
      *state.add_history() = std::move(epoch);
      ECG_RETURN_IF_ERROR(checkpoints_.Save(weights, *optimizer, is_best, state));
      ECG_RETURN_IF_ERROR(TellEndOfEpoch(state, callbacks...));
    }
    ECG_RETURN_IF_ERROR(LoadState(best, weights));
    return state;
  }

  bool PatienceExhausted(const run::TrainingState& state) const {
    const spec::Training& training = spec_.training();
    return training.has_early_stopping() &&
           state.validations_without_improvement() >= training.early_stopping().patience();
  }

  // UpdateBest notes in `state` what the epoch's validation says, and returns whether it is the best so far.
  static bool UpdateBest(const run::Epoch& epoch, run::TrainingState& state) {
    if (!epoch.has_validation_score()) return false;
    if (state.has_best_score() && epoch.validation_score() <= state.best_score()) {
      state.set_validations_without_improvement(state.validations_without_improvement() + 1);
      return false;
    }
    state.set_best_epoch(epoch.epoch());
    state.set_best_score(epoch.validation_score());
    state.set_validations_without_improvement(0);
    return true;
  }

  template <typename... Callbacks>
  absl::StatusOr<run::Epoch> RunEpoch(Network& network, TrainingStep<O>& step, BatchSource& feed,
                                      const SplitPart& train, const SplitPart& validation, int number,
                                      Callbacks&... callbacks) {
    const Stopwatch stopwatch;
    run::Epoch epoch;
    epoch.set_epoch(number);
    const uint64_t seed = spec_.runtime().seed();
    torch::manual_seed(Random({seed, static_cast<uint64_t>(number)})());  // dropout
    network.train();

    const int batch_size = spec_.training().batch_size(), steps = train.size() / batch_size;
    feed.StartEpoch(number);
    (BeginEpoch(callbacks, number, steps), ...);
    // What the epoch is scored by stays on the device, so that no step waits for it.
    const auto on_device = torch::dtype(torch::kFloat32).device(device_.torch);
    const torch::Tensor losses = torch::empty({steps}, on_device);
    const torch::Tensor logits = torch::empty({steps, batch_size, train.classes()}, on_device);
    [[maybe_unused]] double loss = 0;  // of a crop, as told last
    Stopwatch since_told;
    for (int i = 0; i < steps; ++i) {
      step();
      losses[i].copy_(step.loss());
      logits[i].copy_(step.logits());
      // A CUDA device, which works ahead of the host, is waited for twice a second only.
      if (device_.torch.is_cpu() || i == 0 || since_told.seconds() > 0.5) {
        loss = losses[i].template item<double>() / batch_size;
        since_told = Stopwatch();
      }
      (EndStep(callbacks, loss), ...);
    }
    (EndTraining(callbacks), ...);
    epoch.set_crops(steps * batch_size);
    epoch.set_train_loss(losses.sum().template item<double>() / epoch.crops());
    epoch.set_training_seconds(stopwatch.seconds());
    epoch.set_loader_wait_seconds(feed.wait_seconds());
    if (!std::isfinite(epoch.train_loss())) {
      return absl::FailedPreconditionError(
          absl::StrCat("training went astray in epoch ", number,
                       ": the loss is not a finite number. Lower training.optimizer.learning_rate, which is ",
                       spec_.training().optimizer().learning_rate()));
    }
    std::vector<int64_t> rows;
    for (int i = 0; i < epoch.crops(); ++i) rows.push_back(feed.crops()[i].row);
    ECG_ASSIGN_OR_RETURN(
        const double train_score,
        Score(logits.flatten(0, 1).to(torch::kCPU), TargetTensor(train).index_select(0, torch::tensor(rows)), train));
    epoch.set_train_score(train_score);

    if (number % spec_.training().validate_every_epochs() == 0 || number == spec_.training().epochs()) {
      const torch::Tensor of_records = Predict(network, validation, WindowOptions(spec_), device_, "validating");
      const torch::Tensor wanted = TargetTensor(validation);
      epoch.set_validation_loss(O::Loss(of_records, wanted).template item<double>() / validation.size());
      absl::StatusOr<double> score = Score(of_records, wanted, validation);
      if (!score.ok()) return WithContext(score.status(), "cannot score the validation records");
      epoch.set_validation_score(*score);
    }
    epoch.set_seconds(stopwatch.seconds());
    return epoch;
  }

  static absl::StatusOr<double> Score(const torch::Tensor& logits, const torch::Tensor& targets,
                                      const SplitPart& part) {
    const torch::Tensor probabilities = O::Probabilities(logits).to(torch::kFloat32).contiguous();
    const torch::Tensor wanted = targets.to(torch::kUInt8).contiguous();
    return O::Score({.classes = part.labels->classes,
                     .targets = {wanted.data_ptr<uint8_t>(), static_cast<size_t>(wanted.numel())},
                     .probabilities = {probabilities.data_ptr<float>(), static_cast<size_t>(probabilities.numel())}});
  }

  template <typename Callback>
  static void BeginEpoch(Callback& callback, int epoch, int steps) {
    if constexpr (requires { callback.BeginEpoch(epoch, steps); }) callback.BeginEpoch(epoch, steps);
  }

  template <typename Callback>
  static void EndStep(Callback& callback, double loss_per_crop) {
    if constexpr (requires { callback.EndStep(loss_per_crop); }) callback.EndStep(loss_per_crop);
  }

  template <typename Callback>
  static void EndTraining(Callback& callback) {
    if constexpr (requires { callback.EndTraining(); }) callback.EndTraining();
  }

  template <typename... Callbacks>
  static absl::Status TellEndOfEpoch(const run::TrainingState& state, Callbacks&... callbacks) {
    absl::Status status;
    [[maybe_unused]] const auto tell = [&](auto& callback) {
      if constexpr (requires { callback.EndEpoch(state); }) status.Update(callback.EndEpoch(state));
    };
    (tell(callbacks), ...);
    return status;
  }

  const spec::Experiment spec_;
  const Device device_;
  Checkpoints checkpoints_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_TRAINER_H_

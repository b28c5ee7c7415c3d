// training_loop.h
//
// Fits a network: epochs of steps, each epoch validated and kept as a checkpoint.
//
//   TrainingLoop loop(spec, sampling_frequency_hz, std::move(parts), device, folder / "checkpoints");
//   ECG_ASSIGN_OR_RETURN(run::TrainingState state, loop.Fit(*network, train, validation));
//
// Every random number comes from the spec's seed and the epoch, so a training that was stopped and resumed ends with
// the same weights as one that was not.

#ifndef ECG_TRAIN_TRAINING_LOOP_H_
#define ECG_TRAIN_TRAINING_LOOP_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/batch_source.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/target_tensor.h"
#include "ecg/device/autocast.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/distributed/gradient_sums.h"
#include "ecg/distributed/process_group.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/evaluation/predict.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/random/random.h"
#include "ecg/score/macro_score.h"
#include "ecg/score/metric.h"
#include "ecg/score/named_score.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/stopwatch.h"
#include "ecg/train/averaged_weights.h"
#include "ecg/train/callback.h"
#include "ecg/train/checkpoint.h"
#include "ecg/train/norm_statistics.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/parameter_groups.h"
#include "ecg/train/process_share.h"
#include "ecg/train/schedule.h"
#include "ecg/train/training_step.h"
#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// TrainingParts are the parts that a training is made of. What they point to must outlive them.
struct TrainingParts {
  AnyObjective* objective = nullptr;
  const AnyAggregation* aggregation = nullptr;
  const MetricList* metrics = nullptr;  // none if nullptr
  std::unique_ptr<AnyUpdateRule> update_rule;
  std::unique_ptr<AnySchedule> schedule;
  std::unique_ptr<AnySampler> sampler;
  AugmentationList augmentations;
  // Where several processes train together, only that of rank 0 has callbacks.
  std::vector<std::unique_ptr<AnyCallback>> callbacks;
  // The processes that train together; nullptr for this one alone.
  ProcessGroup* group = nullptr;
};

// TrainingLoop fits networks as `spec` says.
class TrainingLoop {
 public:
  // `spec` has its defaults filled in.
  TrainingLoop(const spec::Experiment& spec, int sampling_frequency_hz, TrainingParts parts, const Device& device,
               std::filesystem::path checkpoint_folder)
      : spec_(spec),
        crop_samples_(CropSamples(spec.data(), sampling_frequency_hz)),
        window_options_(WindowOptionsOf(spec, sampling_frequency_hz)),
        parts_(std::move(parts)),
        device_(device),
        checkpoints_(std::move(checkpoint_folder)) {}

  // Fit trains `network`, from its last checkpoint when there is one, and leaves it with the weights that the spec
  // keeps: those of the best epoch or of the last. A new training starts with the state `begin`.
  absl::StatusOr<run::TrainingState> Fit(Network& network, const SplitPart& train, const SplitPart& validation,
                                         const run::TrainingState& begin = {}) {
    const spec::Training& training = spec_.training();
    if (training.batch_size() == 0) {
      return absl::InvalidArgumentError("training.batch_size is AUTO; put what LargestBatchSize finds in its place");
    }
    try {
      return FitOrThrow(network, train, validation, begin);
    } catch (const std::exception& error) {
      return StatusOf(
          error, "training", device_.torch,
          absl::StrCat("Lower training.batch_size, which is ", training.batch_size(),
                       ", and raise training.accumulate_batches, or write AUTO for the largest batch that fits"));
    }
  }

 private:
  // Fitting is what lives as long as one call of Fit.
  struct Fitting {
    Network& network;
    const SplitPart& train;
    const SplitPart& validation;
    Optimizer& optimizer;
    BatchSource& source;
    const StepOptions& step_options;
    const ParameterGroups& groups;
    const ProcessShare& share;
    AveragedWeights* average;
    run::TrainingState& state;
    std::unique_ptr<TrainingStep> step;  // of the last epoch
    ScheduleSteps steps;
    bool stop = false;

    TrainingProgress Progress(const spec::Training& training, int epoch, int step = 0, double loss = 0) const {
      return {network, optimizer, state, epoch, training.epochs(), step, static_cast<int>(steps.in_epoch), loss};
    }
  };

  absl::StatusOr<run::TrainingState> FitOrThrow(Network& network, const SplitPart& train, const SplitPart& validation,
                                                const run::TrainingState& begin) {
    const spec::Training& training = spec_.training();
    const ScopedStream stream(device_.torch);
    MoveNetwork(network, device_);
    parts_.objective->To(device_.torch);
    const NamedTensors weights = StateOf(network);
    ECG_ASSIGN_OR_RETURN(const ProcessShare share, ProcessShare::Create(training, parts_.group));
    ECG_ASSIGN_OR_RETURN(const ParameterGroups groups, ParameterGroups::Create(training, network));
    ECG_ASSIGN_OR_RETURN(const ScheduleSteps steps, share.Steps(Order(train, 1).size()));
    Optimizer optimizer(network, std::move(parts_.update_rule), share.learning_rate(),
                        groups.ForOptimizer(steps.in_epoch));
    std::optional<AveragedWeights> average;
    if (training.has_averaged_weights()) average.emplace(network);
    const NamedTensors averages = average ? average->state() : NamedTensors();
    run::TrainingState state = begin;
    NamedTensors best;  // in the process that leads
    if (share.leads() && checkpoints_.exists()) {
      ECG_ASSIGN_OR_RETURN(state, checkpoints_.Load(weights, optimizer, averages));
      // There is no best epoch before the first validation.
      if (state.has_best_epoch()) {
        ECG_ASSIGN_OR_RETURN(best, checkpoints_.Best(state));
      }
    }
    ShareState(share, weights, optimizer, averages, state);
    const std::unique_ptr<GradientSums> gradient_sums = share.Connect(network);
    const std::unique_ptr<BatchSource> source = MakeBatchSource(train,
                                                                {.batch_size = share.own_batch_size(),
                                                                 .samples = crop_samples_,
                                                                 .drop_last = true,
                                                                 .threads = spec_.runtime().loader_threads()},
                                                                device_.torch);
    const StepOptions options = {.augmentations = &parts_.augmentations,
                                 .accumulate_batches = training.accumulate_batches(),
                                 .clip_gradient_norm = training.clip_gradient_norm(),
                                 .average = average && !AveragesEpochs() ? &*average : nullptr,
                                 .average_decay = training.averaged_weights().decay(),
                                 .gradient_sums = gradient_sums.get(),
                                 .share = static_cast<double>(share.own_batch_size()) / share.batch_size()};
    Fitting fitting{
        network, train,   validation, optimizer, *source, options, groups, share, average ? &*average : nullptr,
        state,   nullptr, steps};

    ECG_RETURN_IF_ERROR(Call(&AnyCallback::BeginTraining, fitting, state.history_size()));
    // Only the process that leads has callbacks, of which one may stop a training that is resumed after it was stopped.
    fitting.stop = share.TakeFromLeader(static_cast<int64_t>(fitting.stop)) != 0;
    while (state.history_size() < training.epochs() && !fitting.stop) {
      ECG_ASSIGN_OR_RETURN(run::Epoch epoch, RunEpoch(fitting, state.history_size() + 1));
      const bool is_best = UpdateBest(epoch, state);
      *state.add_history() = std::move(epoch);
      if (share.leads()) {
        if (is_best) best = CopyOf(ValidatesAverage() ? averages : weights);
        ECG_RETURN_IF_ERROR(checkpoints_.Save(weights, optimizer, averages, is_best ? &best : nullptr, state));
      }
      ECG_RETURN_IF_ERROR(Call(&AnyCallback::EndEpoch, fitting, state.history_size()));
      fitting.stop = share.TakeFromLeader(static_cast<int64_t>(fitting.stop)) != 0;
    }
    ECG_RETURN_IF_ERROR(Call(&AnyCallback::EndTraining, fitting, state.history_size()));
    if (!state.has_best_epoch()) {
      return absl::FailedPreconditionError(
          absl::StrCat("training stopped after ", state.history_size(),
                       " epochs, before the first validation; lower training.validate_every_epochs"));
    }
    if (training.kept_weights() == spec::Training::LAST) {
      if (ValidatesAverage()) average->Swap();
    } else if (share.leads()) {
      ECG_RETURN_IF_ERROR(LoadState(best, weights));
    }
    share.TakeFromLeader(weights);
    return state;
  }

  // ShareState gives all processes the weights and the state that the one which leads has.
  static void ShareState(const ProcessShare& share, const NamedTensors& weights, Optimizer& optimizer,
                         const NamedTensors& averages, run::TrainingState& state) {
    if (share.size() == 1) return;
    share.TakeFromLeader(weights);
    share.TakeFromLeader(optimizer.state());
    share.TakeFromLeader(averages);
    optimizer.set_steps(share.TakeFromLeader(optimizer.steps()));
    state.ParseFromString(share.TakeFromLeader(state.SerializeAsString()));
  }

  // AveragesEpochs tells whether the average is over the last epochs, not over all steps.
  bool AveragesEpochs() const {
    return spec_.training().has_averaged_weights() && spec_.training().averaged_weights().last_epochs() > 0;
  }

  bool ValidatesAverage() const {
    return spec_.training().has_averaged_weights() && spec_.training().averaged_weights().validate();
  }

  std::vector<int> Order(const SplitPart& train, int epoch) const {
    return parts_.sampler->Order(train, spec_.runtime().seed(), epoch);
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

  // Call calls one function of every callback.
  absl::Status Call(AnyCallback::Answer (AnyCallback::*function)(const TrainingProgress&), Fitting& fitting, int epoch,
                    int step = 0, double loss = 0) {
    const TrainingProgress progress = fitting.Progress(spec_.training(), epoch, step, loss);
    for (const auto& callback : parts_.callbacks) {
      ECG_ASSIGN_OR_RETURN(const bool stop, (callback.get()->*function)(progress));
      fitting.stop |= stop;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<run::Epoch> RunEpoch(Fitting& fitting, int number) {
    const Stopwatch stopwatch;
    run::Epoch epoch;
    epoch.set_epoch(number);
    ECG_RETURN_IF_ERROR(Train(fitting, epoch));
    // The statistics of batch norm are those that each process has seen; the others are alike anyway.
    fitting.share.TakeFromLeader(StateOf(fitting.network));
    if (fitting.average != nullptr) fitting.share.TakeFromLeader(fitting.average->state());
    epoch.set_training_seconds(stopwatch.seconds());
    epoch.set_loader_wait_seconds(fitting.source.wait_seconds());
    const bool validates =
        number % spec_.training().validate_every_epochs() == 0 || number == spec_.training().epochs();
    if (AveragesEpochs()) AverageEpoch(fitting, number, validates);
    if (validates) {
      if (ValidatesAverage()) fitting.average->Swap();
      const absl::Status status = Validate(fitting, epoch);
      if (ValidatesAverage()) fitting.average->Swap();
      ECG_RETURN_IF_ERROR(status);
    }
    epoch.set_seconds(stopwatch.seconds());
    return epoch;
  }

  // AverageEpoch takes the weights after epoch `number` into the mean over the last epochs; before these, they take its
  // place. With `estimates_norms` it estimates the statistics of batch norm, which are not those of any single epoch,
  // of the crops of the epoch, as they were augmented.
  void AverageEpoch(Fitting& fitting, int number, bool estimates_norms) {
    const spec::Training& training = spec_.training();
    const int count = std::max(1, number - (training.epochs() - training.averaged_weights().last_epochs()));
    fitting.average->Update(torch::full({}, 1.0 / count, torch::dtype(torch::kFloat32).device(device_.torch)));
    if (count == 1 || !estimates_norms || !NormStatistics::AnyIn(fitting.network)) return;
    const torch::NoGradGuard no_grad;
    fitting.average->Swap();
    fitting.source.Start(fitting.share.Of(CropsOf(fitting, number)));
    NormStatistics statistics(fitting.network);
    fitting.groups.Freeze(fitting.network, number);
    for (int i = 0; i < fitting.source.count(); ++i) {
      statistics.NextBatch();
      fitting.source.Prefetch();
      Batch batch = fitting.source.Next();
      Augment(parts_.augmentations, batch);
      const Autocast autocast(device_);
      fitting.network.Forward({ToDeviceLayout(batch.signals, device_), batch.demographics});
    }
    fitting.share.TakeFromLeader(StateOf(fitting.network));
    fitting.average->Swap();
  }

  // CropsOf returns the training crops of epoch `number`.
  SegmentList CropsOf(const Fitting& fitting, int number) const {
    return TrainingCrops(fitting.train, Order(fitting.train, number), spec_.runtime().seed(), number, crop_samples_,
                         NumbersOf(parts_.augmentations));
  }

  // StartStep puts the network in the mode of epoch `number`. The step is made anew where other parameters are trained
  // than in the epoch before, because a recorded CUDA graph computes the gradients of certain ones.
  void StartStep(Fitting& fitting, int number) {
    fitting.network.train();
    fitting.groups.Freeze(fitting.network, number);
    if (fitting.step != nullptr && !fitting.groups.Changes(number)) return;
    fitting.step = std::make_unique<TrainingStep>(fitting.network, fitting.optimizer, *parts_.objective, fitting.source,
                                                  device_, fitting.step_options);
  }

  absl::Status Train(Fitting& fitting, run::Epoch& epoch) {
    const spec::Training& training = spec_.training();
    const uint64_t seed = spec_.runtime().seed();
    const int number = epoch.epoch(), steps = static_cast<int>(fitting.steps.in_epoch);
    const ProcessShare& share = fitting.share;
    const int batches = steps * training.accumulate_batches(), own_batch_size = share.own_batch_size();
    // Dropout; other crops have other numbers.
    torch::manual_seed(Random({seed, static_cast<uint64_t>(number) + (static_cast<uint64_t>(share.rank()) << 32)})());
    StartStep(fitting, number);
    SegmentList crops = CropsOf(fitting, number);
    if (crops.size() / share.batch_size() < batches) {
      return absl::InternalError(absl::StrCat("the sampler gives ", crops.size(), " crops in epoch ", number,
                                              ", and more in the first; their number must be the same in all"));
    }
    fitting.source.Start(share.Of(std::move(crops)));
    fitting.steps.validation_scores.clear();
    for (const run::Epoch& past : fitting.state.history()) {
      if (past.has_validation_score()) fitting.steps.validation_scores.push_back(past.validation_score());
    }
    ECG_RETURN_IF_ERROR(Call(&AnyCallback::BeginEpoch, fitting, number));

    // What the epoch is scored by stays on the device, so that no step waits for it.
    const auto on_device = torch::dtype(torch::kFloat32).device(device_.torch);
    const torch::Tensor losses = torch::empty({batches}, on_device);
    const torch::Tensor logits = torch::empty({batches, own_batch_size, fitting.train.classes()}, on_device);
    const torch::Tensor rows = torch::empty({batches, own_batch_size}, on_device.dtype(torch::kInt64));
    int batch = 0;
    double loss = 0;  // of a crop, as told last
    Stopwatch since_told;
    for (int i = 0; i < steps; ++i) {
      const int64_t done = (number - 1) * fitting.steps.in_epoch + i;
      fitting.optimizer.SetSchedule(parts_.schedule->Factor(done, fitting.steps),
                                    parts_.schedule->Momentum(done, fitting.steps));
      (*fitting.step)([&] {
        losses[batch].copy_(fitting.step->loss());
        logits[batch].copy_(fitting.step->logits());
        rows[batch++].copy_(fitting.step->rows());
      });
      // A CUDA device, which works ahead of the host, is waited for twice a second only.
      if (device_.torch.is_cpu() || i == 0 || since_told.seconds() > 0.5) {
        loss = losses[batch - 1].item<double>() / own_batch_size;
        since_told = Stopwatch();
      }
      ECG_RETURN_IF_ERROR(Call(&AnyCallback::EndStep, fitting, number, i + 1, loss));
    }
    ECG_RETURN_IF_ERROR(Call(&AnyCallback::EndBatches, fitting, number, steps, loss));
    epoch.set_crops(batches * share.batch_size());
    epoch.set_train_loss(share.GatherRows(losses).sum().item<double>() / epoch.crops());
    epoch.set_learning_rate(fitting.optimizer.learning_rate());
    if (!std::isfinite(epoch.train_loss())) {
      return absl::FailedPreconditionError(
          absl::StrCat("training diverged in epoch ", number,
                       ": the loss is not a finite number. Lower training.optimizer.learning_rate, which is ",
                       training.optimizer().learning_rate(), ", or set training.clip_gradient_norm"));
    }
    const torch::Tensor all_rows = share.GatherRows(rows.flatten().to(torch::kCPU)),
                        all_logits = share.GatherRows(logits.flatten(0, 1).to(torch::kCPU));
    const torch::Tensor targets = TargetTensor(fitting.train).index_select(0, all_rows).to(torch::kUInt8).contiguous();
    const uint8_t* const first_target = targets.data_ptr<uint8_t>();
    const Evaluation seen = {
        .targets = {first_target, first_target + targets.numel()},
        .probabilities = parts_.objective->Probabilities(all_logits).to(torch::kFloat32).contiguous()};
    // It has no score where the crops of this epoch are all positive or all negative, class by class, as those of few
    // records may be.
    const absl::StatusOr<MacroScore> score = parts_.objective->Score(seen.predictions(fitting.train.labels->classes));
    if (score.ok()) epoch.set_train_score(score->mean);
    return absl::IsFailedPrecondition(score.status())
               ? absl::OkStatus()
               : WithContext(score.status(), "cannot score the training records");
  }

  absl::Status Validate(Fitting& fitting, run::Epoch& epoch) {
    ECG_ASSIGN_OR_RETURN(const Evaluation evaluation,
                         Evaluate(fitting.network, fitting.validation, window_options_, *parts_.aggregation,
                                  *parts_.objective, device_, "validating", parts_.group));
    epoch.set_validation_loss(evaluation.loss);
    const Predictions predictions = evaluation.predictions(fitting.validation.labels->classes);
    const absl::StatusOr<MacroScore> score = parts_.objective->Score(predictions);
    if (!score.ok()) return WithContext(score.status(), "cannot score the validation records");
    epoch.set_validation_score(score->mean);
    if (score->classes > 0) {
      epoch.set_validation_scored_classes(score->classes);
      epoch.set_classes(fitting.validation.classes());
    }
    if (parts_.metrics == nullptr) return absl::OkStatus();
    ECG_ASSIGN_OR_RETURN(const auto figures, ComputeMetrics(*parts_.metrics, predictions));
    epoch.mutable_validation_metrics()->insert(figures.begin(), figures.end());
    return absl::OkStatus();
  }

  const spec::Experiment spec_;
  const int crop_samples_;
  const WindowOptions window_options_;
  TrainingParts parts_;
  const Device device_;
  Checkpoints checkpoints_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_TRAINING_LOOP_H_

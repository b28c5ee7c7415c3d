#include "ecg/train/training_loop.h"

#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/window.h"
#include "ecg/corpus/labels.h"
#include "ecg/device/device.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/evaluation/predict.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/training_parts.h"
#include "ecg/model/deep_ensemble.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/score/macro_score.h"
#include "ecg/score/metric.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/batch_size.h"
#include "ecg/train/callback.h"
#include "ecg/train/console.h"
#include "ecg/train/objective.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"
#include "tests/train/small_training.h"

namespace ecg {
namespace {

class TrainingLoopTest : public SmallTrainingTest {
 protected:
  // Trains `network` as `spec` says, with the parts that a program makes of it and more callbacks.
  template <typename... C>
  static absl::StatusOr<run::TrainingState> FitOn(const Device& device, const spec::Experiment& spec,
                                                  const std::filesystem::path& folder, Network& network,
                                                  const SplitPart& train, const SplitPart& validation, C... callbacks) {
    Recipe recipe;
    AddBuiltInParts(recipe);
    const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel(spec.training().multi_label()));
    ECG_ASSIGN_OR_RETURN(const auto aggregation, recipe.aggregations.Make(spec.evaluation(), {objective.get()}));
    ECG_ASSIGN_OR_RETURN(const MetricList metrics, recipe.metrics.MakeAll(spec.evaluation().metric()));
    ECG_ASSIGN_OR_RETURN(TrainingParts parts, MakeTrainingParts(recipe, spec.training(), {kHz, train.scaler}, folder));
    parts.objective = objective.get();
    parts.aggregation = aggregation.get();
    parts.metrics = &metrics;
    (parts.callbacks.push_back(Callbacks::Erase(callbacks)), ...);
    return TrainingLoop(spec, kHz, std::move(parts), device, folder).Fit(network, train, validation);
  }

  template <typename... Arguments>
  static absl::StatusOr<run::TrainingState> Fit(Arguments&&... arguments) {
    return FitOn(Device(), std::forward<Arguments>(arguments)...);
  }
};

TEST_F(TrainingLoopTest, LearnsAndKeepsTheWeightsThatValidateBest) {
  const auto network = MakeNetwork();
  const absl::StatusOr<run::TrainingState> state = Fit(Spec(8), Folder("learns"), *network, *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_EQ(state->history_size(), 8);
  EXPECT_LT(state->history(7).train_loss(), state->history(0).train_loss());
  double best = 0;
  for (const run::Epoch& epoch : state->history()) best = std::max(best, epoch.validation_score());
  EXPECT_EQ(state->best_score(), best);
  EXPECT_EQ(state->history(state->best_epoch() - 1).validation_score(), best);

  const torch::Tensor probabilities = torch::sigmoid(Predict(*network, *validation_, WindowOptionsOf(Spec(8), kHz),
                                                             *Aggregations::Erase(Maximum()), Device(), ""))
                                          .contiguous();
  const std::vector<uint8_t> targets = validation_->Targets();
  const absl::StatusOr<MacroScore> score =
      MultiLabel::Score({.classes = labels_->classes,
                         .targets = targets,
                         .probabilities = {probabilities.data_ptr<float>(), targets.size()}});
  ASSERT_TRUE(score.ok()) << score.status();
  EXPECT_DOUBLE_EQ(score->mean, best);
}

TEST_F(TrainingLoopTest, TrainsEachMemberOfAnEnsembleAsItWouldBeAlone) {
  // Without dropout, whose random numbers the members share.
  const auto make = [](int seed) {
    torch::manual_seed(seed);
    return std::make_shared<SmallNetwork>(train_->classes(), /*dropout=*/0);
  };
  for (const spec::MultiLabel::Reduction reduction : {spec::MultiLabel::SUM, spec::MultiLabel::MEAN}) {
    spec::Experiment spec = Spec(2);
    spec.mutable_training()->set_kept_weights(spec::Training::LAST);
    spec.mutable_training()->mutable_multi_label()->set_reduction(reduction);
    double loss = 0;
    DeepEnsemble ensemble({make(1), make(2)});
    const absl::StatusOr<run::TrainingState> together = Fit(spec, Folder("all"), ensemble, *train_, *validation_);
    ASSERT_TRUE(together.ok()) << together.status();
    for (int i = 0; i < 2; ++i) {
      const auto alone = make(i + 1);
      const absl::StatusOr<run::TrainingState> state = Fit(spec, Folder("one"), *alone, *train_, *validation_);
      ASSERT_TRUE(state.ok()) << state.status();
      loss += state->history(1).train_loss() / 2;
      const NamedTensors expected = StateOf(*alone), weights = StateOf(*ensemble.Members()[i].network);
      for (const auto& [name, tensor] : expected) {
        EXPECT_TRUE(weights.at(name).allclose(tensor, 1e-4, 1e-5)) << name << " of member " << i;
      }
    }
    EXPECT_NEAR(together->history(1).train_loss(), loss, 1e-4 * loss);
  }
}

TEST_F(TrainingLoopTest, LearnsTheSameWhereTheDeviceHoldsTheSignals) {
  const DeviceSignals on_device(*signals_, torch::kCPU, CropSamples(Spec(1).data(), kHz));
  SplitPart train = *train_, validation = *validation_;
  train.on_device = validation.on_device = &on_device;
  const auto loaded = MakeNetwork(), moved = MakeNetwork();
  const absl::StatusOr<run::TrainingState> expected = Fit(Spec(2), Folder("loaded"), *loaded, *train_, *validation_);
  const absl::StatusOr<run::TrainingState> state = Fit(Spec(2), Folder("moved"), *moved, train, validation);
  ASSERT_TRUE(expected.ok() && state.ok()) << expected.status() << state.status();
  for (int epoch = 0; epoch < 2; ++epoch) {
    const run::Epoch &a = expected->history(epoch), &b = state->history(epoch);
    EXPECT_NEAR(b.train_loss(), a.train_loss(), 1e-4 * a.train_loss());
    EXPECT_NEAR(b.validation_loss(), a.validation_loss(), 1e-4 * a.validation_loss());
    EXPECT_NEAR(b.train_score(), a.train_score(), 1e-3);
  }
}

TEST_F(TrainingLoopTest, GoesOnAfterAStopAsIfThereHadBeenNone) {
  const auto undisturbed = MakeNetwork(), stopped = MakeNetwork();
  const absl::StatusOr<run::TrainingState> whole =
      Fit(Spec(4), Folder("undisturbed"), *undisturbed, *train_, *validation_);
  ASSERT_TRUE(whole.ok()) << whole.status();

  const std::filesystem::path folder = Folder("stopped");
  ASSERT_TRUE(Fit(Spec(2), folder, *stopped, *train_, *validation_).ok());
  const auto fresh = MakeNetwork();
  const absl::StatusOr<run::TrainingState> rest = Fit(Spec(4), folder, *fresh, *train_, *validation_);
  ASSERT_TRUE(rest.ok()) << rest.status();

  EXPECT_EQ(rest->history_size(), 4);
  EXPECT_EQ(rest->best_epoch(), whole->best_epoch());
  EXPECT_EQ(rest->history(3).train_loss(), whole->history(3).train_loss());
  EXPECT_TRUE(SameWeights(*fresh, *undisturbed));
}

TEST_F(TrainingLoopTest, GoesOnAfterAStopBeforeTheFirstValidation) {
  const std::filesystem::path folder = Folder("not_validated");
  spec::Experiment spec = Spec(3);
  spec.mutable_training()->set_validate_every_epochs(3);
  // A callback that fails is a stop, here after the first epoch.
  struct Stop {
    absl::Status EndEpoch(const TrainingProgress&) { return absl::CancelledError("stopped"); }
  };
  EXPECT_FALSE(Fit(spec, folder, *MakeNetwork(), *train_, *validation_, Stop()).ok());
  const absl::StatusOr<run::TrainingState> state = Fit(spec, folder, *MakeNetwork(), *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->history_size(), 3);
  EXPECT_EQ(state->best_epoch(), 3);
}

TEST_F(TrainingLoopTest, StopsEarlyAfterValidationsWithoutImprovement) {
  spec::Experiment spec = Spec(50);
  spec.mutable_training()->mutable_early_stopping()->set_patience(2);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(1e-12);  // nothing can improve
  const auto network = MakeNetwork();
  const absl::StatusOr<run::TrainingState> state = Fit(spec, Folder("early"), *network, *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_LT(state->history_size(), 50);
  EXPECT_EQ(state->history_size(), state->best_epoch() + 2);
}

TEST_F(TrainingLoopTest, TellsCallbacksWhatTheyAskFor) {
  struct Counts {
    int epochs = 0, announced = 0, steps = 0, trainings = 0;
  } counts;
  struct Epochs {
    Counts* counts;
    absl::Status EndEpoch(const TrainingProgress& progress) {
      ++counts->epochs;
      return progress.state.history_size() == counts->epochs ? absl::OkStatus() : absl::InternalError("out of step");
    }
  };
  struct Steps {
    Counts* counts;
    void BeginTraining(const TrainingProgress&) { ++counts->trainings; }
    void BeginEpoch(const TrainingProgress& progress) { counts->announced += progress.steps; }
    void EndStep(const TrainingProgress& progress) {
      ++counts->steps;
      EXPECT_GT(progress.network.parameters()[0].grad().norm().item<double>(), 0);
    }
    void EndTraining(const TrainingProgress&) { ++counts->trainings; }
  };
  const auto network = MakeNetwork();
  ASSERT_TRUE(Fit(Spec(2), Folder("callbacks"), *network, *train_, *validation_, Epochs{&counts}, Steps{&counts}).ok());
  EXPECT_EQ(counts.epochs, 2);
  EXPECT_EQ(counts.steps, 2 * (train_->size() / 16));
  EXPECT_EQ(counts.announced, counts.steps);
  EXPECT_EQ(counts.trainings, 2);
  // With several batches in a step as well, the gradients that a callback sees are the step's.
  spec::Experiment accumulated = Spec(1);
  accumulated.mutable_training()->set_batch_size(8);
  accumulated.mutable_training()->set_accumulate_batches(2);
  counts = {};
  ASSERT_TRUE(Fit(accumulated, Folder("accumulated_callbacks"), *network, *train_, *validation_, Steps{&counts}).ok());
  EXPECT_EQ(counts.steps, train_->size() / 16);
}

TEST_F(TrainingLoopTest, StopsAfterTheEpochInWhichACallbackAsksForIt) {
  struct Stop {
    bool EndStep(const TrainingProgress& progress) { return progress.epoch == 2 && progress.step == 1; }
  };
  const absl::StatusOr<run::TrainingState> state =
      Fit(Spec(5), Folder("asked"), *MakeNetwork(), *train_, *validation_, Stop());
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->history_size(), 2);
}

// A spec with everything that training may have.
spec::Experiment WithEverything(spec::Experiment spec) {
  spec::Training& training = *spec.mutable_training();
  training.set_accumulate_batches(2);
  training.set_clip_gradient_norm(50);
  training.mutable_averaged_weights()->set_decay(0.9);
  training.mutable_optimizer()->mutable_one_cycle();
  training.mutable_optimizer()->mutable_adamw();
  training.add_augmentation()->mutable_amplitude_scale();
  training.add_augmentation()->mutable_time_mask();
  training.add_augmentation()->mutable_rand_augment();
  training.add_augmentation()->mutable_mixup();
  training.add_augmentation()->mutable_cutmix()->set_probability(0.5);
  spec.mutable_evaluation()->mutable_mean_probability();
  spec.mutable_evaluation()->add_metric()->mutable_macro_average_precision();
  return Resolve(spec);
}

TEST_F(TrainingLoopTest, ContinuesWithEverythingOnAsIfThereHadBeenNoStop) {
  const spec::Experiment spec = WithEverything(Spec(4));
  const auto undisturbed = MakeNetwork();
  const absl::StatusOr<run::TrainingState> whole =
      Fit(spec, Folder("undisturbed"), *undisturbed, *train_, *validation_);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_LT(whole->history(3).train_loss(), whole->history(0).train_loss());
  EXPECT_GT(whole->history(0).validation_metrics().at("macro_average_precision"), 0);
  EXPECT_NE(whole->history(0).learning_rate(), whole->history(1).learning_rate());

  struct Stop {
    absl::Status EndEpoch(const TrainingProgress& progress) {
      return progress.epoch == 2 ? absl::CancelledError("stopped") : absl::OkStatus();
    }
  };
  const std::filesystem::path folder = Folder("stopped");
  EXPECT_FALSE(Fit(spec, folder, *MakeNetwork(), *train_, *validation_, Stop()).ok());
  const auto fresh = MakeNetwork();
  const absl::StatusOr<run::TrainingState> rest = Fit(spec, folder, *fresh, *train_, *validation_);
  ASSERT_TRUE(rest.ok()) << rest.status();
  EXPECT_EQ(rest->history(3).train_loss(), whole->history(3).train_loss());
  EXPECT_EQ(rest->best_score(), whole->best_score());
  EXPECT_TRUE(SameWeights(*fresh, *undisturbed));
}

TEST_F(TrainingLoopTest, KeepsTheWeightsOfTheLastEpochWhereTheSpecSaysSoAndTheirAverageWhereThereIsOne) {
  for (const bool averages : {false, true}) {
    spec::Experiment spec = Spec(4);
    if (averages) spec.mutable_training()->mutable_averaged_weights()->set_decay(0.9);
    const auto best = MakeNetwork(), last = MakeNetwork(), resumed = MakeNetwork();
    const std::string name = averages ? "averages" : "weights";
    spec.mutable_training()->set_kept_weights(spec::Training::BEST);
    ASSERT_TRUE(Fit(spec, Folder("best " + name), *best, *train_, *validation_).ok());

    spec.mutable_training()->set_kept_weights(spec::Training::LAST);
    NamedTensors own;
    struct Collect {
      NamedTensors* weights;
      void EndEpoch(const TrainingProgress& progress) { *weights = CopyOf(StateOf(progress.network)); }
    };
    const std::filesystem::path folder = Folder("last " + name);
    const absl::StatusOr<run::TrainingState> state = Fit(spec, folder, *last, *train_, *validation_, Collect{&own});
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_EQ(SameWeights(*last, *best), state->best_epoch() == 4);
    EXPECT_EQ(own.at("linear.weight").equal(StateOf(*last).at("linear.weight")), !averages);

    // The run that had ended already gives the same again.
    ASSERT_TRUE(Fit(spec, folder, *resumed, *train_, *validation_).ok());
    EXPECT_TRUE(SameWeights(*resumed, *last));
  }
}

TEST_F(TrainingLoopTest, AveragesTheWeightsOfTheLastEpochsWithStatisticsOfTheirOwn) {
  spec::Experiment spec = Spec(4);
  spec.mutable_training()->mutable_averaged_weights()->set_last_epochs(3);
  spec.mutable_training()->set_validate_every_epochs(4);  // so that the last epoch is the best
  struct Collect {
    std::vector<NamedTensors>* all;
    void EndEpoch(const TrainingProgress& progress) { all->push_back(CopyOf(StateOf(progress.network))); }
  };
  std::vector<NamedTensors> epochs;
  const auto network = MakeNetwork();
  ASSERT_TRUE(Fit(spec, Folder("swa"), *network, *train_, *validation_, Collect{&epochs}).ok());
  ASSERT_EQ(epochs.size(), 4u);
  const NamedTensors state = StateOf(*network);
  for (const auto& parameter : network->named_parameters()) {
    const std::string& name = parameter.key();
    const torch::Tensor mean = (epochs[1].at(name) + epochs[2].at(name) + epochs[3].at(name)) / 3;
    EXPECT_TRUE(torch::allclose(state.at(name), mean, 1e-4, 1e-6)) << name;
  }

  // The statistics are the means over the batches of the last epoch.
  const int samples = CropSamples(spec.data(), kHz);
  const std::vector<int> order = Shuffled().Order(*train_, spec.runtime().seed(), 4);
  HostBatches batches(*train_, TrainingCrops(*train_, order, spec.runtime().seed(), 4, samples),
                      {.batch_size = 16, .samples = samples, .drop_last = true});
  torch::Tensor mean = torch::zeros({16}), variance = torch::zeros({16});
  const torch::NoGradGuard no_grad;
  while (const std::optional<Batch> batch = batches.Next()) {
    const torch::Tensor x =
        torch::conv1d(batch->signals, state.at("convolution.weight"), state.at("convolution.bias"), 2);
    mean += x.mean(torch::IntArrayRef({0, 2})) / batches.count();
    variance += x.var(torch::IntArrayRef({0, 2}), /*unbiased=*/true) / batches.count();
  }
  EXPECT_TRUE(torch::allclose(state.at("norm.running_mean"), mean, 1e-3, 1e-4));
  EXPECT_TRUE(torch::allclose(state.at("norm.running_var"), variance, 1e-3, 1e-4));
}

// NormFreeNetwork counts how often it is called in training mode.
class NormFreeNetwork : public Network {
 public:
  explicit NormFreeNetwork(int classes)
      : linear_(register_module("linear", torch::nn::Linear(12, classes))),
        calls_(register_buffer("calls", torch::zeros({}, torch::kInt64))) {}

  torch::Tensor forward(const torch::Tensor& signals) override {
    if (is_training()) calls_.add_(1);
    return linear_(signals.mean(-1));
  }

 private:
  torch::nn::Linear linear_;
  torch::Tensor calls_;
};

TEST_F(TrainingLoopTest, ANetworkWithoutBatchNormSeesNoMoreCropsForItsAverage) {
  spec::Experiment spec = Spec(4);
  spec.mutable_training()->mutable_averaged_weights()->set_last_epochs(3);
  NormFreeNetwork network(train_->classes());
  ASSERT_TRUE(Fit(spec, Folder("norm free"), network, *train_, *validation_).ok());
  EXPECT_EQ(StateOf(network).at("calls").item<int64_t>(), 4 * (train_->size() / 16));
}

TEST_F(TrainingLoopTest, GoesOnWhereTheCropsOfAnEpochCannotBeScored) {
  Labels labels{.classes = {"A"}};
  SplitPart train = *train_, validation = *validation_;
  for (const int record : labels_->records) labels.Add(record);
  // All training records have the class, and every other one of those for validation.
  for (const int row : train.rows) labels.Set(row, 0);
  for (size_t i = 0; i < validation.rows.size(); i += 2) labels.Set(validation.rows[i], 0);
  train.labels = validation.labels = &labels;
  SmallNetwork network(1);
  const absl::StatusOr<run::TrainingState> state = Fit(Spec(2), Folder("one class"), network, train, validation);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_FALSE(state->history(1).has_train_score());
  EXPECT_TRUE(state->history(1).has_validation_score());
  EXPECT_EQ(EpochLine(*state, 2, "macro ROC-AUC").find("macro ROC-AUC"),
            EpochLine(*state, 2, "macro ROC-AUC").rfind("macro ROC-AUC"));
}

TEST_F(TrainingLoopTest, ContinuesPlateauAndAverageOfEpochsAsIfThereHadBeenNoStop) {
  spec::Experiment spec = Spec(6);
  spec::Plateau& plateau = *spec.mutable_training()->mutable_optimizer()->mutable_plateau();
  plateau.set_patience(0);
  plateau.set_min_improvement(0.05);
  spec.mutable_training()->mutable_averaged_weights()->set_last_epochs(4);
  spec = Resolve(spec);
  const auto undisturbed = MakeNetwork();
  const absl::StatusOr<run::TrainingState> whole =
      Fit(spec, Folder("undisturbed"), *undisturbed, *train_, *validation_);
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_LT(whole->history(5).learning_rate(), whole->history(0).learning_rate()) << "it was reduced";
  struct Stop {
    absl::Status EndEpoch(const TrainingProgress& progress) {
      return progress.epoch == 4 ? absl::CancelledError("stopped") : absl::OkStatus();
    }
  };
  const std::filesystem::path folder = Folder("stopped");
  EXPECT_FALSE(Fit(spec, folder, *MakeNetwork(), *train_, *validation_, Stop()).ok());
  const auto fresh = MakeNetwork();
  const absl::StatusOr<run::TrainingState> rest = Fit(spec, folder, *fresh, *train_, *validation_);
  ASSERT_TRUE(rest.ok()) << rest.status();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(rest->history(i).learning_rate(), whole->history(i).learning_rate()) << i;
  EXPECT_EQ(rest->history(5).validation_score(), whole->history(5).validation_score());
  EXPECT_TRUE(SameWeights(*fresh, *undisturbed));
}

TEST_F(TrainingLoopTest, TrainsByEveryUpdateRule) {
  spec::Experiment spec = Spec(3);
  for (const bool with_momentum : {false, true}) {
    for (const bool is_lion : {false, true}) {
      spec::Optimizer& optimizer = *spec.mutable_training()->mutable_optimizer();
      if (with_momentum) optimizer.mutable_one_cycle();
      if (is_lion) {
        optimizer.mutable_lion();
        optimizer.set_learning_rate(0.0003);
      } else {
        optimizer.mutable_muon();
        optimizer.set_learning_rate(0.001);
      }
      const absl::StatusOr<run::TrainingState> state =
          Fit(Resolve(spec), Folder("rule"), *MakeNetwork(), *train_, *validation_);
      ASSERT_TRUE(state.ok()) << state.status();
      EXPECT_LT(state->history(2).train_loss(), state->history(0).train_loss());
    }
  }
}

TEST_F(TrainingLoopTest, TellsAMeanLossOfACropAndAccumulatesItsGradientsAsOfALargerBatch) {
  struct Plain : Network {
    explicit Plain(int classes) : linear_(register_module("linear", torch::nn::Linear(24, classes))) {}
    torch::Tensor forward(const torch::Tensor& signals) override {
      return linear_(torch::cat({signals.mean(-1), signals.amax(-1)}, 1));
    }
    torch::nn::Linear linear_;
  };
  const auto make = [&] {
    torch::manual_seed(3);
    return std::make_shared<Plain>(train_->classes());
  };
  spec::Experiment spec = Spec(1);
  spec.mutable_training()->mutable_optimizer()->mutable_sgd()->set_momentum(0);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(0.01);
  const auto sum = make(), mean = make(), accumulated = make();
  const auto state_of_sum = Fit(spec, Folder("sum"), *sum, *train_, *validation_);
  // The mean over 16 crops and K classes, at a learning rate so many times larger, is the sum.
  spec.mutable_training()->mutable_multi_label()->set_reduction(spec::MultiLabel::MEAN);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(0.01 * 16 * train_->classes());
  const auto state_of_mean = Fit(spec, Folder("mean"), *mean, *train_, *validation_);
  spec.mutable_training()->set_batch_size(4);
  spec.mutable_training()->set_accumulate_batches(4);
  const auto state_of_accumulated = Fit(spec, Folder("accumulated_mean"), *accumulated, *train_, *validation_);
  ASSERT_TRUE(state_of_sum.ok() && state_of_mean.ok() && state_of_accumulated.ok());
  const NamedTensors expected = StateOf(*sum);
  for (const auto& network : {mean, accumulated}) {
    for (const auto& [name, tensor] : StateOf(*network)) {
      EXPECT_TRUE(torch::allclose(tensor, expected.at(name), 1e-3, 1e-5)) << name;
    }
  }
  const run::Epoch& epoch = state_of_sum->history(0);
  const double classes = train_->classes();
  for (const auto& state : {state_of_mean, state_of_accumulated}) {
    EXPECT_NEAR(state->history(0).train_loss(), epoch.train_loss() / classes, 1e-4 * epoch.train_loss());
    EXPECT_NEAR(state->history(0).validation_loss(), epoch.validation_loss() / classes, 1e-4 * epoch.validation_loss());
  }
}

TEST_F(TrainingLoopTest, GivesTheSameWithAnyNumberOfLoaderThreads) {
  spec::Experiment spec = WithEverything(Spec(2));
  const auto one = MakeNetwork(), three = MakeNetwork();
  ASSERT_TRUE(Fit(spec, Folder("one"), *one, *train_, *validation_).ok());
  spec.mutable_runtime()->set_loader_threads(3);
  ASSERT_TRUE(Fit(spec, Folder("three"), *three, *train_, *validation_).ok());
  EXPECT_TRUE(SameWeights(*one, *three));
}

TEST_F(TrainingLoopTest, AddsGradientsOfSeveralBatchesAsOfALargerOne) {
  // Without batch norm and dropout, whose statistics are those of a batch.
  struct Plain : Network {
    explicit Plain(int classes) : linear_(register_module("linear", torch::nn::Linear(24, classes))) {}
    torch::Tensor forward(const torch::Tensor& signals) override {
      return linear_(torch::cat({signals.mean(-1), signals.amax(-1)}, 1));
    }
    torch::nn::Linear linear_;
  };
  const auto make = [&] {
    torch::manual_seed(3);
    return std::make_shared<Plain>(train_->classes());
  };
  const auto large = make(), accumulated = make();
  spec::Experiment spec = Spec(2);
  spec.mutable_training()->set_clip_gradient_norm(20);
  ASSERT_TRUE(Fit(spec, Folder("large"), *large, *train_, *validation_).ok());
  spec.mutable_training()->set_batch_size(4);
  spec.mutable_training()->set_accumulate_batches(4);
  ASSERT_TRUE(Fit(spec, Folder("accumulated"), *accumulated, *train_, *validation_).ok());
  const NamedTensors left = StateOf(*large), right = StateOf(*accumulated);
  for (const auto& [name, tensor] : left) EXPECT_TRUE(torch::allclose(tensor, right.at(name), 1e-4, 1e-5)) << name;
}

TEST_F(TrainingLoopTest, SaysWhichFieldToLowerWhenTheLossIsNoLongerFinite) {
  spec::Experiment spec = Spec(3);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(1e30);
  const auto network = MakeNetwork();
  const absl::Status status = Fit(spec, Folder("diverged"), *network, *train_, *validation_).status();
  EXPECT_NE(status.message().find("Lower training.optimizer.learning_rate"), std::string::npos) << status;
}

TEST_F(TrainingLoopTest, LearnsInSixteenBitsAsWell) {
  auto network = MakeNetwork();
  const absl::StatusOr<run::TrainingState> state =
      FitOn(Device{torch::kCPU, spec::Runtime::BF16, ""}, Spec(4), Folder("bfloat16"), *network, *train_, *validation_);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_LT(state->history(3).train_loss(), state->history(0).train_loss());
  for (const torch::Tensor& parameter : network->parameters()) EXPECT_EQ(parameter.dtype(), torch::kFloat32);

  // The logits are rounded, but nearly those of 32 bits.
  const WindowOptions windows = WindowOptionsOf(Spec(4), kHz);
  const std::unique_ptr<AnyAggregation> maximum = Aggregations::Erase(Maximum());
  const torch::Tensor exact = Predict(*network, *validation_, windows, *maximum, Device(), "");
  const torch::Tensor rounded =
      Predict(*network, *validation_, windows, *maximum, Device{torch::kCPU, spec::Runtime::BF16, ""}, "");
  EXPECT_FALSE(exact.equal(rounded));
  EXPECT_LT((exact - rounded).abs().max().item<double>(), 0.05 * exact.abs().max().item<double>());
}

TEST_F(TrainingLoopTest, RefusesFewerRecordsThanABatch) {
  spec::Experiment spec = Spec(1);
  spec.mutable_training()->set_batch_size(1000);
  const auto network = MakeNetwork();
  const absl::Status status = Fit(spec, Folder("few"), *network, *train_, *validation_).status();
  EXPECT_NE(status.message().find("training.batch_size, which is 1000"), std::string::npos) << status;
}

TEST_F(TrainingLoopTest, LearnsNothingFromShuffledLabels) {
  Labels shuffled = {.classes = labels_->classes};
  std::vector<int> order(labels_->rows());
  for (int i = 0; i < labels_->rows(); ++i) order[i] = i;
  order = ShuffledRows(/*seed=*/5, /*epoch=*/1, order);
  for (int row = 0; row < labels_->rows(); ++row) shuffled.Add(labels_->records[row], labels_->row(order[row]));
  SplitPart train = *train_, validation = *validation_;
  train.labels = validation.labels = &shuffled;
  // Not one validation but the mean of several, none of which was chosen for its score.
  const auto network = MakeNetwork();
  const absl::StatusOr<run::TrainingState> state = Fit(Spec(8), Folder("shuffled"), *network, train, validation);
  ASSERT_TRUE(state.ok()) << state.status();
  double mean = 0;
  for (const run::Epoch& epoch : state->history()) mean += epoch.validation_score() / state->history_size();
  EXPECT_NEAR(mean, 0.5, 0.2);  // five classes among 20 records: one score has a deviation of about 0.08
}

TEST_F(TrainingLoopTest, SaysWhatToLowerWhenMemoryRunsOut) {
  // A network that asks for more than any machine has.
  struct Greedy : SmallNetwork {
    using SmallNetwork::SmallNetwork;
    torch::Tensor forward(const torch::Tensor& signals) override {
      return SmallNetwork::forward(signals) + torch::empty({int64_t{1} << 50}).sum();
    }
  } greedy(train_->classes());
  const absl::Status status = Fit(Spec(1), Folder("greedy"), greedy, *train_, *validation_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_NE(status.message().find("Lower training.batch_size"), std::string::npos) << status;
}

TEST(BatchSizeTest, IsTheLargestPowerOfTwoThatFits) {
  std::vector<int> tried;
  const auto fits = [&tried](int size) {
    tried.push_back(size);
    return size <= 20;
  };
  EXPECT_EQ(LargestPowerOfTwo(1000, fits), 16);
  EXPECT_EQ(tried, (std::vector<int>{2, 4, 8, 16, 32}));
  EXPECT_EQ(LargestPowerOfTwo(15, fits), 8) << "and no larger than there are records";
  EXPECT_EQ(LargestPowerOfTwo(1000, [](int) { return false; }), 0);
}

TEST_F(TrainingLoopTest, RefusesToFindABatchSizeForACpu) {
  const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel());
  const absl::Status status =
      LargestBatchSize(
          *MakeNetwork(), *train_, 250, *objective, [] { return std::unique_ptr<AnyUpdateRule>(); }, Spec(1), Device())
          .status();
  EXPECT_NE(status.message().find("Write a number, such as 64"), std::string::npos) << status;
}

}  // namespace
}  // namespace ecg

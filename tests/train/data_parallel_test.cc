// Several processes, here threads, that train one network.

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/batch/segment.h"
#include "ecg/device/device.h"
#include "ecg/distributed/process_group.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/evaluation/predict.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/training_parts.h"
#include "ecg/model/deep_ensemble.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/train/objective.h"
#include "ecg/train/process_share.h"
#include "ecg/train/training_loop.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"
#include "tests/distributed/ranks.h"
#include "tests/train/small_training.h"

namespace ecg {
namespace {

// NormedNetwork has batch norm, whose statistics depend on the batch, and no dropout.
class NormedNetwork : public Network {
 public:
  explicit NormedNetwork(int classes)
      : convolution_(register_module("convolution", torch::nn::Conv1d(torch::nn::Conv1dOptions(12, 16, 9).stride(2)))),
        norm_(register_module("norm", BatchNorm1d(16))),
        linear_(register_module("linear", torch::nn::Linear(32, classes))) {}

  torch::Tensor forward(const torch::Tensor& signals) override {
    const torch::Tensor x = norm_->NormRelu(convolution_(signals));
    return linear_(torch::cat({x.mean(-1), x.amax(-1)}, 1));
  }

 private:
  torch::nn::Conv1d convolution_;
  BatchNorm1d norm_;
  torch::nn::Linear linear_;
};

class DataParallelTest : public SmallTrainingTest {
 protected:
  // A spec by which rounding stays small: Adam would make a step of a whole learning rate from any small difference.
  static spec::Experiment SynchronisedSpec(int epochs) {
    spec::Experiment spec = Spec(epochs);
    spec.mutable_training()->mutable_optimizer()->mutable_sgd();
    spec = Resolve(spec);
    spec.mutable_training()->mutable_data_parallel()->set_synchronised_batch_norm(true);
    return spec;
  }

  // MakeNormed makes a NormedNetwork, or an ensemble of several.
  static std::shared_ptr<Network> MakeNormed(int ensemble_size = 1) {
    torch::manual_seed(1);
    std::vector<std::shared_ptr<Network>> members;
    for (int i = 0; i < ensemble_size; ++i) members.push_back(std::make_shared<NormedNetwork>(train_->classes()));
    return ensemble_size == 1 ? members[0] : std::make_shared<DeepEnsemble>(std::move(members));
  }

  // Fit trains `network` as `spec` says, as a process of `group`.
  static run::TrainingState Fit(const spec::Experiment& spec, const std::filesystem::path& folder, Network& network,
                                ProcessGroup* group) {
    Recipe recipe;
    AddBuiltInParts(recipe);
    const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel(spec.training().multi_label()));
    const auto aggregation = recipe.aggregations.Make(spec.evaluation(), {objective.get()}).value();
    TrainingParts parts = MakeTrainingParts(recipe, spec.training(), {kHz, train_->scaler}, folder).value();
    parts.objective = objective.get();
    parts.aggregation = aggregation.get();
    parts.group = group;
    if (group != nullptr && !group->leads()) parts.callbacks.clear();
    const auto state = TrainingLoop(spec, kHz, std::move(parts), Device(), folder).Fit(network, *train_, *validation_);
    EXPECT_TRUE(state.ok()) << state.status();
    return state.value_or(run::TrainingState());
  }

  // Result is what a training ends with.
  struct Result {
    std::vector<run::TrainingState> states;  // by rank
    std::vector<std::shared_ptr<Network>> networks;
  };

  // Train trains with `size` processes in `folder`.
  static Result Train(int size, const spec::Experiment& spec, const std::filesystem::path& folder) {
    Result result;
    result.states.resize(size);
    for (int rank = 0; rank < size; ++rank) result.networks.push_back(MakeNormed(spec.model().ensemble_size()));
    if (size == 1) {
      result.states[0] = Fit(spec, folder, *result.networks[0], nullptr);
      return result;
    }
    RunAsThreads(size, [&](ProcessGroup& group) {
      result.states[group.rank()] = Fit(spec, folder, *result.networks[group.rank()], &group);
    });
    return result;
  }

  static void ExpectSameLosses(const run::TrainingState& found, const run::TrainingState& expected, double tolerance) {
    ASSERT_EQ(found.history_size(), expected.history_size());
    for (int i = 0; i < found.history_size(); ++i) {
      const run::Epoch &a = found.history(i), &b = expected.history(i);
      EXPECT_NEAR(a.train_loss(), b.train_loss(), tolerance * b.train_loss()) << "epoch " << i + 1;
      EXPECT_NEAR(a.validation_loss(), b.validation_loss(), tolerance * b.validation_loss()) << "epoch " << i + 1;
      EXPECT_EQ(a.crops(), b.crops());
    }
  }
};

TEST_F(DataParallelTest, ProcessesThatShareABatchHaveTheLossesOfOne) {
  const Result one = Train(1, SynchronisedSpec(4), Folder("one"));
  ASSERT_EQ(one.states[0].history_size(), 4);
  for (const int size : {2, 3, 4}) {  // 3 do not divide a batch of 16
    const Result several = Train(size, SynchronisedSpec(4), Folder(absl::StrCat("several", size)));
    for (const run::TrainingState& state : several.states) ExpectSameLosses(state, one.states[0], 1e-5);
    for (const auto& network : several.networks) EXPECT_TRUE(SameWeights(*network, *several.networks[0]));
  }
}

TEST_F(DataParallelTest, ProcessesTrainAllMembersOfAnEnsemble) {
  spec::Experiment spec = SynchronisedSpec(2);
  spec.mutable_model()->set_ensemble_size(2);
  const Result one = Train(1, spec, Folder("one_ensemble")), two = Train(2, spec, Folder("two_ensemble"));
  ExpectSameLosses(two.states[0], one.states[0], 1e-5);
  EXPECT_TRUE(SameWeights(*two.networks[0], *two.networks[1]));
}

TEST_F(DataParallelTest, EndTogetherWhenTheyContinueATrainingThatWasStoppedEarly) {
  spec::Experiment spec = SynchronisedSpec(50);
  spec.mutable_training()->mutable_early_stopping()->set_patience(1);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(1e-12);  // nothing can improve
  const std::filesystem::path folder = Folder("stopped_early");
  const Result stopped = Train(2, spec, folder), continued = Train(2, spec, folder);
  ASSERT_LT(stopped.states[0].history_size(), 50);
  for (const run::TrainingState& state : continued.states) {
    EXPECT_EQ(state.history_size(), stopped.states[0].history_size());
  }
}

TEST_F(DataParallelTest, LossesAreThoseOfOneProcessWithClippingAccumulationAndAveragedWeights) {
  spec::Experiment spec = SynchronisedSpec(3);
  spec::Training& training = *spec.mutable_training();
  training.set_batch_size(8);
  training.set_accumulate_batches(2);
  training.set_clip_gradient_norm(1);
  training.mutable_multi_label()->set_reduction(spec::MultiLabel::MEAN);
  training.mutable_averaged_weights()->set_decay(0.9);
  training.mutable_averaged_weights()->set_validate(true);
  spec = Resolve(spec);
  const Result one = Train(1, spec, Folder("clip_one")), two = Train(2, spec, Folder("clip_two"));
  ExpectSameLosses(two.states[0], one.states[0], 1e-5);
  EXPECT_TRUE(SameWeights(*two.networks[0], *two.networks[1]));
}

TEST_F(DataParallelTest, WithoutSynchronisationEachProcessNormalisesItsOwnShareAndAllKeepTheSameWeights) {
  const Result one = Train(1, Spec(2), Folder("alone")), two = Train(2, Spec(2), Folder("two"));
  EXPECT_TRUE(SameWeights(*two.networks[0], *two.networks[1]));
  EXPECT_NE(two.states[0].history(1).train_loss(), one.states[0].history(1).train_loss());
  ExpectSameLosses(two.states[0], one.states[0], 0.1);
}

TEST_F(DataParallelTest, GradientsInBfloat16TrainAlmostTheSame) {
  spec::Experiment spec = SynchronisedSpec(2);
  const Result one = Train(1, spec, Folder("float32"));
  spec.mutable_training()->mutable_data_parallel()->set_bfloat16_gradients(true);
  const Result two = Train(2, spec, Folder("bfloat16"));
  ExpectSameLosses(two.states[0], one.states[0], 0.02);
  EXPECT_TRUE(SameWeights(*two.networks[0], *two.networks[1]));
}

TEST_F(DataParallelTest, AnotherNumberOfProcessesGoesOnFromTheCheckpoint) {
  const Result whole = Train(1, SynchronisedSpec(4), Folder("whole"));
  const std::filesystem::path folder = Folder("restarted");
  Train(2, SynchronisedSpec(2), folder);
  const Result rest = Train(3, SynchronisedSpec(4), folder);
  ExpectSameLosses(rest.states[0], whole.states[0], 1e-5);
  for (const run::TrainingState& state : rest.states) EXPECT_EQ(state.history_size(), 4);
  for (const auto& network : rest.networks) EXPECT_TRUE(SameWeights(*network, *rest.networks[0]));
}

TEST_F(DataParallelTest, EvaluationIsExactlyThatOfOneProcess) {
  const auto network = MakeNormed();
  const auto objective = Objectives::Erase(MultiLabel(spec::MultiLabel()));
  const auto aggregation = Aggregations::Erase(Maximum());
  const WindowOptions options = {.samples = 250, .stride = 125};
  const auto alone =
      Evaluate(*network, *validation_, options, *aggregation, *objective, Device(), "evaluating").value();
  for (const int size : {2, 3}) {
    std::vector<std::shared_ptr<Network>> networks;
    for (int rank = 0; rank < size; ++rank) networks.push_back(MakeNormed());
    RunAsThreads(size, [&](ProcessGroup& group) {
      const auto together = Evaluate(*networks[group.rank()], *validation_, options, *aggregation, *objective, Device(),
                                     "evaluating", &group);
      ASSERT_TRUE(together.ok()) << together.status();
      EXPECT_TRUE(together->probabilities.equal(alone.probabilities));
      EXPECT_EQ(together->loss, alone.loss);
    });
  }
}

TEST_F(DataParallelTest, TheBatchOfEachProcessCountsWhereTheSpecSaysSo) {
  spec::Experiment spec = Spec(1);
  spec.mutable_training()->mutable_data_parallel()->set_batch_of(spec::DataParallel::EACH_PROCESS);
  const double rate = spec.training().optimizer().learning_rate();
  RunAsThreads(4, [&](ProcessGroup& group) {
    spec::Training training = spec.training();
    const auto share = ProcessShare::Create(training, &group).value();
    EXPECT_EQ(share.batch_size(), 64);
    EXPECT_EQ(share.own_batch_size(), 16);
    EXPECT_EQ(share.learning_rate(), rate);
    training.mutable_data_parallel()->set_learning_rate_rule(spec::DataParallel::LINEAR);
    EXPECT_DOUBLE_EQ(ProcessShare::Create(training, &group)->learning_rate(), 4 * rate);
    training.mutable_data_parallel()->set_learning_rate_rule(spec::DataParallel::SQUARE_ROOT);
    EXPECT_DOUBLE_EQ(ProcessShare::Create(training, &group)->learning_rate(), 2 * rate);
    training.mutable_data_parallel()->set_batch_of(spec::DataParallel::ALL_PROCESSES);
    training.set_batch_size(3);
    EXPECT_EQ(ProcessShare::Create(training, &group).status().code(), absl::StatusCode::kInvalidArgument);
  });
  const Result two = Train(2, spec, Folder("each"));
  EXPECT_EQ(two.states[0].history(0).crops() % 32, 0);
}

TEST(ShareOfBatchesTest, DealsOutEachCropOfWholeBatchesOnce) {
  SegmentList crops;
  crops.numbers = 2;
  for (int i = 0; i < 23; ++i) {
    crops.segments.push_back({i, i});
    crops.uniform.insert(crops.uniform.end(), {static_cast<float>(i), i + 0.5f});
  }
  std::vector<int> seen(23);
  for (int rank = 0; rank < 3; ++rank) {
    const SegmentList share = ShareOfBatches(crops, 10, rank, 3);
    ASSERT_EQ(share.uniform.size(), 2u * share.size());
    for (int i = 0; i < share.size(); ++i) {
      ++seen[share.segments[i].row];
      EXPECT_EQ(share.uniform[2 * i], share.segments[i].row);
      EXPECT_EQ(share.uniform[2 * i + 1], share.segments[i].row + 0.5f);
    }
  }
  for (int i = 0; i < 23; ++i) EXPECT_EQ(seen[i], i < 20 ? 1 : 0) << i;
}

}  // namespace
}  // namespace ecg

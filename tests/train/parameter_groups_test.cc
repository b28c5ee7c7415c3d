#include "ecg/train/parameter_groups.h"

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "ecg/device/device.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/training_parts.h"
#include "ecg/model/deep_ensemble.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/spec/resolve.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/adam.h"
#include "ecg/train/lion.h"
#include "ecg/train/muon.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/sgd.h"
#include "ecg/train/training_loop.h"
#include "ecg/train/update_rule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"
#include "tests/train/small_training.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

// Two linear layers, `a` and `b`.
torch::nn::Sequential Pair() {
  torch::manual_seed(1);
  return torch::nn::Sequential({{"a", torch::nn::Linear(4, 4)}, {"b", torch::nn::Linear(4, 4)}});
}

void TakeStep(torch::nn::Sequential& network, Optimizer& optimizer) {
  torch::manual_seed(2);
  optimizer.ZeroGradients();
  network->forward(torch::randn({8, 4})).pow(2).sum().backward();
  optimizer.Step();
}

std::vector<std::unique_ptr<AnyUpdateRule>> AllRules() {
  std::vector<std::unique_ptr<AnyUpdateRule>> rules;
  rules.push_back(UpdateRules::Erase(Adam()));
  rules.push_back(UpdateRules::Erase(AdamW()));
  rules.push_back(UpdateRules::Erase(Sgd()));
  rules.push_back(UpdateRules::Erase(Lion()));
  rules.push_back(UpdateRules::Erase(Muon()));
  return rules;
}

TEST(OptimizerGroupTest, HasALearningRateOfItsOwnWithEveryRule) {
  for (size_t i = 0; i < AllRules().size(); ++i) {
    for (const bool schedules : {false, true}) {
      torch::nn::Sequential grouped = Pair(), small = Pair(), large = Pair();
      Optimizer of_grouped(*grouped, std::move(AllRules()[i]), 0.01, {{"b", 0.1}});
      Optimizer of_small(*small, std::move(AllRules()[i]), schedules ? 0.0005 : 0.001);
      Optimizer of_large(*large, std::move(AllRules()[i]), schedules ? 0.005 : 0.01);
      if (schedules) of_grouped.SetSchedule(0.5, std::nullopt);
      EXPECT_DOUBLE_EQ(of_grouped.learning_rate(), schedules ? 0.005 : 0.01);
      TakeStep(grouped, of_grouped);
      TakeStep(small, of_small);
      TakeStep(large, of_large);
      EXPECT_TRUE(StateOf(*grouped).at("a.weight").allclose(StateOf(*large).at("a.weight"), 1e-6, 1e-9)) << i;
      EXPECT_TRUE(StateOf(*grouped).at("b.weight").allclose(StateOf(*small).at("b.weight"), 1e-6, 1e-9)) << i;
      EXPECT_FALSE(StateOf(*grouped).at("b.weight").allclose(StateOf(*large).at("b.weight"), 1e-6, 1e-9)) << i;
    }
  }
}

TEST(OptimizerGroupTest, IsCorrectedForItsOwnStepsOnceItIsTrained) {
  torch::nn::Sequential frozen = Pair(), fresh = Pair();
  Optimizer of_frozen(*frozen, UpdateRules::Erase(Adam()), 0.01, {{"b", 1, /*frozen_steps=*/10}});
  Optimizer of_fresh(*fresh, UpdateRules::Erase(Adam()), 0.01);
  of_frozen.set_steps(10);
  TakeStep(frozen, of_frozen);
  TakeStep(fresh, of_fresh);
  EXPECT_TRUE(StateOf(*frozen).at("b.weight").equal(StateOf(*fresh).at("b.weight")));
  EXPECT_FALSE(StateOf(*frozen).at("a.weight").equal(StateOf(*fresh).at("a.weight")));
}

TEST(OptimizerGroupTest, StaysFiniteWhereItIsTrainedBeforeItsFrozenStepsAreOver) {
  torch::nn::Sequential frozen = Pair(), fresh = Pair();
  Optimizer of_frozen(*frozen, UpdateRules::Erase(Adam()), 0.01, {{"b", 1, /*frozen_steps=*/10}});
  Optimizer of_fresh(*fresh, UpdateRules::Erase(Adam()), 0.01);
  of_frozen.set_steps(3);
  TakeStep(frozen, of_frozen);
  TakeStep(fresh, of_fresh);
  EXPECT_TRUE(StateOf(*frozen).at("b.weight").equal(StateOf(*fresh).at("b.weight")));
}

class ParameterGroupsTest : public SmallTrainingTest {
 protected:
  static spec::ParameterGroup& Add(spec::Experiment& spec, const std::string& prefix) {
    spec::ParameterGroup& group = *spec.mutable_training()->add_parameter_group();
    group.set_prefix(prefix);
    return group;
  }

  static std::string Error(const spec::Experiment& spec) {
    return std::string(ParameterGroups::Create(spec.training(), *MakeNetwork()).status().message());
  }

  static absl::StatusOr<run::TrainingState> Fit(const spec::Experiment& spec, const std::filesystem::path& folder,
                                                Network& network) {
    Recipe recipe;
    AddBuiltInParts(recipe);
    const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel(spec.training().multi_label()));
    ECG_ASSIGN_OR_RETURN(const auto aggregation, recipe.aggregations.Make(spec.evaluation(), {objective.get()}));
    ECG_ASSIGN_OR_RETURN(TrainingParts parts,
                         MakeTrainingParts(recipe, spec.training(), {kHz, train_->scaler}, folder));
    parts.objective = objective.get();
    parts.aggregation = aggregation.get();
    return TrainingLoop(spec, kHz, std::move(parts), Device(), folder).Fit(network, *train_, *validation_);
  }
};

// The weight of the convolution after the last epoch; a network is left with those of the best.
torch::Tensor Convolution(const std::filesystem::path& folder, const run::TrainingState& state) {
  return ReadTensors(folder / state.last_file()).value().at("network.convolution.weight");
}

TEST_F(ParameterGroupsTest, RefusesWhatItCannotDo) {
  spec::Experiment spec = Spec(1);
  Add(spec, "convolutio");
  EXPECT_THAT(Error(spec),
              HasSubstr("training.parameter_group: no tensor of the network has the prefix \"convolutio\"; "
                        "did you mean convolution? Its prefixes are convolution, linear, norm"));
  spec = Spec(1);
  Add(spec, "linear");
  Add(spec, "linear.");
  EXPECT_THAT(Error(spec), HasSubstr("has the prefix \"linear.\" twice"));
  spec = Spec(1);
  Add(spec, "").set_frozen(true);
  EXPECT_THAT(Error(spec), HasSubstr("freezes every parameter"));
  Add(spec, "linear.bias");
  EXPECT_EQ(Error(spec), "");
}

TEST_F(ParameterGroupsTest, FreezesByTheLongestPrefix) {
  spec::Experiment spec = Spec(1);
  Add(spec, "").set_frozen(true);
  Add(spec, "linear").set_frozen_epochs(1);
  Add(spec, "norm");
  const auto network = MakeNetwork();
  const absl::StatusOr<ParameterGroups> groups = ParameterGroups::Create(spec.training(), *network);
  ASSERT_TRUE(groups.ok()) << groups.status();
  const auto modes = [&](int epoch) {
    network->train();
    groups->Freeze(*network, epoch);
    std::string modes;
    for (const auto& item : network->named_children()) modes += item.value()->is_training() ? item.key() + " " : "";
    for (const auto& item : network->named_parameters()) modes += item.value().requires_grad() ? item.key() + " " : "";
    return modes;
  };
  EXPECT_EQ(modes(1), "norm norm.weight norm.bias ");
  EXPECT_EQ(modes(2), "norm linear norm.weight norm.bias linear.weight linear.bias ");
  EXPECT_TRUE(groups->Changes(2));
  EXPECT_FALSE(groups->Changes(3));
}

TEST_F(ParameterGroupsTest, AreThoseOfAllMembersOfAnEnsemble) {
  spec::Experiment spec = Spec(1);
  Add(spec, "").set_learning_rate_factor(0.1);
  Add(spec, "norm").set_frozen(true);
  DeepEnsemble ensemble({MakeNetwork(), MakeNetwork()});
  const absl::StatusOr<ParameterGroups> groups = ParameterGroups::Create(spec.training(), ensemble);
  ASSERT_TRUE(groups.ok()) << groups.status();
  groups->Freeze(ensemble, /*epoch=*/1);
  for (const auto& item : ensemble.named_parameters()) {
    EXPECT_EQ(item.value().requires_grad(), !absl::StrContains(item.key(), ".norm.")) << item.key();
  }
  std::string prefixes;
  for (const OptimizerGroup& group : groups->ForOptimizer(/*steps_in_epoch=*/1)) prefixes += group.prefix + " ";
  EXPECT_EQ(prefixes, "members.0. members.1. members.0.norm members.1.norm ");

  Add(spec, "members.0.linear");
  EXPECT_THAT(std::string(ParameterGroups::Create(spec.training(), ensemble).status().message()),
              HasSubstr("no tensor of the network has the prefix \"members.0.linear\""));
}

TEST_F(ParameterGroupsTest, FrozenPartsStayAsTheyAreInTraining) {
  spec::Experiment spec = Spec(2);
  Add(spec, "convolution").set_frozen(true);
  Add(spec, "norm").set_frozen(true);
  spec.mutable_training()->set_clip_gradient_norm(1);
  const auto network = MakeNetwork();
  const NamedTensors before = CopyOf(StateOf(*network));
  ASSERT_TRUE(Fit(spec, Folder("frozen"), *network).ok());
  for (const auto& [name, tensor] : StateOf(*network)) {
    EXPECT_EQ(tensor.equal(before.at(name)), name.compare(0, 6, "linear") != 0) << name;
  }
}

TEST_F(ParameterGroupsTest, ProbesThenFineTunesAndGoesOnAfterAStopAsIfThereHadBeenNone) {
  for (const bool accumulates : {false, true}) {
    spec::Experiment spec = Spec(4);
    spec.mutable_training()->mutable_optimizer()->mutable_adamw();
    spec.mutable_training()->mutable_averaged_weights();
    if (accumulates) spec.mutable_training()->set_accumulate_batches(2);
    for (const char* prefix : {"convolution", "norm"}) {
      spec::ParameterGroup& group = Add(spec, prefix);
      group.set_frozen_epochs(2);
      group.set_learning_rate_factor(0.1);
    }
    spec = Resolve(spec);
    const auto whole = MakeNetwork();
    const NamedTensors before = CopyOf(StateOf(*whole));
    const std::filesystem::path folder_of_whole = Folder("whole");
    const absl::StatusOr<run::TrainingState> state = Fit(spec, folder_of_whole, *whole);
    ASSERT_TRUE(state.ok()) << state.status();
    EXPECT_FALSE(Convolution(folder_of_whole, *state).equal(before.at("convolution.weight")));
    for (const int epochs : {2, 3}) {  // at the end of the probe, and after it
      spec::Experiment part = spec;
      part.mutable_training()->set_epochs(epochs);
      const std::filesystem::path folder = Folder("part");
      const auto probed = MakeNetwork();
      const absl::StatusOr<run::TrainingState> stopped = Fit(part, folder, *probed);
      ASSERT_TRUE(stopped.ok()) << stopped.status();
      EXPECT_EQ(Convolution(folder, *stopped).equal(before.at("convolution.weight")), epochs == 2);
      const auto resumed = MakeNetwork();
      const absl::StatusOr<run::TrainingState> rest = Fit(spec, folder, *resumed);
      ASSERT_TRUE(rest.ok()) << rest.status();
      EXPECT_EQ(rest->history(3).train_loss(), state->history(3).train_loss());
      EXPECT_TRUE(SameWeights(*resumed, *whole));
    }
  }
}

}  // namespace
}  // namespace ecg

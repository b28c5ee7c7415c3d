#include "ecg/model/joint_embedding_head.h"

#include <torch/nn/module.h>
#include <torch/optim/adam.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/undecayed.h"
#include "ecg/model/vision_transformer.h"
#include "ecg/model/weights.h"
#include "ecg/parity/deterministic.h"
#include "ecg/parity/json_file.h"
#include "ecg/random/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"
#include "tests/model/pretext_network.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

// The network of tests/data/make_jepa.py.
spec::Model Small() {
  spec::Model model;
  spec::VisionTransformer& backbone = *model.mutable_vision_transformer();
  backbone.set_patch_samples(5);
  backbone.set_layers(2);
  backbone.set_model_dim(16);
  backbone.set_heads(2);
  backbone.set_registers(2);
  spec::JointEmbeddingHead& head = *model.mutable_joint_embedding_head();
  head.set_layers(2);
  head.set_model_dim(8);
  head.set_heads(2);
  head.set_min_block_patches(3);
  head.set_teacher_decay(0.5);
  head.set_final_teacher_decay(0.9);
  head.set_teacher_steps(4);
  return model;
}

using Pretrained = Classifier<VisionTransformer, JointEmbeddingHead>;

torch::Tensor Indexes(const nlohmann::json& rows) {
  const auto table = rows.get<std::vector<std::vector<int64_t>>>();
  torch::Tensor indexes =
      torch::empty({static_cast<int64_t>(table.size()), static_cast<int64_t>(table[0].size())}, torch::kInt64);
  for (size_t i = 0; i < table.size(); ++i) indexes[i].copy_(torch::tensor(table[i], torch::kInt64));
  return indexes;
}

TEST(JointEmbeddingHeadTest, AgreesWithThePublishedCode) {
  const absl::StatusOr<nlohmann::json> expected = ReadJson("tests/data/joint_embedding.json");
  ASSERT_TRUE(expected.ok()) << expected.status();
  const auto backbone = std::make_shared<VisionTransformer>(Small().vision_transformer(), /*leads=*/12);
  const auto teacher = std::make_shared<VisionTransformer>(Small().vision_transformer(), /*leads=*/12);
  const auto predictor = std::make_shared<JointEmbeddingHead>(Small().joint_embedding_head(), /*feature_dim=*/16);
  // As in Pretrained, which chooses the patches by itself.
  torch::nn::Module network;
  network.register_module("backbone", backbone);
  network.register_module("predictor", predictor);
  network.register_module("teacher", AsBuffers(*teacher));
  FillDeterministically(StateOf(network));

  const torch::Tensor signals = DeterministicTensor("input", {2, 12, 100}).to(torch::kFloat32);
  const PatchChoice choice = {Indexes(expected->at("visible")), Indexes(expected->at("hidden"))};
  const torch::Tensor targets = Gather(teacher->Encode(teacher->Embed(signals)).slice(1, 2), choice.hidden);
  const torch::Tensor features = backbone->Encode(Gather(backbone->Embed(signals), choice.visible)).slice(1, 2);
  const torch::Tensor outputs = JointEmbeddingOutputs(predictor->forward(features, choice, /*patches=*/20), targets);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(outputs[i][0].item<double>() / expected->at("loss")[i].get<double>(), 1, 1e-5);
  }
  outputs.select(1, 0).mean().backward();
  size_t compared = 0;
  for (const auto& item : network.named_parameters()) {
    const double norm = expected->at("gradient_l2_norm").at(item.key()).get<double>();
    EXPECT_NEAR(item.value().grad().norm().item<double>() / norm, 1, 1e-4) << item.key();
    ++compared;
  }
  EXPECT_EQ(compared, expected->at("gradient_l2_norm").size());
}

TEST(HideBlocksTest, LeavesAsManyPatchesAsAskedForAndHidesTheOthersInBlocks) {
  constexpr int kChoices = 20'000;
  std::vector<double> hidden_share(100, 0);
  double blocks = 0;
  for (uint64_t seed = 0; seed < kChoices; ++seed) {
    Random random({seed});
    const std::vector<bool> hidden = HideBlocks(/*patches=*/100, /*visible=*/20, /*min_block=*/10, random);
    ASSERT_EQ(std::ranges::count(hidden, false), 20);
    for (size_t begin = 0; begin < hidden.size();) {
      const size_t end = std::find(hidden.begin() + begin, hidden.end(), !hidden[begin]) - hidden.begin();
      // A block at an edge may be cut short only where it fills what was left there.
      const bool is_at_edge = begin == 0 || end == hidden.size();
      ASSERT_TRUE(!hidden[begin] || is_at_edge || end - begin >= 10) << seed;
      if (hidden[begin]) blocks += 1.0 / kChoices;
      begin = end;
    }
    for (size_t i = 0; i < hidden.size(); ++i) hidden_share[i] += hidden[i] ? 1.0 / kChoices : 0;
  }
  // What 20,000 choices of the published code have.
  EXPECT_NEAR(blocks, 2.031, 0.03);
  EXPECT_NEAR(hidden_share[0], 0.226, 0.015);
  EXPECT_NEAR(hidden_share[5], 0.528, 0.015);
  EXPECT_NEAR(hidden_share[10], 0.723, 0.015);
  EXPECT_NEAR(hidden_share[30], 0.888, 0.015);
  EXPECT_NEAR(hidden_share[50], 0.911, 0.015);
  EXPECT_NEAR(hidden_share[99], 0.231, 0.015);
}

TEST(HideBlocksTest, TakesAnySizes) {
  Random random({1});
  for (int64_t patches = 1; patches < 30; ++patches) {
    for (int64_t visible = 1; visible <= patches; ++visible) {
      for (const int64_t min_block : {1, 4, 50}) {
        const std::vector<bool> hidden = HideBlocks(patches, visible, min_block, random);
        ASSERT_EQ(std::ranges::count(hidden, false), visible) << patches << " " << min_block;
      }
    }
  }
}

TEST(JointEmbeddingOutputsTest, ScoresPredictionsThatAreCloserToTheirOwnTarget) {
  // Three hidden patches of two features: the first is right, the second closer to the third, and the third is between.
  const torch::Tensor targets = torch::tensor({0.0f, 0.0f, 1.0f, 1.0f, 2.0f, 2.0f}).view({1, 3, 2});
  const torch::Tensor predicted = torch::tensor({0.1f, 0.0f, 2.0f, 1.5f, 1.5f, 1.5f}).view({1, 3, 2});
  const torch::Tensor outputs = JointEmbeddingOutputs(predicted, targets);
  EXPECT_NEAR(outputs[0][0].item<double>(), (0.1 + 0 + 1 + 0.5 + 0.5 + 0.5) / 6, 1e-6);
  EXPECT_NEAR(outputs[0][1].item<double>(), 1.0 / 3, 1e-6);
  // Features that are the same everywhere, to which training could collapse, have no loss, but no score either.
  const torch::Tensor same = JointEmbeddingOutputs(torch::ones({1, 3, 2}), torch::ones({1, 3, 2}));
  EXPECT_EQ(same[0][0].item<double>(), 0);
  EXPECT_EQ(same[0][1].item<double>(), 0);
}

TEST(JointEmbeddingHeadTest, MovesTheTeacherBeforeEachStepOfTraining) {
  torch::manual_seed(1);
  Pretrained network(Small(), /*leads=*/12, /*classes=*/2);
  const torch::Tensor signals = torch::randn({2, 12, 100});
  NamedTensors state = StateOf(network);
  const torch::Tensor student = state.at("backbone.blocks.1.mlp.fc1.weight");
  const torch::Tensor teacher = state.at("teacher.blocks.1.mlp.fc1.weight");
  EXPECT_TRUE(student.equal(teacher));
  const torch::Tensor first = teacher.clone();
  student.add_(1);
  // The part of the teacher that stays: 0.5, then 0.6, 0.7, 0.8, and 0.9 from then on.
  double kept = 1;
  for (const double decay : {0.5, 0.6, 0.7, 0.8, 0.9, 0.9}) {
    network.forward(signals);
    kept *= decay;
    EXPECT_TRUE(teacher.allclose(first + (1 - kept), 0, 1e-5)) << decay;
  }
  EXPECT_EQ(state.at("steps").item<int64_t>(), 6);
  network.eval();
  const torch::Tensor before = teacher.clone();
  network.forward(signals);
  EXPECT_TRUE(teacher.equal(before));
  EXPECT_EQ(state.at("steps").item<int64_t>(), 6);
}

TEST(JointEmbeddingHeadTest, TrainsTheBackboneAndThePredictorAndNotTheTeacher) {
  torch::manual_seed(1);
  Pretrained network(Small(), /*leads=*/12, /*classes=*/2);
  network.forward(torch::randn({2, 12, 100})).select(1, 0).mean().backward();
  for (const auto& item : network.named_parameters()) {
    EXPECT_FALSE(item.key().starts_with("teacher")) << item.key();
    ASSERT_TRUE(item.value().grad().defined()) << item.key();
    EXPECT_GT(item.value().grad().norm().item<double>(), 0) << item.key();
  }
  // The names with which a network with classes begins.
  const NamedTensors state = StateOf(network);
  for (const auto& [name, tensor] : StateOf(VisionTransformer(Small().vision_transformer(), 12))) {
    EXPECT_TRUE(state.contains("backbone." + name) && state.contains("teacher." + name)) << name;
  }
  EXPECT_EQ(UndecayedIn(network).size(), 2u);  // registers and mask token
}

TEST(JointEmbeddingHeadTest, EvaluatesWithTheSamePatchesAndTrainsWithOthers) {
  torch::manual_seed(1);
  Pretrained network(Small(), /*leads=*/12, /*classes=*/2);
  ExpectFixedChoicesInEvaluationOnly(network, torch::randn({3, 12, 100}));
}

TEST(JointEmbeddingHeadTest, LearnsToPredictWithoutACollapse) {
  torch::manual_seed(1);
  spec::Model model = Small();
  model.mutable_joint_embedding_head()->set_teacher_decay(0.99);
  model.mutable_joint_embedding_head()->set_final_teacher_decay(0.9995);
  model.mutable_joint_embedding_head()->set_teacher_steps(1000);
  Pretrained network(model, /*leads=*/12, /*classes=*/2);
  // A rhythm of its own in each crop.
  const torch::Tensor phase = torch::arange(100).view({1, 1, 100}) * torch::linspace(0.05, 0.3, 16).view({16, 1, 1}) +
                              torch::linspace(0, 3, 12).view({1, 12, 1});
  const torch::Tensor signals = phase.sin();
  torch::optim::Adam adam(network.parameters(), 0.001);
  for (int step = 0; step < 300; ++step) {
    adam.zero_grad();
    network.forward(signals).select(1, 0).mean().backward();
    adam.step();
  }
  network.eval();
  const torch::NoGradGuard no_grad;
  // By chance one of 16 hidden patches, 0.06; seeds 1 to 4 reach 0.2 to 0.3.
  EXPECT_GT(network.forward(signals).mean(0)[1].item<double>(), 0.15);
}

TEST(JointEmbeddingHeadTest, RefusesCropsInWhichNoBlockFits) {
  const Pretrained network(Small(), /*leads=*/12, /*classes=*/2);
  EXPECT_EQ(network.CheckSamples(100), absl::OkStatus());
  EXPECT_THAT(network.CheckSamples(15).message(),
              HasSubstr("a crop has 3 patches, of which 2 are hidden; expected at least 3 "));
  EXPECT_THAT(network.CheckSamples(101).message(), HasSubstr("patch_samples is 5; it must divide"));
}

}  // namespace
}  // namespace ecg

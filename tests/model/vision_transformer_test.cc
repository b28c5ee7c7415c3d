#include "ecg/model/vision_transformer.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <string>

#include "absl/status/status.h"
#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/undecayed.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

spec::Model Small(int registers = 2) {
  spec::Model model;
  spec::VisionTransformer& backbone = *model.mutable_vision_transformer();
  backbone.set_patch_samples(5);
  backbone.set_layers(2);
  backbone.set_model_dim(8);
  backbone.set_heads(2);
  backbone.set_registers(registers);
  return model;
}

// What is in parity_test is not repeated here: the numbers and names of the published code.

TEST(VisionTransformerTest, HasThePublishedSizes) {
  spec::VisionTransformer spec;
  EXPECT_EQ(ParameterCount(VisionTransformer(spec, /*leads=*/12)), 3'600'000);
  spec.set_model_dim(384);
  spec.set_heads(6);
  EXPECT_EQ(ParameterCount(VisionTransformer(spec, /*leads=*/12)), 14'277'888);
}

TEST(VisionTransformerTest, InitialisesWeightsAsThePublishedCodeDoes) {
  torch::manual_seed(1);
  const NamedTensors state = StateOf(Classifier<VisionTransformer>(spec::Model(), /*leads=*/12, /*classes=*/71));
  EXPECT_NEAR(state.at("blocks.3.attn.qkv.weight").std().item<double>(), 0.02, 1e-3);
  EXPECT_NEAR(state.at("blocks.3.attn.proj.weight").std().item<double>(), 0.02 / std::sqrt(16), 3e-4);
  EXPECT_NEAR(state.at("blocks.7.mlp.fc2.weight").std().item<double>(), 0.02 / std::sqrt(16), 3e-4);
  EXPECT_NEAR(state.at("patch_embed.proj.weight").std().item<double>(), 0.02, 1e-3);
  EXPECT_NEAR(state.at("fc.weight").std().item<double>(), 0.02, 1e-3);
  EXPECT_NEAR(state.at("registers").std().item<double>(), 0.02, 4e-3);
  EXPECT_TRUE(state.at("norm.weight").equal(torch::ones({192})));
}

TEST(VisionTransformerTest, SeesThePlaceOfAPatch) {
  torch::manual_seed(1);
  VisionTransformer backbone(Small().vision_transformer(), /*leads=*/12);
  backbone.eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor signals = torch::randn({1, 12, 50});
  // Without positions the order of the patches would not matter to the register.
  EXPECT_FALSE(backbone.forward(signals).allclose(backbone.forward(signals.roll(5, 2)), 1e-3, 1e-4));
  // Patches that are left out change the others' features, and their order does not.
  const torch::Tensor patches = backbone.Embed(signals);
  const torch::Tensor some = torch::cat({patches.slice(1, 3, 5), patches.slice(1, 7, 8)}, 1);
  const torch::Tensor turned = some.index_select(1, torch::tensor({2, 0, 1}));
  const torch::Tensor features = backbone.Encode(some);
  ASSERT_EQ(features.sizes(), torch::IntArrayRef({1, 2 + 3, 8}));
  EXPECT_TRUE(features[0][2].allclose(backbone.Encode(turned)[0][3], 1e-4, 1e-5));
  EXPECT_TRUE(features[0][0].allclose(backbone.Encode(turned)[0][0], 1e-4, 1e-5));
  EXPECT_FALSE(features[0][2].allclose(backbone.Encode(patches)[0][2 + 3], 1e-3, 1e-4));
}

TEST(VisionTransformerTest, PoolsAsTheSpecSays) {
  for (const int registers : {1, 3}) {
    spec::Model model = Small(registers);
    torch::manual_seed(1);
    VisionTransformer by_register(model.vision_transformer(), /*leads=*/12);
    model.mutable_vision_transformer()->set_pooling(spec::VisionTransformer::MEAN);
    torch::manual_seed(1);
    VisionTransformer by_mean(model.vision_transformer(), /*leads=*/12);
    const torch::Tensor signals = torch::randn({3, 12, 40});
    const torch::Tensor all = by_register.Encode(by_register.Embed(signals));
    ASSERT_EQ(all.sizes(), torch::IntArrayRef({3, registers + 8, 8}));
    EXPECT_TRUE(by_register.forward(signals).equal(all.select(1, 0)));
    EXPECT_TRUE(by_mean.forward(signals).allclose(all.slice(1, registers).mean(1), 1e-5, 1e-6));
    EXPECT_TRUE(by_mean.Sequence(signals).equal(all.slice(1, registers).transpose(1, 2)));
  }
}

TEST(VisionTransformerTest, DropsInTrainingOnly) {
  spec::Model model = Small();
  model.mutable_vision_transformer()->set_dropout(0.5);
  torch::manual_seed(1);
  VisionTransformer backbone(model.vision_transformer(), /*leads=*/12);
  const torch::Tensor signals = torch::randn({2, 12, 50});
  EXPECT_FALSE(backbone.forward(signals).equal(backbone.forward(signals)));
  backbone.eval();
  EXPECT_TRUE(backbone.forward(signals).equal(backbone.forward(signals)));
}

TEST(VisionTransformerTest, WeightDecayLeavesRegistersAlone) {
  Classifier<VisionTransformer> network(Small(), /*leads=*/12, /*classes=*/3);
  const std::vector<torch::Tensor> undecayed = UndecayedIn(network);
  ASSERT_EQ(undecayed.size(), 1u);
  EXPECT_EQ(undecayed[0].sizes(), torch::IntArrayRef({1, 2, 8}));
}

TEST(VisionTransformerTest, RefusesCropsThatPatchesDoNotFill) {
  const Classifier<VisionTransformer> network(Small(), /*leads=*/12, /*classes=*/3);
  EXPECT_EQ(network.CheckSamples(250), absl::OkStatus());
  EXPECT_EQ(network.CheckSamples(252).message(),
            "model.vision_transformer.patch_samples is 5; it must divide the samples of a crop, 252, as 4 does");
  EXPECT_EQ(network.CheckSamples(3).message(),
            "model.vision_transformer.patch_samples is 5; it must divide the samples of a crop, 3, as 3 does");
}

}  // namespace
}  // namespace ecg

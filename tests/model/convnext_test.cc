#include "ecg/model/convnext.h"

#include <torch/types.h>

#include <string>

#include "absl/status/status.h"
#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

TEST(ConvNextTest, HasThePapersWidthsAndBlocks) {
  spec::Model model;
  model.mutable_convnext()->set_width(96);
  Classifier<ConvNext> tiny(model, /*leads=*/12, /*classes=*/71);
  const NamedTensors state = StateOf(tiny);
  for (int stage = 0; stage < 4; ++stage) {
    const int width = 96 << stage;
    const std::string last = "stages." + std::to_string(stage) + (stage == 2 ? ".8" : ".2");
    EXPECT_EQ(state.at(last + ".dwconv.weight").sizes(), torch::IntArrayRef({width, 1, 7}));
    EXPECT_EQ(state.at(last + ".pwconv1.weight").sizes(), torch::IntArrayRef({4 * width, width}));
  }
  EXPECT_FALSE(state.contains("stages.2.9.gamma"));
  EXPECT_EQ(state.at("head.weight").sizes(), torch::IntArrayRef({71, 768}));
  model.mutable_convnext()->set_depth(spec::ConvNext::SMALL);
  EXPECT_TRUE(StateOf(Classifier<ConvNext>(model, /*leads=*/12, /*classes=*/71)).contains("stages.2.26.gamma"));
}

TEST(ConvNextTest, InitialisesWeightsAsThePaperDoes) {
  torch::manual_seed(1);
  const NamedTensors state = StateOf(Classifier<ConvNext>(spec::Model(), /*leads=*/12, /*classes=*/71));
  EXPECT_NEAR(state.at("stages.3.0.pwconv1.weight").std().item<double>(), 0.02, 1e-3);
  EXPECT_NEAR(state.at("head.weight").std().item<double>(), 0.02, 1e-3);
  EXPECT_TRUE(state.at("downsample_layers.0.0.bias").equal(torch::zeros({32})));
  EXPECT_TRUE(state.at("stages.3.0.gamma").equal(torch::full({256}, 1e-6)));
}

TEST(ConvNextTest, HasBlocksThatStartNearlyAsTheIdentity) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({2, 8, 20});
  EXPECT_TRUE(ConvNextBlock(/*width=*/8, /*kernel=*/7, /*layer_scale=*/1e-6).forward(x).allclose(x, 0, 1e-4));
  EXPECT_FALSE(ConvNextBlock(/*width=*/8, /*kernel=*/7, /*layer_scale=*/1).forward(x).allclose(x, 0, 1e-2));
}

TEST(ConvNextTest, AcceptsEveryLengthOfWhichSomethingIsLeft) {
  spec::Model model;
  for (const int patch : {1, 3, 4}) {
    model.mutable_convnext()->set_patch_samples(patch);
    Classifier<ConvNext> network(model, /*leads=*/12, /*classes=*/3);
    network.eval();
    for (const int samples : {8 * patch, 8 * patch + 1, 251}) {
      EXPECT_EQ(network.CheckSamples(samples), absl::OkStatus());
      EXPECT_EQ(network.forward(torch::zeros({2, 12, samples})).sizes(), torch::IntArrayRef({2, 3})) << samples;
    }
    EXPECT_FALSE(network.CheckSamples(8 * patch - 1).ok());
  }
}

}  // namespace
}  // namespace ecg

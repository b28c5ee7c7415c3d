#include "ecg/model/net1d.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <string>

#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

TEST(Net1DTest, HasThePublishedWidthsAndBlocks) {
  spec::Model model;
  model.mutable_net1d()->set_depth(spec::Net1D::NET1D_62);
  const NamedTensors state = StateOf(Classifier<Net1D>(model, /*leads=*/12, /*classes=*/71));
  const auto name = [](int stage, int block) {
    return "stage_list." + std::to_string(stage) + ".block_list." + std::to_string(block);
  };
  const int widths[] = {64, 160, 160, 400, 400, 1024, 1024}, blocks[] = {2, 2, 2, 3, 3, 4, 4};
  for (int stage = 0; stage < 7; ++stage) {
    EXPECT_EQ(state.at(name(stage, blocks[stage] - 1) + ".conv2.conv.weight").sizes(),
              torch::IntArrayRef({widths[stage], 16, 16}));
    EXPECT_FALSE(state.contains(name(stage, blocks[stage]) + ".conv2.conv.weight"));
  }
  EXPECT_EQ(state.at("dense.weight").sizes(), torch::IntArrayRef({71, 1024}));
}

TEST(Net1DTest, KeepsTheUnusedBatchNormOfTheFirstBlockButDoesNotTrainIt) {
  const Classifier<Net1D> network(spec::Model(), /*leads=*/12, /*classes=*/71);
  const std::string first = "stage_list.0.block_list.0.bn1.weight", second = "stage_list.0.block_list.1.bn1.weight";
  EXPECT_TRUE(StateOf(network).contains(first));
  EXPECT_FALSE(network.named_parameters().contains(first));
  EXPECT_TRUE(network.named_parameters().contains(second));
}

TEST(Net1DTest, PoolsAndWidensShortcutsWithoutWeights) {
  Net1DBlock block(/*in=*/16, /*out=*/48, {.stride = 2});
  block.eval();
  const torch::NoGradGuard no_grad;
  // Nothing but the shortcut.
  block.named_parameters()["se_fc2.weight"].zero_();
  block.named_parameters()["se_fc2.bias"].fill_(-1e4);
  const torch::Tensor x = torch::randn({2, 16, 7});
  const torch::Tensor out = block.forward(x);
  ASSERT_EQ(out.sizes(), torch::IntArrayRef({2, 48, 4}));
  EXPECT_TRUE(out.slice(1, 0, 16).eq(0).all().item<bool>());
  EXPECT_TRUE(out.slice(1, 32, 48).eq(0).all().item<bool>());
  const torch::Tensor pooled = out.slice(1, 16, 32);
  for (int pair = 0; pair < 3; ++pair) {
    EXPECT_TRUE(pooled.select(2, pair).equal(x.select(2, 2 * pair).maximum(x.select(2, 2 * pair + 1))));
  }
  EXPECT_TRUE(pooled.select(2, 3).equal(x.select(2, 6).clamp_min(0)));
}

TEST(Net1DTest, AcceptsEveryLength) {
  Classifier<Net1D> network(spec::Model(), /*leads=*/12, /*classes=*/3);
  network.eval();
  const torch::NoGradGuard no_grad;
  for (const int samples : {1, 2, 249, 250, 1250}) {
    EXPECT_EQ(network.forward(torch::zeros({2, 12, samples})).sizes(), torch::IntArrayRef({2, 3})) << samples;
  }
}

TEST(Net1DTest, DropsFeaturesInTrainingUnlessTheSpecSaysNot) {
  torch::manual_seed(1);
  spec::Model model;
  const torch::Tensor signals = torch::randn({4, 12, 250});
  Classifier<Net1D> dropping(model, /*leads=*/12, /*classes=*/3);
  EXPECT_FALSE(dropping.forward(signals).equal(dropping.forward(signals)));
  model.mutable_net1d()->set_dropout(0);
  Classifier<Net1D> plain(model, /*leads=*/12, /*classes=*/3);
  EXPECT_TRUE(plain.forward(signals).equal(plain.forward(signals)));
}

}  // namespace
}  // namespace ecg

#include "ecg/nn/stochastic_depth.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "ecg/nn/batch_norm.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(DropCropsTest, ZeroesWholeCropsAndKeepsTheExpectation) {
  torch::manual_seed(1);
  const torch::Tensor out = DropCrops(torch::ones({10000, 2, 3}), /*probability=*/0.25, /*is_training=*/true);
  const torch::Tensor first = out.slice(1, 0, 1).slice(2, 0, 1);
  EXPECT_TRUE(out.equal(first.expand_as(out)));
  EXPECT_TRUE(torch::logical_or(first == 0, first == static_cast<float>(1 / 0.75)).all().item<bool>());
  EXPECT_NEAR(out.mean().item<double>(), 1, 0.03);
  EXPECT_NEAR(first.eq(0).to(torch::kFloat64).mean().item<double>(), 0.25, 0.02);
}

TEST(DropCropsTest, ReturnsItsInputInEvaluationAndWithoutProbability) {
  const torch::Tensor x = torch::randn({4, 2, 3});
  EXPECT_TRUE(DropCrops(x, /*probability=*/0.25, /*is_training=*/false).is_same(x));
  EXPECT_TRUE(DropCrops(x, /*probability=*/0, /*is_training=*/true).is_same(x));
}

TEST(DropCropsTest, DrawsTheSameCropsFromTheSameSeed) {
  const auto drop = [](int seed) {
    torch::manual_seed(seed);
    return DropCrops(torch::ones({100, 2}), /*probability=*/0.5, /*is_training=*/true);
  };
  EXPECT_TRUE(drop(1).equal(drop(1)));
  EXPECT_FALSE(drop(1).equal(drop(2)));
}

TEST(DropCropsTest, HasNoGradientForADroppedCrop) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({100, 2, 3}, torch::requires_grad());
  const torch::Tensor out = DropCrops(x, /*probability=*/0.5, /*is_training=*/true);
  out.sum().backward();
  EXPECT_TRUE(x.grad().equal(out.detach().ne(0).to(torch::kFloat32) * 2));
}

// Block is x + norm(x), or with ReLU.
class Block : public ResidualBlock {
 public:
  Block() : norm_(register_module("norm", BatchNorm1d(4))) {}
  torch::Tensor forward(const torch::Tensor& x) { return NormAddRelu(norm_, x, x); }
  torch::Tensor Branch(const torch::Tensor& x) { return Dropped(x); }

 private:
  BatchNorm1d norm_;
};

TEST(ResidualBlockTest, IsItsShortcutForTheCropsThatSkipItsBranch) {
  torch::manual_seed(1);
  Block block;
  block.set_drop_probability(0.5);
  const torch::Tensor x = torch::randn({64, 4, 5});
  const torch::Tensor out = block.forward(x);
  const torch::Tensor skipped = out.eq(x.relu()).flatten(1).all(1);
  EXPECT_GT(skipped.sum().item<int>(), 16);
  EXPECT_LT(skipped.sum().item<int>(), 48);
  // The branch of the others counts twice.
  const std::vector<int64_t> over = {0, 2};
  const torch::Tensor centred = x - x.mean(over, /*keepdim=*/true);
  const torch::Tensor normalised = centred / (centred.square().mean(over, /*keepdim=*/true) + 1e-5).sqrt();
  const torch::Tensor others = skipped.logical_not().nonzero().squeeze(1);
  EXPECT_TRUE(out.index_select(0, others).allclose((2 * normalised + x).relu().index_select(0, others), 1e-4, 1e-5));
}

TEST(ResidualBlockTest, SkipsNothingInEvaluation) {
  torch::manual_seed(1);
  Block block, plain;
  block.set_drop_probability(0.9);
  block.eval();
  plain.eval();
  const torch::Tensor x = torch::randn({64, 4, 5});
  EXPECT_TRUE(block.forward(x).equal(plain.forward(x)));
  EXPECT_TRUE(block.Branch(x).is_same(x));
}

TEST(SetStochasticDepthTest, RaisesTheProbabilityLinearlyWithDepth) {
  torch::nn::Module network;
  torch::nn::Sequential first(Block{}, Block{}), second(Block{}, Block{});
  network.register_module("first", first);
  network.register_module("second", second);
  SetStochasticDepth(network, /*last=*/0.2);
  EXPECT_DOUBLE_EQ(first->ptr<Block>(0)->drop_probability(), 0.05);
  EXPECT_DOUBLE_EQ(first->ptr<Block>(1)->drop_probability(), 0.1);
  EXPECT_DOUBLE_EQ(second->ptr<Block>(0)->drop_probability(), 0.15);
  EXPECT_DOUBLE_EQ(second->ptr<Block>(1)->drop_probability(), 0.2);
}

}  // namespace
}  // namespace ecg

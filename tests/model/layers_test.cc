#include "ecg/model/layers.h"

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/rnn.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/resnet.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// A network with a forward pass of the test's choice.
class TestNetwork : public Network {
 public:
  torch::Tensor forward(const torch::Tensor& signals) override { return run(signals); }

  std::function<torch::Tensor(torch::Tensor)> run;
};

int64_t ParametersOf(const std::vector<Layer>& layers) {
  int64_t sum = 0;
  for (const Layer& layer : layers) sum += layer.parameters;
  return sum;
}

int64_t MultiplyAddsOf(const std::vector<Layer>& layers) {
  int64_t sum = 0;
  for (const Layer& layer : layers) sum += layer.multiply_adds;
  return sum;
}

class ResNet18LayersTest : public testing::Test {
 protected:
  Classifier<ResNet<BasicBlock>> network_{spec::Model(), /*leads=*/12, /*classes=*/71};
  std::vector<Layer> layers_ = LayersOf(network_, torch::zeros({1, 12, 1250}));
};

TEST_F(ResNet18LayersTest, SumToTheWholeNetwork) {
  EXPECT_EQ(ParametersOf(layers_), 4'022'471);
  int64_t expected = 64 * 625 * 12 * 7;                                             // the stem
  expected += 4 * 64 * 313 * 64 * 3;                                                // the first stage
  for (const auto& [width, samples] : {std::pair{128, 157}, {256, 79}, {512, 40}})  // the others, with a shortcut
    expected += int64_t{width} * samples * (width / 2 * 3 + 3 * width * 3 + width / 2);
  expected += 512 * 256 + 256 * 128 + 128 * 71;
  EXPECT_EQ(MultiplyAddsOf(layers_), expected);
}

TEST_F(ResNet18LayersTest, HaveTheShapeAndMultiplyAddsOfTheStem) {
  ASSERT_FALSE(layers_.empty());
  EXPECT_EQ(layers_[0].name, "backbone.conv1");
  EXPECT_EQ(layers_[0].operation, "conv1d");
  EXPECT_EQ(layers_[0].shape, (std::vector<int64_t>{1, 64, 625}));
  EXPECT_EQ(layers_[0].multiply_adds, 64 * 625 * 12 * 7);
  EXPECT_EQ(layers_.back().shape, (std::vector<int64_t>{1, 71}));
}

TEST_F(ResNet18LayersTest, LeaveTheModeOfTheNetwork) { EXPECT_TRUE(network_.is_training()); }

TEST_F(ResNet18LayersTest, PrintATableThatEndsWithTheTotals) {
  const std::string table = LayerTable(layers_);
  EXPECT_NE(table.find("backbone.layer4.0.downsample.0"), std::string::npos) << table;
  EXPECT_NE(table.find("4,022,471"), std::string::npos) << table;
}

TEST(LayersTest, CountTheGroupsOfConvolutions) {
  TestNetwork network;
  torch::nn::Conv1d conv = network.register_module(
      "conv", torch::nn::Conv1d(torch::nn::Conv1dOptions(8, 16, 5).groups(4).padding(2).bias(false)));
  network.run = [&](const torch::Tensor& x) { return conv(x); };
  EXPECT_EQ(MultiplyAddsOf(LayersOf(network, torch::zeros({1, 8, 100}))), 16 * 100 * (8 / 4) * 5);
}

TEST(LayersTest, CountComputedWeightsForTheLayerThatUsesThem) {
  TestNetwork network;
  torch::nn::Conv1d conv =
      network.register_module("conv", torch::nn::Conv1d(torch::nn::Conv1dOptions(4, 6, 3).bias(false)));
  const torch::Tensor gain = conv->register_parameter("gain", torch::ones({6, 1, 1}));
  network.run = [&](const torch::Tensor& x) {
    const torch::Tensor weight = gain * (conv->weight - conv->weight.mean({1, 2}, /*keepdim=*/true));
    return torch::conv1d(x, weight);
  };
  const std::vector<Layer> layers = LayersOf(network, torch::zeros({1, 4, 12}));
  ASSERT_EQ(layers.size(), 1);
  EXPECT_EQ(layers[0].name, "conv");
  EXPECT_EQ(layers[0].operation, "conv1d");
  EXPECT_EQ(layers[0].parameters, 6 * 4 * 3 + 6);
  EXPECT_EQ(layers[0].multiply_adds, 6 * 10 * 4 * 3);
}

TEST(LayersTest, CountEachStepOfRecurrentLayers) {
  constexpr int kSteps = 20, kLeads = 3, kHidden = 8;
  TestNetwork network;
  torch::nn::LSTM lstm = network.register_module(
      "lstm", torch::nn::LSTM(torch::nn::LSTMOptions(kLeads, kHidden).num_layers(2).bidirectional(true)));
  torch::nn::GRU gru = network.register_module("gru", torch::nn::GRU(2 * kHidden, kHidden));
  network.run = [&](const torch::Tensor& x) { return std::get<0>(gru(std::get<0>(lstm(x.permute({2, 0, 1}))))); };
  const std::vector<Layer> layers = LayersOf(network, torch::zeros({1, kLeads, kSteps}));
  ASSERT_EQ(layers.size(), 2);
  EXPECT_EQ(layers[0].name, "lstm");
  EXPECT_EQ(layers[0].multiply_adds, 2 * kSteps * 4 * kHidden * ((kLeads + kHidden) + (2 * kHidden + kHidden)));
  EXPECT_EQ(layers[1].name, "gru");
  EXPECT_EQ(layers[1].multiply_adds, kSteps * 3 * kHidden * (2 * kHidden + kHidden));
  EXPECT_EQ(ParametersOf(layers), ParameterCount(network));
}

TEST(LayersTest, CountMatrixProductsWithoutWeights) {
  TestNetwork network;
  const auto work = [&](std::function<torch::Tensor(torch::Tensor)> run) {
    network.run = std::move(run);
    return MultiplyAddsOf(LayersOf(network, torch::zeros({2, 4, 10})));
  };
  // Attention: 10 x 10 positions, 4 channels, 2 records.
  EXPECT_EQ(work([](const torch::Tensor& x) { return torch::matmul(x.transpose(1, 2), x); }), 2 * 10 * 10 * 4);
  EXPECT_EQ(work([](const torch::Tensor& x) { return torch::bmm(x, x.transpose(1, 2)); }), 2 * 4 * 4 * 10);
  EXPECT_EQ(work([](const torch::Tensor& x) { return torch::einsum("bcl,bkl->bck", {x, x}); }), 2 * 4 * 4 * 10);
  EXPECT_EQ(work([](const torch::Tensor& x) { return torch::mv(x[0], x[0][0]); }), 4 * 10);
  EXPECT_EQ(work([](const torch::Tensor& x) {
              return torch::baddbmm(x, x.new_zeros({2, 4, 7}), x.new_zeros({2, 7, 10}));
            }),
            2 * 4 * 10 * 7);
}

TEST(LayersTest, CountWeightsThatAreViewedInTheShapeOfASignal) {
  TestNetwork network;
  const torch::Tensor token = network.register_parameter("token", torch::ones({1, 12, 1}));
  network.run = [&](const torch::Tensor& x) { return torch::cat({token.expand_as(x.slice(2, 0, 1)), x}, 2).relu(); };
  const std::vector<Layer> layers = LayersOf(network, torch::zeros({2, 12, 50}));
  ASSERT_EQ(layers.size(), 2u);
  EXPECT_EQ(layers[0].operation, "cat");
  EXPECT_EQ(layers[0].parameters, 12);
  EXPECT_EQ(ParametersOf(layers), ParameterCount(network));
}

TEST(LayersTest, LeaveOutViewsAndInactiveOperations) {
  TestNetwork network;
  network.run = [&](const torch::Tensor& x) {
    return torch::dropout(x.transpose(1, 2).slice(1, 3), 0.5, network.is_training()).relu();
  };
  const std::vector<Layer> layers = LayersOf(network, torch::zeros({1, 2, 8}));
  ASSERT_EQ(layers.size(), 1);
  EXPECT_EQ(layers[0].operation, "relu");
  EXPECT_EQ(layers[0].name, "");
}

TEST(LayersTest, ListSharedWeightsOnceAndUnusedOnesLast) {
  TestNetwork network;
  torch::nn::Linear used = network.register_module("used", torch::nn::Linear(5, 5));
  network.register_module("idle", torch::nn::Linear(3, 2));
  network.run = [&](const torch::Tensor& x) { return used(used(x)); };
  const std::vector<Layer> layers = LayersOf(network, torch::zeros({1, 5}));
  EXPECT_EQ(layers[0].parameters, 5 * 5 + 5);
  EXPECT_EQ(layers[1].parameters, 0);
  EXPECT_EQ(layers.back().name, "idle");
  EXPECT_EQ(layers.back().operation, "unused");
  EXPECT_EQ(MultiplyAddsOf(layers), 2 * 5 * 5);
  EXPECT_EQ(ParametersOf(layers), ParameterCount(network));
}

}  // namespace
}  // namespace ecg

#include "ecg/nn/conv_norm_activation.h"

#include <torch/types.h>

#include <optional>
#include <string>
#include <vector>

#include "ecg/nn/activation.h"
#include "ecg/nn/channels_last.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(ConvNormActivationTest, IsConvolutionBatchNormAndActivation) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({4, 6, 25});
  for (const Activation activation : {Activation::kNone, Activation::kRelu, Activation::kHardswish}) {
    ConvNormActivation layer(6, 8, {.kernel = 5, .stride = 2, .groups = 2, .activation = activation});
    const torch::Tensor weight = layer.named_parameters()["0.weight"];
    const torch::Tensor normalised = torch::batch_norm(torch::conv1d(x, weight, {}, 2, 2, 1, 2), {}, {}, {}, {},
                                                       /*training=*/true, 0.1, 1e-5, /*cudnn_enabled=*/false);
    for (const torch::Tensor& input : {x, ChannelsLast(x)}) {
      const torch::Tensor y = layer.forward(input);
      EXPECT_EQ(y.sizes(), torch::IntArrayRef({4, 8, 13}));
      EXPECT_TRUE(y.allclose(Activate(normalised, activation), 1e-4, 1e-5));
    }
  }
}

TEST(ConvNormActivationTest, HasTheStateNamesOfASequential) {
  const auto names = [](const ConvNormActivation::Options& options) {
    return ConvNormActivation(2, 3, options).named_parameters().keys();
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({}), (Names{"0.weight", "1.weight", "1.bias"}));
  EXPECT_EQ(names({.dropout = 0.5}), (Names{"1.weight", "2.weight", "2.bias"}));
  EXPECT_EQ(names({.norm = std::nullopt}), (Names{"0.weight", "0.bias"}));
}

TEST(ConvNormActivationTest, DropsOutItsInputInTrainingOnly) {
  torch::manual_seed(1);
  ConvNormActivation layer(2, 3, {.dropout = 0.5, .norm = std::nullopt});
  const torch::Tensor x = torch::ones({2, 2, 100});
  EXPECT_FALSE(layer.forward(x).equal(layer.forward(x)));
  layer.eval();
  EXPECT_TRUE(layer.forward(x).equal(layer.forward(x)));
}

}  // namespace
}  // namespace ecg

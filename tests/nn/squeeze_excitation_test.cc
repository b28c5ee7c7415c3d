#include "ecg/nn/squeeze_excitation.h"

#include <torch/nn/init.h>
#include <torch/types.h>
#include <torch/utils.h>

#include "ecg/nn/activation.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(SqueezeExcitationTest, ScalesAWholeChannelByAGateBetweenZeroAndOne) {
  torch::manual_seed(1);
  SqueezeExcitation layer(32, {.squeezed = 2});
  const torch::Tensor x = torch::rand({2, 32, 10}) + 1;
  const torch::Tensor gates = layer.forward(x) / x;
  EXPECT_TRUE(gates.gt(0).logical_and(gates.lt(1)).all().item<bool>()) << gates;
  EXPECT_TRUE(gates.allclose(gates.select(2, 0).unsqueeze(-1)));
  EXPECT_GT(gates.std().item<double>(), 0);
}

TEST(SqueezeExcitationTest, ComputesTheSameWithMatricesAndWithConvolutions) {
  torch::manual_seed(1);
  SqueezeExcitation matrices(8, {.squeezed = 2, .reduce = "w1", .expand = "w2", .matrices = true});
  SqueezeExcitation convolutions(8, {.squeezed = 2});
  {
    const torch::NoGradGuard no_grad;
    auto from = matrices.named_parameters(), to = convolutions.named_parameters();
    from["w1"].normal_();
    from["w2"].normal_();
    to["fc1.weight"].copy_(from["w1"].view({2, 8, 1}));
    to["fc2.weight"].copy_(from["w2"].view({8, 2, 1}));
    to["fc1.bias"].zero_();
    to["fc2.bias"].zero_();
  }
  const torch::Tensor x = torch::randn({3, 8, 20});
  EXPECT_TRUE(matrices.forward(x).allclose(convolutions.forward(x), 1e-5, 1e-6));
}

TEST(SqueezeExcitationTest, ComputesInTheTypeThatItIsConvertedTo) {
  SqueezeExcitation layer(8, {.squeezed = 2, .matrices = true});
  for (torch::Tensor& parameter : layer.parameters()) torch::nn::init::ones_(parameter);
  layer.to(torch::kFloat64);
  EXPECT_EQ(layer.forward(torch::randn({1, 8, 4}, torch::kFloat64)).scalar_type(), torch::kFloat64);
}

TEST(ActivationTest, IsTheFunctionOfItsName) {
  const torch::Tensor x = torch::tensor({-4.0, -1.0, 0.0, 1.0, 4.0});
  EXPECT_TRUE(Activate(x, Activation::kNone).equal(x));
  EXPECT_TRUE(Activate(x, Activation::kRelu).equal(x.clamp(0)));
  EXPECT_TRUE(Activate(x, Activation::kSigmoid).allclose(1 / (1 + (-x).exp())));
  EXPECT_TRUE(Activate(x, Activation::kSilu).allclose(x / (1 + (-x).exp())));
  EXPECT_TRUE(Activate(x, Activation::kHardsigmoid).allclose((x / 6 + 0.5).clamp(0, 1)));
  EXPECT_TRUE(Activate(x, Activation::kHardswish).allclose(x * (x / 6 + 0.5).clamp(0, 1)));
}

}  // namespace
}  // namespace ecg

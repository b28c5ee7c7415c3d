#include "ecg/nn/convolution.h"

#include <torch/csrc/autograd/function.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <string>

#include "ecg/device/autocast.h"
#include "ecg/device/device.h"
#include "ecg/nn/channels_last.h"
#include "ecg/nn/weight_cache.h"
#include "ecg/nn/winograd.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/nn/gradients.h"

namespace ecg {
namespace {

TEST(ConvolutionTest, EqualsLibTorchsInBothLayouts) {
  torch::manual_seed(1);
  Conv1d convolution(torch::nn::Conv1dOptions(8, 12, 5).stride(2).padding(3).dilation(2).groups(2));
  const torch::Tensor x = torch::randn({3, 8, 41});
  const auto function = [](const auto& inputs) {
    return Convolve(inputs[0], inputs[1], inputs[2], {.stride = 2, .padding = 3, .dilation = 2, .groups = 2});
  };
  const torch::Tensor y = torch::conv1d(x, convolution->weight, convolution->bias, 2, 3, 2, 2);
  const torch::Tensor grad_output = torch::randn_like(y);
  const Differentiated expected = Differentiate(function, {x, convolution->weight, convolution->bias}, grad_output);
  EXPECT_TRUE(expected.output.equal(y));

  ConvertToChannelsLast(*convolution);
  const torch::Tensor output = convolution(ChannelsLast(x));
  EXPECT_TRUE(IsChannelsLast(output));
  EXPECT_LT(Error(output, y), 1e-6);
  const Differentiated actual =
      Differentiate(function, {ChannelsLast(x), convolution->weight, convolution->bias}, grad_output);
  EXPECT_TRUE(actual.output.equal(output));
  for (int i = 0; i < 3; ++i) EXPECT_LT(Error(actual.gradients[i], expected.gradients[i]), 1e-6) << i;
  EXPECT_EQ(actual.gradients[1].strides(), convolution->weight.strides());
}

TEST(ConvolutionTest, UsesWinogradWhereItIsSupportedAndFaster) {
  const torch::Tensor x = ChannelsLast(torch::randn({8, 64, 100}));
  const auto uses = [&](const torch::Tensor& signals, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                        const torch::Tensor& bias = {}) {
    const torch::Tensor weight = torch::randn({out, 64, kernel}).requires_grad_();
    const ConvolutionOptions options{.stride = stride, .padding = padding};
    const bool uses = UsesWinograd(signals, weight, bias, options);
    const std::string function = Convolve(signals, weight, bias, options).grad_fn()->name();
    EXPECT_EQ(function.find("Winograd") != std::string::npos, uses) << function;
    return uses;
  };
  EXPECT_TRUE(uses(x, 64, 3, 1, 1));
  EXPECT_FALSE(uses(x.contiguous(), 64, 3, 1, 1));
  EXPECT_FALSE(uses(ChannelsLast(torch::randn({2, 64, 100})), 64, 3, 1, 1));
  EXPECT_FALSE(uses(x, 71, 3, 1, 1));
  EXPECT_FALSE(uses(x, 64, 5, 1, 2));
  EXPECT_FALSE(uses(x, 64, 3, 2, 1));
  EXPECT_FALSE(uses(x, 64, 3, 1, 0));
  EXPECT_FALSE(uses(x, 64, 3, 1, 1, torch::randn({64})));
}

TEST(ConvolutionTest, UsesWinogradOnFewSamplesWhereTheTransformIsKept) {
  const torch::Tensor x = ChannelsLast(torch::randn({1, 64, 5})), weight = torch::randn({64, 64, 3});
  const ConvolutionOptions options{.padding = 1};
  EXPECT_FALSE(UsesWinograd(x, weight, {}, options));
  EXPECT_TRUE(UsesWinograd(x, weight, {}, options, /*keeps_transform=*/true));
  WeightCache cache;
  const torch::Tensor y = Convolve(x, weight, {}, options, &cache);
  EXPECT_TRUE(y.equal(ConvolveTransformed(x, TransformWeight(weight))));
  EXPECT_LT(Error(y, torch::conv1d(x.contiguous(), weight, {}, 1, 1)), 5e-6);
}

// A layer that uses Winograd's algorithm, and what it should return.
class EvaluatedConvolutionTest : public testing::Test {
 protected:
  EvaluatedConvolutionTest() {
    torch::manual_seed(1);
    convolution_->eval();
  }

  void ExpectRight(const std::string& after) {
    const torch::Tensor expected = torch::conv1d(x_.contiguous(), convolution_->weight, {}, 1, 1);
    EXPECT_LT(Error(convolution_(x_), expected), 5e-6) << after;
  }

  Conv1d convolution_{torch::nn::Conv1dOptions(64, 64, 3).padding(1).bias(false)};
  const torch::Tensor x_ = ChannelsLast(torch::randn({8, 64, 100}));
};

TEST_F(EvaluatedConvolutionTest, NoticesThatItsWeightsChanged) {
  {
    const torch::NoGradGuard no_grad;
    ExpectRight("the initialisation");
    ExpectRight("an evaluation");
    convolution_->weight.copy_(torch::randn({64, 64, 3}));  // as weights are loaded
    ExpectRight("a copy");
    convolution_->weight.mul_(2);
    ExpectRight("a change in place");
    ConvertToChannelsLast(*convolution_);
    ExpectRight("a change of the layout");
    convolution_->weight.set_data(torch::randn({64, 64, 3}));
    ExpectRight("other memory");
  }
  // Training, by an optimizer that writes to the memory.
  convolution_->train();
  convolution_(x_).sum().backward();
  float* weights = convolution_->weight.data_ptr<float>();
  for (int i = 0; i < 100; ++i) weights[i] += 1;
  convolution_->eval();
  const torch::InferenceMode inference;
  ExpectRight("training");
}

TEST_F(EvaluatedConvolutionTest, GivesTheSameDigitsInBfloat16AsInTraining) {
  const torch::NoGradGuard no_grad;
  Device device;
  device.precision = spec::Runtime::BF16;
  const Autocast autocast(device);
  for (int i = 0; i < 2; ++i) {
    const torch::Tensor evaluated = convolution_(x_), again = convolution_(x_);
    EXPECT_TRUE(again.equal(evaluated));
    convolution_->train();
    EXPECT_TRUE(convolution_(x_).equal(evaluated));
    convolution_->eval();
    convolution_->weight.mul_(2);
  }
}

TEST_F(EvaluatedConvolutionTest, HasGradientsWhereTheyAreWanted) {
  {
    const torch::NoGradGuard no_grad;
    convolution_(x_);
  }
  convolution_(x_).sum().backward();
  EXPECT_GT(convolution_->weight.grad().abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace ecg

#include "ecg/nn/same_convolution.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/convolution.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(PadTest, AddsZerosInTimeOrAsChannelsAndKeepsTheLayout) {
  const torch::Tensor x = torch::randn({2, 3, 5});
  for (const torch::Tensor& layout : {x, ChannelsLast(x)}) {
    const torch::Tensor time = PadTime(layout, 1, 2), channels = PadChannels(layout, 2, 1);
    EXPECT_TRUE(time.equal(torch::cat({torch::zeros({2, 3, 1}), x, torch::zeros({2, 3, 2})}, 2)));
    EXPECT_TRUE(channels.equal(torch::cat({torch::zeros({2, 2, 5}), x, torch::zeros({2, 1, 5})}, 1)));
    EXPECT_EQ(IsChannelsLast(time), IsChannelsLast(layout));
    EXPECT_EQ(IsChannelsLast(channels), IsChannelsLast(layout));
  }
}

TEST(ConvolveSameTest, PadsByTheLengthOfTheCrop) {
  const auto sums = [](int kernel, std::vector<float> x, int samples) {
    Conv1d convolution(torch::nn::Conv1dOptions(1, 1, kernel).stride(2).bias(false));
    torch::nn::init::ones_(convolution->weight);
    const torch::Tensor signal = torch::tensor(x).view({1, 1, -1});
    const torch::Tensor out = ConvolveSame(convolution, signal, samples).detach().flatten();
    return std::vector<float>(out.data_ptr<float>(), out.data_ptr<float>() + out.numel());
  };
  // Even: one zero more after the signal than before it.
  EXPECT_EQ(sums(3, {1, 2, 3, 4}, 1250), (std::vector<float>{1 + 2 + 3, 3 + 4}));
  EXPECT_EQ(sums(5, {1, 2, 3, 4}, 1250), (std::vector<float>{1 + 2 + 3 + 4, 2 + 3 + 4}));
  EXPECT_EQ(sums(3, {1, 2, 3, 4, 5}, 1250), (std::vector<float>{1 + 2 + 3, 3 + 4 + 5}));
  // Odd: equal numbers of zeros before and after.
  EXPECT_EQ(sums(3, {1, 2, 3, 4}, 1251), (std::vector<float>{1 + 2, 2 + 3 + 4}));
  EXPECT_EQ(sums(5, {1, 2, 3, 4, 5}, 1251), (std::vector<float>{1 + 2 + 3, 1 + 2 + 3 + 4 + 5, 3 + 4 + 5}));
}

TEST(SameConvolutionTest, HasTheLengthDividedByTheStrideRoundedUp) {
  for (const int64_t kernel : {1, 2, 15, 16}) {
    for (const int64_t stride : {1, 2}) {
      SameConvolution convolution(4, 6, {.kernel = kernel, .stride = stride, .groups = 2});
      for (const int64_t samples : {1, 2, 3, 40, 41}) {
        const torch::Tensor x = torch::randn({2, 4, samples});
        const torch::Tensor plain = convolution.forward(x);
        EXPECT_EQ(plain.sizes(), torch::IntArrayRef({2, 6, (samples + stride - 1) / stride})) << kernel << samples;
        EXPECT_TRUE(plain.allclose(convolution.forward(ChannelsLast(x)), 1e-4, 1e-5)) << kernel << samples;
      }
    }
  }
}

}  // namespace
}  // namespace ecg

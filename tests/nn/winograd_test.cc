#include "ecg/nn/winograd.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include "ecg/nn/channels_last.h"
#include "gtest/gtest.h"
#include "tests/nn/gradients.h"

namespace ecg {
namespace {

// Output, and the gradients of signals and weights.
Differentiated Winograd(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& grad_output) {
  return Differentiate([](const auto& inputs) { return WinogradConvolve(inputs[0], inputs[1]); }, {x, weight},
                       grad_output);
}

TEST(WinogradConvolutionTest, EqualsADirectConvolution) {
  torch::manual_seed(1);
  // Batch, channels in and out, samples: incomplete tiles and blocks, and more than one of each.
  for (const auto& [batch, in, out, samples] : std::vector<std::array<int64_t, 4>>{
           {1, 64, 64, 1}, {2, 64, 128, 3}, {3, 128, 64, 4}, {2, 64, 192, 13}, {40, 64, 64, 79}, {3, 128, 128, 402}}) {
    SCOPED_TRACE(samples);
    const torch::Tensor x = ChannelsLast(torch::randn({batch, in, samples}));
    const torch::Tensor weight = ChannelsLast(torch::randn({out, in, 3}) / std::sqrt(3. * in));
    const torch::Tensor grad_output = ChannelsLast(torch::randn({batch, out, samples}));
    const Differentiated expected =
        Differentiate([](const auto& inputs) { return torch::conv1d(inputs[0], inputs[1], {}, 1, 1); },
                      {x.to(torch::kFloat64), weight.to(torch::kFloat64)}, grad_output.to(torch::kFloat64));
    const Differentiated actual = Winograd(x, weight, grad_output);
    EXPECT_LT(Error(actual.output, expected.output), 5e-6);
    EXPECT_LT(Error(actual.gradients[0], expected.gradients[0]), 5e-6);
    EXPECT_LT(Error(actual.gradients[1], expected.gradients[1]), 5e-6);
    EXPECT_EQ(actual.gradients[1].strides(), weight.strides());
    if (samples > 1) {
      EXPECT_TRUE(IsChannelsLast(actual.output));
      EXPECT_TRUE(IsChannelsLast(actual.gradients[0]));
    }
  }
}

TEST(WinogradConvolutionTest, DoesNotDependOnTheNumberOfThreads) {
  torch::manual_seed(1);
  const torch::Tensor x = ChannelsLast(torch::randn({5, 128, 401}));
  const torch::Tensor grad_output = ChannelsLast(torch::randn({5, 64, 401})), weight = torch::randn({64, 128, 3});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Differentiated expected = Winograd(x, weight, grad_output);
  for (const int count : {2, 3}) {
    at::set_num_threads(count);
    const Differentiated actual = Winograd(x, weight, grad_output);
    EXPECT_TRUE(actual.output.equal(expected.output)) << count;
    EXPECT_TRUE(actual.gradients[0].equal(expected.gradients[0])) << count;
    EXPECT_TRUE(actual.gradients[1].equal(expected.gradients[1])) << count;
  }
  at::set_num_threads(threads);
}

TEST(WinogradConvolutionTest, ReturnsWhatMayBeOverwrittenInPlace) {
  const torch::Tensor x = ChannelsLast(torch::randn({2, 64, 9})), weight = torch::randn({64, 64, 3}).requires_grad_();
  WinogradConvolve(x, weight).relu_().sum().backward();
  const torch::Tensor gradient = weight.grad().clone();
  weight.mutable_grad() = torch::Tensor();
  torch::conv1d(x, weight, {}, 1, 1).relu_().sum().backward();
  EXPECT_TRUE(gradient.allclose(weight.grad(), /*rtol=*/1e-4, /*atol=*/1e-4));
}

// Compiled without OpenMP, LibTorch's headers leave a loop to one thread.
TEST(ParallelLoopsTest, RunInSeveralThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  std::vector<std::thread::id> ids(2);
  at::parallel_for(0, 2, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) ids[i] = std::this_thread::get_id();
  });
  at::set_num_threads(threads);
  EXPECT_NE(ids[0], ids[1]);
}

}  // namespace
}  // namespace ecg

#include "ecg/nn/winograd.h"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/convolution.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// What a convolution returns, and the gradients of signals and weights, where that of the result is `given`.
struct Answer {
  torch::Tensor y, of_x, of_weight;
};

template <typename Convolution>
Answer AnswerOf(const Convolution& convolution, const torch::Tensor& x, const torch::Tensor& weight,
                const torch::Tensor& given) {
  const torch::Tensor signals = x.detach().requires_grad_(), weights = weight.detach().requires_grad_();
  const torch::Tensor y = convolution(signals, weights);
  y.backward(given);
  return {y.detach(), signals.grad(), weights.grad()};
}

Answer Winograd(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& given) {
  return AnswerOf([](const auto& a, const auto& b) { return WinogradConvolution::apply(a, b); }, x, weight, given);
}

// The largest difference, as a part of the largest expected number.
double Error(const torch::Tensor& actual, const torch::Tensor& expected) {
  return ((actual.to(torch::kFloat64) - expected).abs().max() / expected.abs().max()).item<double>();
}

TEST(WinogradConvolutionTest, GivesTheNumbersAndGradientsOfADirectConvolution) {
  torch::manual_seed(1);
  // Signals, channels in and out, samples: tiles that are not full, blocks that are not, more than one of each.
  for (const auto& [batch, in, out, samples] : std::vector<std::array<int64_t, 4>>{
           {1, 64, 64, 1}, {2, 64, 128, 3}, {3, 128, 64, 4}, {2, 64, 192, 13}, {40, 64, 64, 79}, {3, 128, 128, 402}}) {
    SCOPED_TRACE(samples);
    const torch::Tensor x = ChannelsLast(torch::randn({batch, in, samples}));
    const torch::Tensor weight = ChannelsLast(torch::randn({out, in, 3}) / std::sqrt(3. * in));
    const torch::Tensor given = ChannelsLast(torch::randn({batch, out, samples}));
    const Answer expected = AnswerOf([](const auto& a, const auto& b) { return torch::conv1d(a, b, {}, 1, 1); },
                                     x.to(torch::kFloat64), weight.to(torch::kFloat64), given.to(torch::kFloat64));
    const Answer answer = Winograd(x, weight, given);
    EXPECT_LT(Error(answer.y, expected.y), 5e-6);
    EXPECT_LT(Error(answer.of_x, expected.of_x), 5e-6);
    EXPECT_LT(Error(answer.of_weight, expected.of_weight), 5e-6);
    EXPECT_EQ(answer.of_weight.strides(), weight.strides());
    if (samples > 1) {
      EXPECT_TRUE(IsChannelsLast(answer.y));
      EXPECT_TRUE(IsChannelsLast(answer.of_x));
    }
  }
}

TEST(WinogradConvolutionTest, GivesTheSameNumbersWithAnyNumberOfThreads) {
  torch::manual_seed(1);
  const torch::Tensor x = ChannelsLast(torch::randn({5, 128, 401})), given = ChannelsLast(torch::randn({5, 64, 401}));
  const torch::Tensor weight = torch::randn({64, 128, 3});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const Answer expected = Winograd(x, weight, given);
  for (const int count : {2, 3}) {
    at::set_num_threads(count);
    const Answer answer = Winograd(x, weight, given);
    EXPECT_TRUE(answer.y.equal(expected.y)) << count;
    EXPECT_TRUE(answer.of_x.equal(expected.of_x)) << count;
    EXPECT_TRUE(answer.of_weight.equal(expected.of_weight)) << count;
  }
  at::set_num_threads(threads);
}

TEST(WinogradConvolutionTest, GivesWhatMayBeOverwritten) {
  const torch::Tensor x = ChannelsLast(torch::randn({2, 64, 9})), weight = torch::randn({64, 64, 3}).requires_grad_();
  WinogradConvolution::apply(x, weight).relu_().sum().backward();
  const torch::Tensor given = weight.grad().clone();
  weight.mutable_grad() = torch::Tensor();
  torch::conv1d(x, weight, {}, 1, 1).relu_().sum().backward();
  EXPECT_TRUE(given.allclose(weight.grad(), /*rtol=*/1e-4, /*atol=*/1e-4));
}

TEST(WinogradConvolutionTest, IsTakenWhereItSuits) {
  const torch::Tensor x = ChannelsLast(torch::randn({8, 64, 100}));
  const auto takes = [&](const torch::Tensor& signals, int64_t out, int64_t kernel, int64_t stride, int64_t padding,
                         const torch::Tensor& bias = {}) {
    const torch::Tensor weight = torch::randn({out, 64, kernel}).requires_grad_();
    return Convolve(signals, weight, bias, stride, padding).grad_fn()->name().find("Winograd") != std::string::npos;
  };
  EXPECT_TRUE(takes(x, 64, 3, 1, 1));
  EXPECT_FALSE(takes(x.contiguous(), 64, 3, 1, 1));
  EXPECT_FALSE(takes(ChannelsLast(torch::randn({2, 64, 100})), 64, 3, 1, 1));
  EXPECT_FALSE(takes(x, 71, 3, 1, 1));
  EXPECT_FALSE(takes(x, 64, 5, 1, 2));
  EXPECT_FALSE(takes(x, 64, 3, 2, 1));
  EXPECT_FALSE(takes(x, 64, 3, 1, 0));
  EXPECT_FALSE(takes(x, 64, 3, 1, 1, torch::randn({64})));
}

// Compiled without OpenMP, LibTorch's headers leave a loop to one thread.
TEST(ParallelLoopsTest, AreSplitBetweenThreads) {
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

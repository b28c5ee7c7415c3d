#include "ecg/nn/long_convolution.h"

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/nn/gradients.h"

namespace ecg {
namespace {

// The definition: y_i is the sum over j of k(i - j) x_j.
torch::Tensor Definition(const torch::Tensor& x, const torch::Tensor& kernel) {
  const int64_t length = x.size(1);
  std::vector<torch::Tensor> y;
  for (int64_t i = 0; i < length; ++i) {
    // k(i), ..., k(i - L + 1), for x_0 to the last one.
    const torch::Tensor by_sample = kernel.narrow(1, i, length).flip(1).t();
    y.push_back((x * by_sample).sum(1));
  }
  return torch::stack(y, 1);
}

TEST(LongConvolutionTest, IsTheSumOverAllLagsAndHasItsGradients) {
  for (const int64_t length : {1, 2, 7, 50}) {
    SCOPED_TRACE(length);
    torch::manual_seed(length);
    const std::vector<torch::Tensor> inputs = {torch::randn({3, length, 4}, torch::kFloat64),
                                               torch::randn({4, 2 * length - 1}, torch::kFloat64)};
    const torch::Tensor grad_output = torch::randn({3, length, 4}, torch::kFloat64);
    const auto run = [&](const auto& convolve) {
      return Differentiate([&](const std::vector<torch::Tensor>& in) { return convolve(in[0], in[1]); }, inputs,
                           grad_output);
    };
    const Differentiated actual = run(LongConvolve), expected = run(Definition);
    EXPECT_LT(Error(actual.output, expected.output), 1e-13);
    for (size_t i = 0; i < inputs.size(); ++i) EXPECT_LT(Error(actual.gradients[i], expected.gradients[i]), 1e-13);
  }
}

TEST(LongConvolutionTest, OfFloat32IsOfThatPrecisionForAnyLengthChannelsAndLayout) {
  // Of 16 channels and at most 1,024 samples by definition, else by transforms.
  for (const auto& [length, channels] : {std::pair{1, 16}, {7, 32}, {250, 16}, {253, 48}, {250, 20}, {1030, 16}}) {
    SCOPED_TRACE(absl::StrCat(length, " samples, ", channels, " channels"));
    torch::manual_seed(length);
    const torch::Tensor kernel = torch::randn({channels, 2 * length - 1}),
                        grad_output = torch::randn({3, length, channels});
    for (const torch::Tensor& x :
         {torch::randn({3, length, channels}), torch::randn({3, channels, length}).transpose(1, 2)}) {
      const auto run = [&](torch::Dtype type) {
        return Differentiate([&](const std::vector<torch::Tensor>& in) { return LongConvolve(in[0], in[1]); },
                             {x.to(type), kernel.to(type)}, grad_output.to(type));
      };
      // Float64 is by transforms.
      const Differentiated actual = run(torch::kFloat32), expected = run(torch::kFloat64);
      EXPECT_LT(Error(actual.output, expected.output), 2e-6);
      for (size_t i = 0; i < 2; ++i) EXPECT_LT(Error(actual.gradients[i], expected.gradients[i]), 2e-6);
    }
  }
}

TEST(LongConvolutionTest, DoesNotDependOnTheNumberOfThreads) {
  torch::manual_seed(1);
  const std::vector<torch::Tensor> inputs = {torch::randn({5, 100, 48}), torch::randn({48, 199})};
  const auto run = [&](int threads) {
    at::set_num_threads(threads);
    return Differentiate([&](const std::vector<torch::Tensor>& in) { return LongConvolve(in[0], in[1]); }, inputs,
                         torch::ones({5, 100, 48}));
  };
  const Differentiated one = run(1), two = run(2);
  EXPECT_TRUE(one.output.equal(two.output));
  for (size_t i = 0; i < 2; ++i) EXPECT_TRUE(one.gradients[i].equal(two.gradients[i]));
}

TEST(LongConvolutionTest, RefusesAKernelForAnotherLength) {
  EXPECT_THROW(LongConvolve(torch::zeros({1, 10, 3}), torch::zeros({3, 21})), c10::Error);
}

}  // namespace
}  // namespace ecg

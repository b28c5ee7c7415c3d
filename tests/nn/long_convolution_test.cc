#include "ecg/nn/long_convolution.h"

#include <torch/torch.h>

#include <cstdint>
#include <vector>

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

TEST(LongConvolutionTest, OfFloat32IsOfThatPrecisionInEveryLayout) {
  torch::manual_seed(1);
  const torch::Tensor x = torch::randn({2, 250, 16}), kernel = torch::randn({16, 499});
  const torch::Tensor expected = Definition(x.to(torch::kFloat64), kernel.to(torch::kFloat64));
  EXPECT_LT(Error(LongConvolve(x, kernel), expected), 1e-6);
  EXPECT_LT(Error(LongConvolve(x.transpose(1, 2).contiguous().transpose(1, 2), kernel), expected), 1e-6);
}

TEST(LongConvolutionTest, RefusesAKernelForAnotherLength) {
  EXPECT_THROW(LongConvolve(torch::zeros({1, 10, 3}), torch::zeros({3, 21})), c10::Error);
}

}  // namespace
}  // namespace ecg

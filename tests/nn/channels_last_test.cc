// That layers give the numbers that LibTorch gives for the usual layout, and keep the one that they get.

#include "ecg/nn/channels_last.h"

#include <torch/torch.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// The largest difference, as a part of the largest expected number.
double Error(const torch::Tensor& actual, const torch::Tensor& expected) {
  const torch::Tensor difference = actual.to(torch::kFloat64) - expected.to(torch::kFloat64);
  return difference.abs().max().item<double>() / expected.abs().max().item<double>();
}

// A leaf whose gradient is wanted.
torch::Tensor Leaf(const torch::Tensor& x) { return x.detach().clone().requires_grad_(); }

TEST(ChannelsLastTest, IsAnotherOrderOfTheSameNumbers) {
  const torch::Tensor x = torch::randn({2, 3, 5});
  EXPECT_TRUE(IsChannelsLast(ChannelsLast(x)));
  EXPECT_TRUE(ChannelsLast(x).equal(x));
  EXPECT_FALSE(IsChannelsLast(x));
  // Where both orders are the same, the usual one is meant.
  EXPECT_FALSE(IsChannelsLast(ChannelsLast(torch::randn({2, 3, 1}))));
  EXPECT_FALSE(IsChannelsLast(torch::randn({2, 3})));
}

TEST(ChannelsLastTest, KeepsTheLayoutWherePartsAreConcatenated) {
  const torch::Tensor a = torch::randn({2, 3, 5}), b = torch::randn({2, 4, 5});
  const torch::Tensor joined = Concatenate({ChannelsLast(a), ChannelsLast(b)});
  EXPECT_TRUE(IsChannelsLast(joined));
  EXPECT_TRUE(joined.equal(torch::cat({a, b}, 1)));
}

TEST(ConvolutionTest, GivesTheNumbersAndGradientsOfLibTorchInTheLayoutThatItGets) {
  torch::manual_seed(1);
  Conv1d convolution(torch::nn::Conv1dOptions(8, 12, 5).stride(2).padding(3).dilation(2).groups(2));
  const torch::Tensor x = torch::randn({3, 8, 41});
  const torch::Tensor usual = Leaf(x);
  const torch::Tensor expected = torch::conv1d(usual, convolution->weight, convolution->bias, 2, 3, 2, 2);
  const torch::Tensor factors = torch::randn_like(expected);
  (expected * factors).sum().backward();
  const torch::Tensor of_weight = convolution->weight.grad().clone(), of_bias = convolution->bias.grad().clone();
  for (torch::Tensor& parameter : convolution->parameters()) parameter.mutable_grad() = torch::Tensor();

  ConvertToChannelsLast(*convolution);
  const torch::Tensor last = Leaf(ChannelsLast(x));
  ASSERT_TRUE(IsChannelsLast(last));
  const torch::Tensor given = convolution(last);
  EXPECT_TRUE(IsChannelsLast(given));
  EXPECT_LT(Error(given, expected), 1e-6);
  (given * factors).sum().backward();
  EXPECT_LT(Error(last.grad(), usual.grad()), 1e-6);
  EXPECT_LT(Error(convolution->weight.grad(), of_weight), 1e-6);
  EXPECT_LT(Error(convolution->bias.grad(), of_bias), 1e-6);
  EXPECT_EQ(convolution->weight.grad().strides(), convolution->weight.strides());
}

TEST(MaxPoolTest, GivesTheNumbersAndGradientsOfLibTorchInTheLayoutThatItGets) {
  torch::manual_seed(1);
  for (const Pooling& pooling : {Pooling{3, 2, 1}, Pooling{3, 2, 0, true}, Pooling{2, 2}}) {
    for (const int samples : {4, 5, 250}) {
      // Few values, so that neighbours are often equal.
      const torch::Tensor x = torch::randint(4, {3, 20, samples}).to(torch::kFloat32);
      const torch::Tensor last = Leaf(ChannelsLast(x)), usual = Leaf(x);
      const torch::Tensor given = MaxPool(last, pooling);
      const torch::Tensor expected =
          torch::max_pool1d(usual, pooling.kernel, pooling.stride, pooling.padding, 1, pooling.ceil_mode);
      EXPECT_TRUE(IsChannelsLast(given)) << samples;
      EXPECT_TRUE(given.equal(expected)) << samples;
      const torch::Tensor factors = torch::rand_like(expected);
      (given * factors).sum().backward();
      (expected * factors).sum().backward();
      EXPECT_LT(Error(last.grad(), usual.grad()), 1e-6) << samples;
    }
  }
}

struct Norm {
  std::string name;
  torch::Dtype type;
  // Of pieces of vectors too, and of less than one.
  int channels;
  bool has_shortcut;
  // Rounding of the type, of sums of many such numbers.
  double tolerance;
};
void PrintTo(const Norm& norm, std::ostream* out) { *out << norm.name; }

class BatchNormTest : public testing::TestWithParam<Norm> {
 protected:
  BatchNormTest() {
    torch::manual_seed(1);
    const torch::NoGradGuard no_grad;
    ours_->weight.uniform_(-1, 1);
    ours_->bias.uniform_(-1, 1);
    // Numbers whose mean is large beside their deviation.
    x_ = (torch::randn({8, GetParam().channels, 113}) * 3 + 20).to(GetParam().type);
    shortcut_ = torch::randn_like(x_);
  }

  // LibTorch's, in float32.
  torch::Tensor Expected(const torch::Tensor& x, const torch::Tensor& shortcut, bool training) {
    const torch::Tensor normalised =
        torch::batch_norm(x, theirs_->weight, theirs_->bias, theirs_->running_mean, theirs_->running_var, training,
                          /*momentum=*/0.1, /*eps=*/1e-5, /*cudnn_enabled=*/false);
    return (GetParam().has_shortcut ? normalised + shortcut : normalised).relu();
  }
  torch::Tensor Given(const torch::Tensor& x, const torch::Tensor& shortcut) {
    return GetParam().has_shortcut ? ours_->NormRelu(x, shortcut) : ours_->NormRelu(x);
  }

  BatchNorm1d ours_{GetParam().channels};
  BatchNorm1d theirs_{GetParam().channels};
  torch::Tensor x_, shortcut_;
};

TEST_P(BatchNormTest, GivesTheNumbersAndGradientsOfLibTorchInTheLayoutThatItGets) {
  {
    const torch::NoGradGuard no_grad;
    theirs_->weight.copy_(ours_->weight);
    theirs_->bias.copy_(ours_->bias);
  }
  const double tolerance = GetParam().tolerance;
  const torch::Tensor last = Leaf(ChannelsLast(x_)), last_shortcut = Leaf(ChannelsLast(shortcut_));
  const torch::Tensor usual = Leaf(x_.to(torch::kFloat32)), usual_shortcut = Leaf(shortcut_.to(torch::kFloat32));
  const torch::Tensor given = Given(last, last_shortcut);
  const torch::Tensor expected = Expected(usual, usual_shortcut, /*training=*/true);
  EXPECT_TRUE(IsChannelsLast(given));
  EXPECT_EQ(given.scalar_type(), GetParam().type);
  EXPECT_LT(Error(given, expected), tolerance);
  EXPECT_LT(Error(ours_->running_mean, theirs_->running_mean), 1e-6);
  EXPECT_LT(Error(ours_->running_var, theirs_->running_var), 1e-6);
  EXPECT_EQ(ours_->num_batches_tracked.item<int64_t>(), 1);

  const torch::Tensor factors = torch::randn(expected.sizes());
  (given * factors).sum().backward();
  (expected * factors).sum().backward();
  EXPECT_LT(Error(last.grad(), usual.grad()), 2 * tolerance);
  EXPECT_LT(Error(ours_->weight.grad(), theirs_->weight.grad()), tolerance);
  EXPECT_LT(Error(ours_->bias.grad(), theirs_->bias.grad()), tolerance);
  if (GetParam().has_shortcut) {
    EXPECT_LT(Error(last_shortcut.grad(), usual_shortcut.grad()), tolerance);
  }

  // Without a rectifier.
  const torch::Tensor plain = ours_(last.detach());
  EXPECT_TRUE(IsChannelsLast(plain));
  EXPECT_LT(
      Error(plain, torch::batch_norm(usual.detach(), theirs_->weight, theirs_->bias, {}, {}, true, 0, 1e-5, false)),
      tolerance);

  ours_->eval();
  const torch::NoGradGuard no_grad;
  theirs_->running_mean.copy_(ours_->running_mean);
  theirs_->running_var.copy_(ours_->running_var);
  EXPECT_LT(Error(Given(last, last_shortcut), Expected(usual, usual_shortcut, /*training=*/false)), tolerance);
}

TEST_P(BatchNormTest, DoesNotDependOnTheNumberOfThreads) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = ChannelsLast(x_), shortcut = ChannelsLast(shortcut_);
  const int threads = torch::get_num_threads();
  torch::set_num_threads(1);
  const torch::Tensor alone = Given(x, shortcut);
  torch::set_num_threads(3);
  EXPECT_TRUE(Given(x, shortcut).equal(alone));
  torch::set_num_threads(threads);
}

INSTANTIATE_TEST_SUITE_P(Norms, BatchNormTest,
                         testing::Values(Norm{"Float32", torch::kFloat32, 64, false, 5e-6},
                                         Norm{"Float32Shortcut", torch::kFloat32, 37, true, 5e-6},
                                         Norm{"BFloat16", torch::kBFloat16, 5, false, 5e-3},
                                         Norm{"BFloat16Shortcut", torch::kBFloat16, 64, true, 5e-3}),
                         [](const testing::TestParamInfo<Norm>& info) { return info.param.name; });

TEST(BatchNormTest, KeepsWhatIsNotANumber) {
  const torch::NoGradGuard no_grad;
  BatchNorm1d norm(4);
  norm->eval();
  torch::Tensor x = ChannelsLast(torch::zeros({1, 4, 3}));
  x.select(1, 2).fill_(std::numeric_limits<float>::quiet_NaN());
  const torch::Tensor is_not_a_number = norm->NormRelu(x).isnan();
  EXPECT_TRUE(is_not_a_number.select(1, 2).all().item<bool>());
  EXPECT_EQ(is_not_a_number.sum().item<int>(), 3);
}

}  // namespace
}  // namespace ecg

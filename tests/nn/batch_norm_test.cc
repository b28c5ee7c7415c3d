#include "ecg/nn/batch_norm.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "ecg/nn/channels_last.h"
#include "gtest/gtest.h"
#include "tests/nn/gradients.h"

namespace ecg {
namespace {

struct Norm {
  std::string name;
  torch::Dtype type;
  // Also numbers that are no multiple of a vector, and less than one vector.
  int channels;
  bool has_shortcut;
  // Rounding of the type, in sums of many values.
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
    theirs_->weight.copy_(ours_->weight);
    theirs_->bias.copy_(ours_->bias);
    // A mean that is large compared with the standard deviation.
    x_ = (torch::randn({8, GetParam().channels, 113}) * 3 + 20).to(GetParam().type);
    shortcut_ = torch::randn_like(x_);
  }

  // Signals and shortcut, if there is one.
  std::vector<torch::Tensor> Inputs(torch::Dtype type) const {
    std::vector<torch::Tensor> inputs = {x_.to(type)};
    if (GetParam().has_shortcut) inputs.push_back(shortcut_.to(type));
    return inputs;
  }
  std::vector<torch::Tensor> ChannelsLastInputs() const {
    std::vector<torch::Tensor> inputs = Inputs(GetParam().type);
    for (torch::Tensor& input : inputs) input = ChannelsLast(input);
    return inputs;
  }

  // LibTorch's, in float32.
  torch::Tensor Theirs(const std::vector<torch::Tensor>& inputs) {
    torch::Tensor y = torch::batch_norm(inputs[0], theirs_->weight, theirs_->bias, theirs_->running_mean,
                                        theirs_->running_var, ours_->is_training(), /*momentum=*/0.1, /*eps=*/1e-5,
                                        /*cudnn_enabled=*/false);
    if (inputs.size() > 1) y = y + inputs[1];
    return y.relu();
  }
  torch::Tensor Ours(const std::vector<torch::Tensor>& inputs) {
    return inputs.size() > 1 ? ours_->NormRelu(inputs[0], inputs[1]) : ours_->NormRelu(inputs[0]);
  }

  BatchNorm1d ours_{GetParam().channels};
  BatchNorm1d theirs_{GetParam().channels};
  torch::Tensor x_, shortcut_;
};

TEST_P(BatchNormTest, EqualsLibTorchsInTrainingInTheLayoutOfItsInput) {
  const double tolerance = GetParam().tolerance;
  const torch::Tensor grad_output = torch::randn(x_.sizes());
  const Differentiated actual = Differentiate([this](const auto& inputs) { return Ours(inputs); }, ChannelsLastInputs(),
                                              grad_output.to(GetParam().type));
  const Differentiated expected =
      Differentiate([this](const auto& inputs) { return Theirs(inputs); }, Inputs(torch::kFloat32),
                    grad_output.to(GetParam().type).to(torch::kFloat32));
  EXPECT_TRUE(IsChannelsLast(actual.output));
  EXPECT_EQ(actual.output.scalar_type(), GetParam().type);
  EXPECT_LT(Error(actual.output, expected.output), tolerance);
  EXPECT_LT(Error(ours_->running_mean, theirs_->running_mean), 1e-6);
  EXPECT_LT(Error(ours_->running_var, theirs_->running_var), 1e-6);
  EXPECT_EQ(ours_->num_batches_tracked.item<int64_t>(), 1);
  EXPECT_LT(Error(actual.gradients[0], expected.gradients[0]), 2 * tolerance);
  EXPECT_LT(Error(ours_->weight.grad(), theirs_->weight.grad()), tolerance);
  EXPECT_LT(Error(ours_->bias.grad(), theirs_->bias.grad()), tolerance);
  if (GetParam().has_shortcut) {
    EXPECT_LT(Error(actual.gradients[1], expected.gradients[1]), tolerance);
  }
}

TEST_P(BatchNormTest, EqualsLibTorchsWithoutRelu) {
  const torch::Tensor actual = ours_(ChannelsLast(x_));
  const torch::Tensor expected = torch::batch_norm(x_.to(torch::kFloat32), theirs_->weight, theirs_->bias, {}, {},
                                                   /*training=*/true, 0, 1e-5, /*cudnn_enabled=*/false);
  EXPECT_TRUE(IsChannelsLast(actual));
  EXPECT_LT(Error(actual, expected), GetParam().tolerance);
}

TEST_P(BatchNormTest, EqualsLibTorchsInEvaluation) {
  const torch::NoGradGuard no_grad;
  for (BatchNorm1d* norm : {&ours_, &theirs_}) {
    (*norm)->running_mean.copy_(torch::linspace(18, 22, GetParam().channels));
    (*norm)->running_var.copy_(torch::linspace(8, 10, GetParam().channels));
  }
  ours_->eval();
  EXPECT_LT(Error(Ours(ChannelsLastInputs()), Theirs(Inputs(torch::kFloat32))), GetParam().tolerance);
}

INSTANTIATE_TEST_SUITE_P(Norms, BatchNormTest,
                         testing::Values(Norm{"Float32", torch::kFloat32, 64, false, 5e-6},
                                         Norm{"Float32Shortcut", torch::kFloat32, 37, true, 5e-6},
                                         Norm{"BFloat16", torch::kBFloat16, 5, false, 5e-3},
                                         Norm{"BFloat16Shortcut", torch::kBFloat16, 64, true, 5e-3}),
                         [](const testing::TestParamInfo<Norm>& info) { return info.param.name; });

TEST(BatchNormTest, KeepsNaN) {
  const torch::NoGradGuard no_grad;
  BatchNorm1d norm(4);
  norm->eval();
  torch::Tensor x = ChannelsLast(torch::zeros({1, 4, 3}));
  x.select(1, 2).fill_(std::numeric_limits<float>::quiet_NaN());
  const torch::Tensor is_nan = norm->NormRelu(x).isnan();
  EXPECT_TRUE(is_nan.select(1, 2).all().item<bool>());
  EXPECT_EQ(is_nan.sum().item<int>(), 3);
}

TEST(BatchNormTest, MovesTheRunningStatisticsByTheMomentum) {
  BatchNorm1d norm(1, BatchNormOptions{.momentum = 0.01});
  norm(torch::full({2, 1, 4}, 5.0f));
  EXPECT_NEAR(norm->running_mean.item<double>(), 0.05, 1e-6);
}

}  // namespace
}  // namespace ecg

#include "ecg/nn/state_space.h"

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "ecg/device/autocast.h"
#include "ecg/device/device.h"
#include "ecg/model/weights.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/nn/gradients.h"

namespace ecg {
namespace {

constexpr int kChannels = 5, kState = 8;

torch::Tensor Named(const torch::nn::Module& module, const std::string& name) { return StateOf(module).at(name); }

// The complex numbers of a tensor of pairs, in float64.
torch::Tensor ComplexOf(const torch::Tensor& pairs) {
  return torch::view_as_complex(pairs.to(torch::kFloat64).contiguous());
}

TEST(HippoTest, HasThePublishedEigenvaluesAndInputs) {
  const Hippo hippo = HippoLegS(8);
  const auto near = [](const torch::Tensor& x, std::vector<double> expected) {
    return torch::allclose(torch::real(x), torch::tensor(expected, torch::kFloat64), 0, 1e-4);
  };
  EXPECT_TRUE(near(hippo.w, {-0.5, -0.5, -0.5, -0.5}));
  EXPECT_TRUE(near(torch::imag(hippo.w), {0.4275, 1.9578, 5.3542, 19.8574})) << hippo.w;
  EXPECT_TRUE(near(hippo.b, {0.7995, 1.1750, 1.8439, 5.1556})) << hippo.b;
}

// The responses A'^l B' of the N states of HiPPO-LegS itself, real [N, `samples`], for a time step `dt`.
torch::Tensor ResponsesOfLegS(double dt, int64_t samples) {
  torch::Tensor a = torch::zeros({kState, kState}, torch::kFloat64), b = torch::zeros({kState, 1}, torch::kFloat64);
  for (int n = 0; n < kState; ++n) {
    b[n][0] = std::sqrt(2 * n + 1);
    a[n][n] = -(n + 1);
    for (int k = 0; k < n; ++k) a[n][k] = -std::sqrt((2 * n + 1) * (2 * k + 1));
  }
  const torch::Tensor one = torch::eye(kState, torch::kFloat64);
  const torch::Tensor inverse = torch::linalg_inv(one - dt / 2 * a), step = inverse.matmul(one + dt / 2 * a);
  std::vector<torch::Tensor> states = {dt * inverse.matmul(b)};
  while (static_cast<int64_t>(states.size()) < samples) states.push_back(step.matmul(states.back()));
  return torch::cat(states, 1);
}

TEST(StateSpaceKernelTest, IsAResponseOfHippoLegS) {
  torch::manual_seed(1);
  StateSpaceKernel kernel(kChannels, {.causal = true, .kernel_samples = 100});
  kernel.to(torch::kFloat64);
  const torch::NoGradGuard no_grad;
  for (const int64_t samples : {30, 100, 170}) {
    const torch::Tensor later = kernel.forward(samples).slice(1, samples - 1);
    for (int channel = 0; channel < kChannels; ++channel) {
      // In any basis of the states, the kernel is a combination of their responses.
      const torch::Tensor responses =
          ResponsesOfLegS(std::exp(Named(kernel, "log_dt")[channel].item<double>()), samples).t();
      const torch::Tensor target = later[channel].unsqueeze(1);
      const torch::Tensor c = std::get<0>(torch::linalg_lstsq(responses, target));
      EXPECT_LT(Error(responses.matmul(c), target), 1e-5) << "channel " << channel;
    }
  }
}

TEST(StateSpaceKernelTest, OfDiagonalFormIsTheSumOverItsStates) {
  torch::manual_seed(2);
  StateSpaceKernel kernel(kChannels, {.matrix = StateMatrix::kDiagonal});
  constexpr int64_t kSamples = 60;
  const torch::NoGradGuard no_grad;
  const torch::Tensor actual = kernel.forward(kSamples);
  ASSERT_EQ(actual.sizes(), torch::IntArrayRef({kChannels, 2 * kSamples - 1}));
  // 2 Re sum C dt B / (1 - dt w / 2) ((1 + dt w / 2) / (1 - dt w / 2))^l
  const torch::Tensor dt = Named(kernel, "log_dt").to(torch::kFloat64).exp().unsqueeze(1);
  const torch::Tensor half = dt / 2 * ComplexOf(Named(kernel, "w"));
  const torch::Tensor input = dt * ComplexOf(Named(kernel, "B"))[0] / (1 - half);
  const auto at_lag = [&](int direction, int64_t lag) {
    const torch::Tensor c = ComplexOf(Named(kernel, "C"))[direction];
    return 2 * torch::real((c * input * ((1 + half) / (1 - half)).pow(lag)).sum(1));
  };
  for (const int64_t lag : {0, 1, 17, 59}) EXPECT_LT(Error(actual.select(1, kSamples - 1 + lag), at_lag(0, lag)), 1e-5);
  // The other direction begins at the next sample.
  for (const int64_t lag : {0, 1, 17, 58}) EXPECT_LT(Error(actual.select(1, kSamples - 2 - lag), at_lag(1, lag)), 1e-5);
}

class EveryMatrixTest : public testing::TestWithParam<StateMatrix> {};

TEST_P(EveryMatrixTest, HasTheSameKernelForSignalsOfEveryLength) {
  StateSpaceKernel kernel(kChannels, {.matrix = GetParam(), .kernel_samples = 50});
  const torch::NoGradGuard no_grad;
  const torch::Tensor longest = kernel.forward(120);
  for (const int64_t samples : {1, 49, 50, 51}) {
    EXPECT_LT(Error(kernel.forward(samples), longest.slice(1, 120 - samples, 119 + samples)), 1e-6);
  }
}

TEST_P(EveryMatrixTest, CausalLayersSeeEarlierSamplesOnly) {
  for (const bool causal : {true, false}) {
    StateSpace layer(kChannels, {.matrix = GetParam(), .causal = causal});
    const torch::NoGradGuard no_grad;
    torch::Tensor signals = torch::randn({1, 40, kChannels});
    const torch::Tensor before = layer.forward(signals);
    signals[0][25] += 10;
    const torch::Tensor change = (layer.forward(signals) - before).abs().amax({0, 2});
    EXPECT_EQ(change.slice(0, 0, 25).max().item<float>() < 1e-4, causal) << change;
    EXPECT_GT(change.slice(0, 25).min().item<float>(), 1e-3) << change;
  }
}

TEST_P(EveryMatrixTest, FollowsStateThatIsLoaded) {
  const StateSpaceOptions options = {.matrix = GetParam()};
  StateSpace ours(kChannels, options), theirs(kChannels, options);
  const torch::NoGradGuard no_grad;
  const torch::Tensor signals = torch::randn({2, 30, kChannels});
  const torch::Tensor expected = theirs.forward(signals);
  EXPECT_FALSE(ours.forward(signals).allclose(expected));
  ASSERT_TRUE(LoadState(StateOf(theirs), StateOf(ours)).ok());
  EXPECT_TRUE(ours.forward(signals).equal(expected));
}

TEST_P(EveryMatrixTest, TrainsAfterAnEvaluationInInferenceMode) {
  StateSpace layer(kChannels, {.matrix = GetParam()});
  const torch::Tensor signals = torch::randn({2, 30, kChannels});
  {
    const torch::InferenceMode inference;
    layer.forward(signals);
  }
  layer.forward(signals).sum().backward();
  for (const auto& item : layer.named_parameters()) {
    EXPECT_GT(item.value().grad().abs().max().item<float>(), 0) << item.key();
  }
  EXPECT_EQ(layer.named_parameters().size(), 2u) << "C and D";
}

TEST_P(EveryMatrixTest, IsOfFloat32PrecisionWithAutocast) {
  StateSpace layer(kChannels, {.matrix = GetParam()});
  const torch::NoGradGuard no_grad;
  const torch::Tensor signals = torch::randn({2, 30, kChannels}).to(torch::kBFloat16);
  const torch::Tensor expected = layer.forward(signals.to(torch::kFloat32));
  Device device;
  device.precision = spec::Runtime::BF16;
  const Autocast autocast(device);
  const torch::Tensor actual = layer.forward(signals);
  EXPECT_EQ(actual.scalar_type(), torch::kFloat32);
  EXPECT_LT(Error(actual, expected), 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Both, EveryMatrixTest,
                         testing::Values(StateMatrix::kNormalPlusLowRank, StateMatrix::kDiagonal));

}  // namespace
}  // namespace ecg

#include "ecg/train/optimizer.h"

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/optimizer.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ecg/model/undecayed.h"
#include "ecg/model/weights.h"
#include "ecg/train/adam.h"
#include "ecg/train/averaged_weights.h"
#include "ecg/train/lion.h"
#include "ecg/train/muon.h"
#include "ecg/train/sgd.h"
#include "ecg/train/update_rule.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// A weight, which decays, and a bias, which does not.
torch::nn::Linear MakeNetwork() {
  torch::manual_seed(1);
  return torch::nn::Linear(6, 3);
}

torch::Tensor Loss(torch::nn::Linear& network, int step) {
  torch::manual_seed(100 + step);
  return network(torch::randn({4, 6})).pow(3).sum();
}

// Takes five steps by `rule` and by LibTorch's own `theirs`, and expects the same weights.
void ExpectSameWeights(std::unique_ptr<AnyUpdateRule> rule, double learning_rate, torch::nn::Linear& network,
                       torch::optim::Optimizer& theirs) {
  torch::nn::Linear ours = MakeNetwork();
  Optimizer optimizer(*ours, std::move(rule), learning_rate);
  for (int step = 0; step < 5; ++step) {
    optimizer.ZeroGradients();
    Loss(ours, step).backward();
    optimizer.Step();
    theirs.zero_grad();
    Loss(network, step).backward();
    theirs.step();
  }
  EXPECT_EQ(optimizer.steps(), 5);
  EXPECT_TRUE(torch::allclose(ours->weight, network->weight, 1e-5, 1e-7));
  EXPECT_TRUE(torch::allclose(ours->bias, network->bias, 1e-5, 1e-7));
}

TEST(OptimizerTest, AdamIsLibTorchs) {
  torch::nn::Linear network = MakeNetwork();
  torch::optim::Adam theirs(network->parameters(), torch::optim::AdamOptions(0.01));
  ExpectSameWeights(UpdateRules::Erase(Adam()), 0.01, network, theirs);
}

TEST(OptimizerTest, AdamWIsLibTorchsAndLeavesBiasesUndecayed) {
  torch::nn::Linear network = MakeNetwork();
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(std::vector<torch::Tensor>{network->weight},
                      std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions(0.01).weight_decay(0.5)));
  groups.emplace_back(std::vector<torch::Tensor>{network->bias},
                      std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions(0.01).weight_decay(0)));
  torch::optim::AdamW theirs(groups, torch::optim::AdamWOptions(0.01));
  spec::AdamW spec;
  spec.set_weight_decay(0.5);
  ExpectSameWeights(UpdateRules::Erase(AdamW(spec)), 0.01, network, theirs);
}

TEST(OptimizerTest, SgdIsLibTorchs) {
  for (const bool nesterov : {false, true}) {
    torch::nn::Linear network = MakeNetwork();
    torch::optim::SGD theirs(network->parameters(), torch::optim::SGDOptions(0.001).momentum(0.9).nesterov(nesterov));
    spec::Sgd spec;
    spec.set_nesterov(nesterov);
    ExpectSameWeights(UpdateRules::Erase(Sgd(spec)), 0.001, network, theirs);
  }
}

// A weight and a bias in plain numbers, and the gradients of two steps.
constexpr double kWeights[] = {0.1, 0.2, -0.3, 0.4, -0.5, 0.6};
constexpr double kGradients[2][6] = {{1, -2, 0.5, 0.3, 0.1, -1}, {0.2, 0.4, -0.6, 1, 1, 0.5}};

// Takes the two steps by `rule`, from kWeights in the shape `shape`, and returns the weights, flat.
torch::Tensor AfterTwoSteps(std::unique_ptr<AnyUpdateRule> rule, double learning_rate, torch::IntArrayRef shape) {
  struct Network : torch::nn::Module {
    torch::Tensor weight;
  } network;
  const auto numbers = [&](const double* begin) {
    return torch::tensor(std::vector<double>(begin, begin + 6)).to(torch::kFloat32).view(shape);
  };
  network.weight = network.register_parameter("weight", numbers(kWeights));
  Optimizer optimizer(network, std::move(rule), learning_rate);
  for (const auto& gradient : kGradients) {
    network.weight.mutable_grad() = numbers(gradient);
    optimizer.Step();
  }
  return network.weight.detach().flatten();
}

void ExpectNear(const torch::Tensor& weights, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(weights.numel(), static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(weights[i].item<double>(), expected[i], tolerance) << i;
}

TEST(OptimizerTest, LionIsThePapersAlgorithm) {
  spec::Lion spec;
  spec.set_weight_decay(0.5);
  for (const bool decays : {true, false}) {
    std::vector<double> expected(kWeights, kWeights + 6), average(6);
    for (const auto& gradient : kGradients) {
      for (int i = 0; i < 6; ++i) {
        const double direction = 0.9 * average[i] + 0.1 * gradient[i];
        expected[i] -= 0.01 * ((direction > 0) - (direction < 0) + (decays ? 0.5 * expected[i] : 0));
        average[i] = 0.99 * average[i] + 0.01 * gradient[i];
      }
    }
    ExpectNear(AfterTwoSteps(UpdateRules::Erase(Lion(spec)), 0.01,
                             decays ? std::vector<int64_t>{2, 3} : std::vector<int64_t>{6}),
               expected, 1e-6);
  }
}

TEST(OptimizerTest, OrthogonaliseBringsSingularValuesNearOne) {
  // Computed with NumPy in float64.
  const torch::Tensor matrix = torch::tensor({{1.0f, 2.0f, 3.0f}, {4.0f, 5.0f, 6.0f}});
  const std::vector<double> expected = {-0.56829011, 0.05774194, 0.683774, 0.5633547, 0.40561283, 0.24787096};
  ExpectNear(Orthogonalise(matrix).flatten(), expected, 1e-5);
  ExpectNear(Orthogonalise(matrix.t()).t().flatten(), expected, 1e-5);
  torch::manual_seed(1);
  const torch::Tensor values = std::get<1>(torch::svd(Orthogonalise(torch::randn({40, 30}))));
  EXPECT_GT(values.min().item<double>(), 0.3);
  EXPECT_LT(values.max().item<double>(), 1.3);
}

TEST(OptimizerTest, MuonStepsByOrthogonalMatrices) {
  // Computed with NumPy in float64; PyTorch's torch.optim.Muon, which iterates in bfloat16, gives the same to 0.001.
  const std::vector<double> expected = {0.07079, 0.236492, -0.291854, 0.362795, -0.519652, 0.633335};
  ExpectNear(AfterTwoSteps(UpdateRules::Erase(Muon()), 0.1, {2, 3}), expected, 1e-5);
  ExpectNear(AfterTwoSteps(UpdateRules::Erase(Muon()), 0.1, {2, 1, 3}), expected, 1e-5);  // a convolution
}

TEST(OptimizerTest, MuonTrainsBiasesByAdam) {
  const torch::Tensor by_adam = AfterTwoSteps(UpdateRules::Erase(Adam()), 0.1, {6});
  EXPECT_TRUE(AfterTwoSteps(UpdateRules::Erase(Muon()), 0.1, {6}).equal(by_adam));
}

TEST(OptimizerTest, LeavesMarkedParametersUndecayed) {
  struct Marked : torch::nn::Module, Undecayed {
    Marked() : matrix(register_parameter("matrix", torch::ones({2, 2}))) {}
    std::vector<torch::Tensor> undecayed() const override { return {matrix}; }
    torch::Tensor matrix;
  };
  struct Network : torch::nn::Module {
    Network()
        : marked(register_module("marked", std::make_shared<Marked>())),
          plain(register_parameter("plain", torch::ones({2, 2}))) {}
    std::shared_ptr<Marked> marked;
    torch::Tensor plain;
  };
  const auto network = std::make_shared<Network>();
  spec::AdamW spec;
  spec.set_weight_decay(0.5);
  Optimizer optimizer(*network, UpdateRules::Erase(AdamW(spec)), 0.1);
  for (const torch::Tensor& parameter : network->parameters()) parameter.mutable_grad() = torch::zeros({2, 2});
  optimizer.Step();
  EXPECT_TRUE(network->marked->matrix.equal(torch::ones({2, 2})));
  EXPECT_TRUE(torch::allclose(network->plain, torch::full({2, 2}, 0.95f)));
}

TEST(OptimizerTest, TakesLearningRateAndMomentumFromTheSchedule) {
  torch::nn::Linear still = MakeNetwork();
  const torch::Tensor before = still->weight.detach().clone();
  Optimizer optimizer(*still, UpdateRules::Erase(Adam()), 0.01);
  optimizer.SetSchedule(0, std::nullopt);
  Loss(still, 0).backward();
  optimizer.Step();
  EXPECT_TRUE(still->weight.equal(before)) << "a learning rate of 0";

  torch::nn::Linear scheduled = MakeNetwork(), fixed = MakeNetwork();
  Optimizer by_schedule(*scheduled, UpdateRules::Erase(Adam()), 0.01);
  spec::Adam spec;
  spec.set_beta1(0.5);
  Optimizer by_spec(*fixed, UpdateRules::Erase(Adam(spec)), 0.005);
  for (int step = 0; step < 3; ++step) {
    by_schedule.SetSchedule(0.5, 0.5);
    for (auto& [network, optimizer] : {std::pair(&scheduled, &by_schedule), std::pair(&fixed, &by_spec)}) {
      optimizer->ZeroGradients();
      Loss(*network, step).backward();
      optimizer->Step();
    }
  }
  EXPECT_TRUE(scheduled->weight.equal(fixed->weight));
  EXPECT_EQ(by_schedule.learning_rate(), 0.005);
}

TEST(OptimizerTest, ClipsGradientsToANormOverAllOfThem) {
  torch::nn::Linear network = MakeNetwork();
  Optimizer optimizer(*network, UpdateRules::Erase(Sgd()), 0.01);
  const auto norm = [&] {
    return torch::stack({network->weight.grad().norm(), network->bias.grad().norm()}).norm().item<double>();
  };
  Loss(network, 0).backward();
  const double whole = norm();
  optimizer.ClipGradients(2 * whole);
  EXPECT_NEAR(norm(), whole, 1e-5 * whole) << "smaller gradients stay";
  optimizer.ClipGradients(whole / 4);
  EXPECT_NEAR(norm(), whole / 4, 1e-4 * whole);
}

TEST(AveragedWeightsTest, IsTheMovingAverageAndSwapsBackAndForth) {
  torch::nn::BatchNorm1d network(3);
  AveragedWeights average(*network);
  const torch::NoGradGuard no_grad;
  torch::Tensor expected = network->running_mean.clone();
  for (int step = 1; step <= 200; ++step) {
    network->running_mean.fill_(step);
    network->num_batches_tracked.fill_(step);
    average.Update(AveragedWeights::ShareOfStep(torch::tensor(static_cast<float>(step)), 0.9));
    const double decay = std::min(0.9, (1.0 + step) / (10.0 + step));
    expected = decay * expected + (1 - decay) * step;
  }
  EXPECT_TRUE(torch::allclose(average.state().at("running_mean"), expected, 1e-4));
  average.Swap();
  EXPECT_TRUE(torch::allclose(network->running_mean, expected, 1e-4)) << "batch norm's statistics are averaged too";
  EXPECT_EQ(network->num_batches_tracked.item<int64_t>(), 200);
  average.Swap();
  EXPECT_EQ(network->running_mean[0].item<float>(), 200);
}

// TwoNames has a weight that is saved under two names, as those of xResNet's blocks are.
struct TwoNames : torch::nn::Module {
  TwoNames() {
    weight = register_parameter("a", torch::zeros({2}));
    register_buffer("b", weight);
  }
  torch::Tensor weight;
};

TEST(AveragedWeightsTest, ATensorWithTwoNamesHasOneAverageAndIsSwappedOnce) {
  TwoNames network;
  AveragedWeights average(network);
  const torch::NoGradGuard no_grad;
  network.weight.fill_(1);
  average.Update(torch::tensor(0.25f));
  for (int time = 0; time < 3; ++time) {
    average.Swap();
    EXPECT_EQ(network.weight[0].item<float>(), 0.25f);
    average.Swap();
    EXPECT_EQ(network.weight[0].item<float>(), 1);
    EXPECT_EQ(average.state().at("a")[0].item<float>(), 0.25f);
    EXPECT_EQ(average.state().at("b")[0].item<float>(), 0.25f);
  }
}

TEST(AveragedWeightsTest, IsTheMeanOfEpochsThatAreTakenInBySharesOfTheirNumber) {
  torch::nn::Linear network(2, 1);
  AveragedWeights average(*network);
  const torch::NoGradGuard no_grad;
  for (int epoch = 1; epoch <= 4; ++epoch) {
    network->weight.fill_(epoch * epoch);
    average.Update(torch::tensor(1.0f / epoch));
  }
  EXPECT_TRUE(torch::allclose(average.state().at("weight"), torch::full({1, 2}, (1 + 4 + 9 + 16) / 4.0f)));
}

}  // namespace
}  // namespace ecg

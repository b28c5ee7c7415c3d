#include "ecg/train/optimizer.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ecg/model/weights.h"
#include "ecg/train/adam.h"
#include "ecg/train/averaged_weights.h"
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
  AveragedWeights average(*network, 0.9);
  const torch::NoGradGuard no_grad;
  torch::Tensor expected = network->running_mean.clone();
  for (int step = 1; step <= 200; ++step) {
    network->running_mean.fill_(step);
    network->num_batches_tracked.fill_(step);
    average.Update(torch::tensor(static_cast<float>(step)));
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

}  // namespace
}  // namespace ecg

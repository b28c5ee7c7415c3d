// Whether each part of one's own computes what its header says.

#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/schedule.h"
#include "ecg/train/update_rule.h"
#include "examples/own_parts/baseline_wander.h"
#include "examples/own_parts/brier_score.h"
#include "examples/own_parts/focal_loss.h"
#include "examples/own_parts/lion.h"
#include "examples/own_parts/median_logit.h"
#include "examples/own_parts/step_schedule.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace my {
namespace {

ecg::spec::Own Own(const std::string& values = "") {
  ecg::spec::Own own;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString("type: 'my::Part' " + values, &own));
  return own;
}

TEST(FocalLossTest, IsCrossEntropyForAGammaOf0AndWeighsItOtherwise) {
  const torch::Tensor logits = torch::randn({5, 3}), targets = torch::rand({5, 3}).gt(0.5).to(torch::kFloat32);
  const torch::Tensor plain = FocalLoss(Own("values { name: 'gamma' number: 0 }")).Loss(logits, targets);
  EXPECT_NEAR(plain.item<double>(), ecg::MultiLabel().Loss(logits, targets).item<double>(), 1e-4);
  // A positive of probability 0.9 with gamma 2: 0.01 * -log(0.9).
  const torch::Tensor one = torch::full({1, 1}, std::log(9.0f));
  EXPECT_NEAR(FocalLoss(Own()).Loss(one, torch::ones({1, 1})).item<double>(), -0.01 * std::log(0.9), 1e-6);
}

TEST(LionTest, StepsByTheSignOfTheAverage) {
  torch::nn::Linear network(2, 1);
  const torch::Tensor before = network->weight.detach().clone();
  ecg::Optimizer optimizer(*network, ecg::UpdateRules::Erase(Lion(Own())), /*learning_rate=*/0.1);
  (network->weight * torch::tensor({{3.0f, -0.2f}})).sum().backward();
  optimizer.Step();
  EXPECT_TRUE(torch::allclose(network->weight, before - torch::tensor({{0.1f, -0.1f}})));
  EXPECT_NEAR(optimizer.state().at("exp_avg.weight")[0][0].item<float>(), 0.03, 1e-6);
}

TEST(StepScheduleTest, FallsAfterSoManyEpochs) {
  const StepSchedule schedule(Own("values { name: 'every_epochs' number: 2 }"));
  const ecg::ScheduleSteps steps = {.in_epoch = 5, .total = 50};
  EXPECT_EQ(schedule.Factor(9, steps), 1);
  EXPECT_NEAR(schedule.Factor(10, steps), 0.1, 1e-12);
  EXPECT_NEAR(schedule.Factor(29, steps), 0.01, 1e-12);
}

TEST(BaselineWanderTest, AddsASlowSineToEachLead) {
  const BaselineWander wander(Own("values { name: 'most_mv' number: 0.2 }"),
                              {.sampling_frequency_hz = 100, .scaler = {.mean_mv = 0, .standard_deviation_mv = 0.5}});
  ecg::Batch batch = {torch::zeros({1, 12, 400}), {}, {}, {}};
  torch::Tensor uniform = torch::full({1, 14}, 0.75f);
  uniform[0][0] = 1.0f;  // 0.5 Hz
  uniform[0][1] = 0.0f;
  wander.Apply(uniform, batch);
  // Half of 0.2 mV, in standard deviations of 0.5 mV, at a quarter of a period of 2 s.
  EXPECT_NEAR(batch.signals[0][3][50].item<float>(), 0.2, 1e-5);
  EXPECT_NEAR(batch.signals[0][3][100].item<float>(), 0, 1e-5);
}

TEST(MedianLogitTest, IsTheMedianOfTheWindows) {
  const torch::Tensor windows = torch::tensor({{1.0f, 9.0f}, {2.0f, 8.0f}, {50.0f, 7.0f}});
  EXPECT_TRUE(MedianLogit(Own()).Aggregate(windows).equal(torch::tensor({2.0f, 8.0f})));
}

TEST(BrierScoreTest, IsTheMeanSquaredDifference) {
  const std::vector<std::string> classes = {"a", "b"};
  const std::vector<uint8_t> targets = {1, 0};
  const std::vector<float> probabilities = {0.5f, 0.25f};
  EXPECT_NEAR(BrierScore(Own()).Compute({classes, targets, probabilities}).value(), (0.25 + 0.0625) / 2, 1e-9);
}

}  // namespace
}  // namespace my

#include "ecg/train/schedule.h"

#include <cstddef>
#include <vector>

#include "ecg/train/plateau.h"
#include "ecg/train/step_decay.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

const ScheduleSteps kSteps = {.in_epoch = 10, .total = 100};

TEST(ScheduleTest, ConstantIsOneAndAsksForNoMomentum) {
  const auto constant = Schedules::Erase(Constant());
  EXPECT_EQ(constant->Factor(0, kSteps), 1);
  EXPECT_EQ(constant->Factor(99, kSteps), 1);
  EXPECT_FALSE(constant->Momentum(0, kSteps).has_value());
  EXPECT_FALSE(constant->depends_on_epochs());
}

// fastai 2.7's combined_cos(0.25, lr/25, lr, lr/1e5) and combined_cos(0.25, 0.95, 0.85, 0.95) at 0, 0.1, 0.25, 0.5,
// 0.99.
TEST(ScheduleTest, OneCycleIsFastais) {
  const auto cycle = Schedules::Erase(OneCycle());
  const std::vector<double> factors = {0.04, 0.37167184, 1.0, 0.7500025, 0.00044857};
  const std::vector<double> momenta = {0.95, 0.91545085, 0.85, 0.875, 0.94995614};
  int i = 0;
  for (const int step : {0, 10, 25, 50, 99}) {
    EXPECT_NEAR(cycle->Factor(step, kSteps), factors[i], 1e-7) << step;
    EXPECT_NEAR(*cycle->Momentum(step, kSteps), momenta[i++], 1e-7) << step;
  }
  EXPECT_TRUE(cycle->depends_on_epochs());
}

TEST(ScheduleTest, CosineWarmsUpAndFallsToItsShare) {
  spec::Cosine spec;
  spec.set_warmup_epochs(2);
  spec.set_end_share(0.1);
  const Cosine cosine(spec);
  EXPECT_NEAR(cosine.Factor(0, kSteps), 1 / 21.0, 1e-12);
  EXPECT_NEAR(cosine.Factor(19, kSteps), 20 / 21.0, 1e-12);
  EXPECT_NEAR(cosine.Factor(20, kSteps), 1, 1e-12);
  EXPECT_NEAR(cosine.Factor(60, kSteps), 0.55, 1e-12);
  EXPECT_NEAR(cosine.Factor(100, kSteps), 0.1, 1e-12);
}

TEST(ScheduleTest, StepDecayFallsAfterEverySoManyEpochs) {
  spec::StepDecay spec;
  spec.set_every_epochs(3);
  spec.set_factor(0.5);
  const StepDecay decay(spec);
  EXPECT_EQ(decay.Factor(29, kSteps), 1);
  EXPECT_EQ(decay.Factor(30, kSteps), 0.5);
  EXPECT_EQ(decay.Factor(60, kSteps), 0.25);
  EXPECT_FALSE(Schedules::Erase(decay)->depends_on_epochs());
}

// The factors that PyTorch's ReduceLROnPlateau(mode="max", factor=0.1, patience=1, threshold=0.01,
// threshold_mode="abs") gives after each of these scores.
TEST(ScheduleTest, PlateauReducesAsPyTorchsDoes) {
  spec::Plateau spec;
  spec.set_patience(1);
  spec.set_min_improvement(0.01);
  const std::vector<double> scores = {0.5, 0.6, 0.605, 0.6, 0.62, 0.61, 0.61, 0.61, 0.61, 0.7};
  const std::vector<double> factors = {1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001};
  ScheduleSteps steps = kSteps;
  EXPECT_EQ(Plateau(spec).Factor(0, steps), 1) << "before the first validation";
  for (size_t i = 0; i < scores.size(); ++i) {
    steps.validation_scores.push_back(scores[i]);
    EXPECT_NEAR(Plateau(spec).Factor(0, steps), factors[i], 1e-12) << i;
  }
  spec.set_end_share(0.05);
  EXPECT_EQ(Plateau(spec).Factor(0, steps), 0.05);
}

}  // namespace
}  // namespace ecg

#include "ecg/train/schedule.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

constexpr ScheduleSteps kSteps = {.in_epoch = 10, .total = 100};

TEST(ScheduleTest, ConstantIsOneAndAsksForNoMomentum) {
  const auto constant = Schedules::Erase(Constant());
  EXPECT_EQ(constant->Factor(0, kSteps), 1);
  EXPECT_EQ(constant->Factor(99, kSteps), 1);
  EXPECT_FALSE(constant->Momentum(0, kSteps).has_value());
  EXPECT_FALSE(constant->depends_on_epochs());
}

// fastai 2.7's combined_cos(0.25, lr/25, lr, lr/1e5) and combined_cos(0.25, 0.95, 0.85, 0.95) at 0, 0.1, 0.25, 0.5, 0.99.
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

}  // namespace
}  // namespace ecg

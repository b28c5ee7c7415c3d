#include "ecg/train/learning_rate_range.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/device/device.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/training_parts.h"
#include "ecg/spec/sampling.h"
#include "ecg/train/objective.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "tests/train/small_training.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

// A loss that falls fastest at 1e-3, is smallest at 1e-1, and diverges from there, on a logarithmic scale.
double SomeLoss(double learning_rate) {
  const double x = std::log10(learning_rate);
  return 10 - 5 / (1 + std::exp(-4 * (x + 3))) - 0.1 * x + (x > -1 ? 10 * (x + 1) * (x + 1) : 0);
}

TEST(LearningRateRangeTest, SmoothsTheLossAndStopsWhereItDiverges) {
  RangeTest test;
  test.decay = 0.5;
  test.diverged = 1.5;
  const std::vector<RangePoint> points = GatherPoints(test, SomeLoss);
  ASSERT_GT(points.size(), 50u);
  ASSERT_LT(points.size(), 100u);
  double average = 0, smallest = 1e9;
  for (size_t i = 0; i < points.size(); ++i) {
    EXPECT_NEAR(points[i].learning_rate, std::pow(10, -7 + 8.0 * i / 99), 1e-6 * points[i].learning_rate);
    EXPECT_EQ(points[i].loss, SomeLoss(points[i].learning_rate));
    average = 0.5 * average + 0.5 * points[i].loss;
    EXPECT_NEAR(points[i].smoothed_loss, average / (1 - std::pow(0.5, i + 1)), 1e-9);
    smallest = std::min(smallest, points[i].smoothed_loss);
    EXPECT_EQ(points[i].smoothed_loss > 1.5 * smallest, i + 1 == points.size());
  }
}

TEST(LearningRateRangeTest, SuggestsWhereTheLossFallsMostAndATenthOfItsMinimum) {
  RangeTest test;
  test.decay = 0;
  const absl::StatusOr<SuggestedRates> rates = SuggestRates(GatherPoints(test, SomeLoss));
  ASSERT_TRUE(rates.ok()) << rates.status();
  EXPECT_NEAR(std::log10(rates->steepest), -3, 0.1);
  EXPECT_NEAR(std::log10(rates->tenth_of_minimum), -2, 0.1);
  EXPECT_THAT(std::string(SuggestRates(GatherPoints(test, [](double) { return std::nan(""); })).status().message()),
              HasSubstr("the loss was not finite after 0 steps"));
}

TEST(LearningRateRangeTest, DrawsTheCurve) {
  RangeTest test;
  test.decay = 0;
  const std::string curve = RangeCurve(GatherPoints(test, SomeLoss));
  EXPECT_THAT(curve, HasSubstr("1.0e-07"));
  EXPECT_THAT(curve, HasSubstr("learning rate"));
  EXPECT_GT(std::count(curve.begin(), curve.end(), '*'), 50);
  EXPECT_EQ(RangeCurve({}).find('*'), std::string::npos);
}

class SmallRangeTest : public SmallTrainingTest {};

TEST_F(SmallRangeTest, FindsRatesAtWhichANetworkLearns) {
  Recipe recipe;
  AddBuiltInParts(recipe);
  const spec::Experiment spec = Spec(1);
  const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel());
  const auto points = [&] {
    TrainingParts parts =
        MakeTrainingParts(recipe, spec.training(), {kHz, train_->scaler}, Folder("learning_rate_range")).value();
    parts.objective = objective.get();
    return LearningRateRange(*MakeNetwork(), *train_, spec, CropSamples(spec.data(), kHz), std::move(parts), Device());
  };
  const absl::StatusOr<std::vector<RangePoint>> found = points();
  ASSERT_TRUE(found.ok()) << found.status();
  const absl::StatusOr<SuggestedRates> rates = SuggestRates(*found);
  ASSERT_TRUE(rates.ok()) << rates.status();
  EXPECT_GT(rates->steepest, 1e-5);
  EXPECT_LT(rates->steepest, 1);
  const auto again = points();
  ASSERT_EQ(again->size(), found->size());
  for (size_t i = 0; i < found->size(); ++i) EXPECT_EQ((*again)[i].loss, (*found)[i].loss) << "it is repeatable";
}

}  // namespace
}  // namespace ecg

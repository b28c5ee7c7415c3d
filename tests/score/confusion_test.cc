#include "ecg/score/confusion.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// Six records of three classes; the truth is 0 0 1 1 2 2 and the prediction 0 1 1 1 2 0.
ClassChoices Choices() {
  const std::vector<uint8_t> targets = {1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1};
  const std::vector<float> probabilities = {.6, .2, .2, .1, .8, .1, .1, .8, .1, .2, .5, .3, .1, .1, .8, .5, .1, .4};
  return ClassChoices::Create(targets, probabilities, 3).value();
}

TEST(ConfusionTest, CountsThePredictionsOfEachClass) {
  const Confusion confusion(Choices());
  EXPECT_EQ(confusion.count(0, 0), 1);
  EXPECT_EQ(confusion.count(0, 1), 1);
  EXPECT_EQ(confusion.count(1, 1), 2);
  EXPECT_EQ(confusion.count(2, 0), 1);
  EXPECT_DOUBLE_EQ(confusion.Accuracy(), 4.0 / 6);
}

TEST(ConfusionTest, AveragesF1OverTheClasses) {
  // sklearn.metrics.f1_score([0,0,1,1,2,2], [0,1,1,1,2,0], average=None) is 0.5, 0.8, 0.6667.
  const Confusion confusion(Choices());
  EXPECT_DOUBLE_EQ(*confusion.F1(0), 0.5);
  EXPECT_DOUBLE_EQ(*confusion.F1(1), 0.8);
  EXPECT_DOUBLE_EQ(*confusion.F1(2), 2.0 / 3);
  EXPECT_DOUBLE_EQ(confusion.MacroF1().mean, (0.5 + 0.8 + 2.0 / 3) / 3);
}

TEST(ConfusionTest, LeavesOutAClassThatNeitherIsNorWasPredicted) {
  const std::vector<uint8_t> targets = {1, 0, 0, 0, 1, 0};
  const std::vector<float> probabilities = {.6, .2, .2, .5, .4, .1};
  const Confusion confusion(ClassChoices::Create(targets, probabilities, 3).value());
  EXPECT_FALSE(confusion.F1(2).has_value());
  EXPECT_DOUBLE_EQ(confusion.MacroF1().mean, (2.0 / 3 + 0) / 2);
}

TEST(ConfusionTest, TakesTheFirstOfEqualPredictions) {
  const std::vector<uint8_t> targets = {0, 1};
  const std::vector<float> probabilities = {.5, .5};
  EXPECT_EQ(ClassChoices::Create(targets, probabilities, 2)->predicted, std::vector<int>({0}));
}

TEST(ConfusionTest, RefusesRecordsWithNoneOrTwoClassesAndPredictionsThatAreNoNumbers) {
  const std::vector<float> probabilities = {.5, .5};
  EXPECT_EQ(ClassChoices::Create(std::vector<uint8_t>{1, 1}, probabilities, 2).status().message(),
            "record 0 does not have exactly one class; in a multi-class task each must");
  EXPECT_FALSE(ClassChoices::Create(std::vector<uint8_t>{0, 0}, probabilities, 2).ok());
  EXPECT_FALSE(ClassChoices::Create(std::vector<uint8_t>{1, 0, 0}, probabilities, 2).ok());
  EXPECT_FALSE(ClassChoices::Create(std::vector<uint8_t>{1, 0}, std::vector<float>{NAN, 1}, 2).ok());
}

TEST(ConfusionTest, SpreadsTheScoreOverResamplesThatKeepEveryClass) {
  ClassChoices choices = Choices();
  for (int copy = 0; copy < 4; ++copy) {
    const ClassChoices more = Choices();
    choices.truth.insert(choices.truth.end(), more.truth.begin(), more.truth.end());
    choices.predicted.insert(choices.predicted.end(), more.predicted.begin(), more.predicted.end());
  }
  const BootstrapInterval interval = BootstrapMacroF1(choices, {.resamples = 200, .seed = 3}).value();
  EXPECT_EQ(interval.incomplete_resamples, 0);
  EXPECT_LT(interval.low, interval.mean);
  EXPECT_GT(interval.high, interval.mean);
  EXPECT_NEAR(interval.mean, Confusion(choices).MacroF1().mean, 0.05);
  const BootstrapInterval again = BootstrapMacroF1(choices, {.resamples = 200, .seed = 3}).value();
  EXPECT_EQ(interval.mean, again.mean);
}

}  // namespace
}  // namespace ecg

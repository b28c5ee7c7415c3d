#include "ecg/score/calibration.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "ecg/score/ranked_predictions.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

RankedClass OneClass(const std::vector<uint8_t>& targets, const std::vector<double>& predictions) {
  return RankedPredictions::Create(targets, predictions, std::vector<std::string>{"NORM"}).value().classes()[0];
}

// Records that carry the class as often as `probability` of their logit divided by `temperature` says, each logit
// `repeats` times.
struct Sample {
  std::vector<uint8_t> targets;
  std::vector<float> probabilities;
};
Sample SampleOf(double temperature, int repeats) {
  Sample sample;
  for (double logit = -6; logit <= 6; logit += 0.5) {
    const auto positives = static_cast<int>(std::lround(repeats / (1 + std::exp(-logit / temperature))));
    for (int i = 0; i < repeats; ++i) {
      sample.targets.push_back(i < positives);
      sample.probabilities.push_back(static_cast<float>(1 / (1 + std::exp(-logit))));
    }
  }
  return sample;
}

TEST(FitTemperatureTest, FindsTheTemperatureThatTheRecordsWereDrawnWith) {
  for (const double temperature : {0.5, 1.0, 3.0}) {
    const Sample sample = SampleOf(temperature, 2000);
    EXPECT_NEAR(FitTemperature(sample.targets, sample.probabilities), temperature, 0.01 * temperature);
  }
}

TEST(FitTemperatureTest, StaysModestWhereASinglePositiveIsRankedFirst) {
  std::vector<uint8_t> targets(100, 0);
  std::vector<float> probabilities(100, 0.01f);
  targets[0] = 1, probabilities[0] = 0.6f;
  const double temperature = FitTemperature(targets, probabilities);
  EXPECT_GT(temperature, 0.5);
  EXPECT_LT(temperature, 2);
}

TEST(FitTemperatureTest, IsOneWithoutAPositiveOrANegative) {
  EXPECT_EQ(FitTemperature(std::vector<uint8_t>{0, 0}, std::vector<float>{0.1f, 0.9f}), 1);
  EXPECT_EQ(FitTemperature(std::vector<uint8_t>{1, 1}, std::vector<float>{0.1f, 0.9f}), 1);
}

TEST(FitTemperatureTest, TakesProbabilitiesOfZeroAndOne) {
  const double temperature =
      FitTemperature(std::vector<uint8_t>{1, 0, 1, 0}, std::vector<float>{1.0f, 0.0f, 0.0f, 1.0f});
  EXPECT_TRUE(std::isfinite(temperature));
  EXPECT_GT(temperature, 1);
}

TEST(CalibratedTest, DividesTheLogit) {
  EXPECT_DOUBLE_EQ(Calibrated(0.5, 3), 0.5);
  EXPECT_NEAR(Calibrated(0.9, 2), 1 / (1 + std::exp(-std::log(9.0) / 2)), 1e-15);
  EXPECT_NEAR(Calibrated(0.9, 1), 0.9, 1e-15);
}

TEST(ThresholdOfGreatestF1Test, LiesBetweenThePredictionsItSeparates) {
  EXPECT_DOUBLE_EQ(ThresholdOfGreatestF1(OneClass({1, 1, 0, 0}, {0.9, 0.8, 0.4, 0.1})).value(), 0.6);
}

TEST(ThresholdOfGreatestF1Test, KeepsRecordsOfEqualPredictionTogether) {
  // Above 0.5 there is one positive, F1 2/3; at 0.5 and above both positives and one negative, F1 0.8.
  EXPECT_DOUBLE_EQ(ThresholdOfGreatestF1(OneClass({1, 1, 0, 0}, {0.9, 0.5, 0.5, 0.1})).value(), 0.3);
}

TEST(ThresholdOfGreatestF1Test, IsTheLeastPredictionWhereEveryRecordIsReported) {
  EXPECT_DOUBLE_EQ(ThresholdOfGreatestF1(OneClass({0, 1}, {0.7, 0.2})).value(), 0.2);
}

TEST(ThresholdOfGreatestF1Test, IsNothingWithoutAPositiveOrANegative) {
  EXPECT_FALSE(ThresholdOfGreatestF1(OneClass({0, 0}, {0.7, 0.2})).has_value());
  EXPECT_FALSE(ThresholdOfGreatestF1(OneClass({1, 1}, {0.7, 0.2})).has_value());
}

TEST(CalibrateTest, ChoosesForEachClassByItself) {
  const std::vector<std::string> classes = {"NORM", "AFIB", "WPW"};
  const std::vector<uint8_t> targets = {1, 0, 0, 0, 1, 0, 1, 0, 0};
  const std::vector<float> probabilities = {0.9f, 0.2f, 0.1f, 0.3f, 0.6f, 0.2f, 0.7f, 0.4f, 0.3f};
  const ClassCalibration calibration = Calibrate({classes, targets, probabilities}).value();
  ASSERT_EQ(calibration.temperatures.size(), 3);
  EXPECT_NEAR(calibration.thresholds[0], 0.5, 1e-6);
  EXPECT_NEAR(calibration.thresholds[1], 0.5, 1e-6);
  EXPECT_TRUE(std::isnan(calibration.thresholds[2]));
  EXPECT_EQ(calibration.temperatures[2], 1);
}

}  // namespace
}  // namespace ecg

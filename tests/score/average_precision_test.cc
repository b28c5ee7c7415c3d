#include "ecg/score/average_precision.h"

#include <cstdint>
#include <string>
#include <vector>

#include "ecg/score/ranked_predictions.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

std::optional<double> Of(const std::vector<uint8_t>& targets, const std::vector<double>& predictions) {
  return AveragePrecision(
      RankedPredictions::Create(targets, predictions, std::vector<std::string>{"NORM"}).value().classes()[0]);
}

TEST(AveragePrecisionTest, WeightsThePrecisionAtEachThresholdByTheRecallItAdds) {
  // Ranks 1, 0, 1, 0: precision 1 at recall 1/2, 2/3 at recall 1.
  EXPECT_DOUBLE_EQ(Of({1, 0, 1, 0}, {0.9, 0.8, 0.7, 0.6}).value(), 0.5 * 1 + 0.5 * 2 / 3);
  EXPECT_DOUBLE_EQ(Of({1, 1, 0, 0}, {0.9, 0.8, 0.7, 0.6}).value(), 1);
}

TEST(AveragePrecisionTest, GivesEqualPredictionsOneThreshold) {
  // The order within the tie must not matter.
  EXPECT_DOUBLE_EQ(Of({1, 0, 1, 0}, {0.9, 0.7, 0.7, 0.6}).value(), 0.5 * 1 + 0.5 * 2 / 3);
  EXPECT_DOUBLE_EQ(Of({1, 1, 0, 0}, {0.9, 0.7, 0.7, 0.6}).value(), 0.5 * 1 + 0.5 * 2 / 3);
  EXPECT_DOUBLE_EQ(Of({1, 0, 0, 0}, {0.5, 0.5, 0.5, 0.5}).value(), 0.25);
}

TEST(AveragePrecisionTest, IsNotDefinedWithoutAPositiveAndANegative) {
  EXPECT_FALSE(Of({0, 0}, {0.1, 0.2}).has_value());
  EXPECT_FALSE(Of({1, 1}, {0.1, 0.2}).has_value());
}

}  // namespace
}  // namespace ecg

#include "ecg/score/reliability.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(ReliabilityTest, MatchesFiguresByHand) {
  // Bins of 0.1: 0.2 and 0.25 share one, 0.9 is alone, 1 is in the last.
  const std::vector<uint8_t> targets = {1, 0, 1, 1};
  const std::vector<float> probabilities = {0.2f, 0.25f, 0.85f, 1.0f};
  const Reliability reliability = ReliabilityOf(targets, probabilities);
  ASSERT_EQ(reliability.bins.size(), 10);
  EXPECT_EQ(reliability.bins[2].predictions, 2);
  EXPECT_NEAR(reliability.bins[2].probability(), 0.225, 1e-7);
  EXPECT_EQ(reliability.bins[2].frequency(), 0.5);
  EXPECT_EQ(reliability.bins[9].positives, 1);
  EXPECT_NEAR(reliability.expected_calibration_error, 0.5 * 0.275 + 0.25 * 0.15 + 0.25 * 0, 1e-7);
  EXPECT_NEAR(reliability.brier_score, (0.64 + 0.0625 + 0.0225 + 0) / 4, 1e-7);
}

TEST(ReliabilityTest, LeavesOutWhatIsNotANumber) {
  const std::vector<uint8_t> targets = {1, 0};
  const std::vector<float> probabilities = {std::nanf(""), 0.0f};
  const Reliability reliability = ReliabilityOf(targets, probabilities);
  EXPECT_EQ(reliability.predictions, 1);
  EXPECT_EQ(reliability.brier_score, 0);
  EXPECT_EQ(ReliabilityOf({}, {}).predictions, 0);
}

}  // namespace
}  // namespace ecg

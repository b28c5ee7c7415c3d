#include "ecg/score/f1_score.h"

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

TEST(F1ScoreTest, IsTheHarmonicMeanOfPrecisionAndRecall) {
  // 3 of 4 predicted are right, 3 of 6 are found.
  EXPECT_DOUBLE_EQ(F1Score(3, 1, 6), 2 * 0.75 * 0.5 / (0.75 + 0.5));
  EXPECT_EQ(F1Score(0, 0, 6), 0);
  EXPECT_EQ(F1Score(0, 5, 6), 0);
}

TEST(F1AtThresholdTest, PredictsTheClassAtTheThresholdAndAbove) {
  const RankedClass one = OneClass({1, 1, 0, 0}, {0.9, 0.5, 0.5, 0.1});
  EXPECT_DOUBLE_EQ(F1AtThreshold(one, 0.6).value(), F1Score(1, 0, 2));
  EXPECT_DOUBLE_EQ(F1AtThreshold(one, 0.5).value(), F1Score(2, 1, 2));
  EXPECT_EQ(F1AtThreshold(one, 0.95).value(), 0);
}

TEST(F1AtYoudenTest, LeavesOutTheRecordsAtTheThresholdAsTheReferenceDoes) {
  // The index is greatest, 1, at threshold 0.7; only 0.9 and 0.8 are above it.
  EXPECT_DOUBLE_EQ(F1AtYouden(OneClass({1, 1, 1, 0, 0}, {0.9, 0.8, 0.7, 0.4, 0.1})).value(), F1Score(2, 0, 3));
}

TEST(F1AtYoudenTest, IsZeroWhereNoThresholdIsBetterThanNone) {
  EXPECT_EQ(F1AtYouden(OneClass({1, 0, 1, 0}, {0.5, 0.5, 0.5, 0.5})).value(), 0);
  EXPECT_EQ(F1AtYouden(OneClass({0, 0, 1, 1}, {0.9, 0.8, 0.7, 0.6})).value(), 0);
}

TEST(F1AtYoudenTest, TakesTheFirstOfSeveralMaxima) {
  // The index is 1/2 at 0.9 and again at 0.7. Nothing lies above 0.9; above 0.7 F1 would be 1/2.
  EXPECT_EQ(F1AtYouden(OneClass({1, 0, 1, 0}, {0.9, 0.8, 0.7, 0.6})).value(), 0);
}

TEST(F1AtYoudenTest, IsNotDefinedWithoutAPositiveAndANegative) {
  EXPECT_FALSE(F1AtYouden(OneClass({0, 0}, {0.1, 0.2})).has_value());
  EXPECT_FALSE(F1AtYouden(OneClass({1, 1}, {0.1, 0.2})).has_value());
  EXPECT_FALSE(F1AtThreshold(OneClass({1, 1}, {0.1, 0.2}), 0.5).has_value());
}

}  // namespace
}  // namespace ecg

#include "ecg/score/curves.h"

#include <cstdint>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/roc_auc.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

RankedPredictions OneClass(const std::vector<uint8_t>& targets, const std::vector<double>& predictions) {
  return RankedPredictions::Create(targets, predictions, std::vector<std::string>{"A"}).value();
}

TEST(CurvesTest, HavePointsWhereTheRocCurveTurns) {
  const auto ranked = OneClass({1, 1, 0, 0, 1, 0}, {0.9, 0.8, 0.7, 0.6, 0.5, 0.4});
  const std::vector<CurvePoint> curve = CurveOf(ranked.classes()[0], 100);
  ASSERT_EQ(curve.size(), 4) << "up twice, right twice, up, right";
  EXPECT_EQ(curve[0].threshold, 0.8);
  EXPECT_DOUBLE_EQ(curve[0].sensitivity, 2.0 / 3);
  EXPECT_EQ(curve[0].precision, 1);
  EXPECT_DOUBLE_EQ(curve[1].false_positive_rate, 2.0 / 3);
  EXPECT_DOUBLE_EQ(curve[1].precision, 0.5);
  EXPECT_EQ(curve[3].sensitivity, 1);
  EXPECT_EQ(curve[3].false_positive_rate, 1);
}

TEST(CurvesTest, EncloseTheRocAuc) {
  Random random({3});
  std::vector<uint8_t> targets;
  std::vector<double> predictions;
  for (int i = 0; i < 300; ++i) {
    targets.push_back(random.Below(4) == 0);
    predictions.push_back((random.Below(40) + 10.0 * targets.back()) / 50);  // with ties
  }
  const auto ranked = OneClass(targets, predictions);
  double area = 0, x = 0, y = 0;
  for (const CurvePoint& point : CurveOf(ranked.classes()[0], 1000)) {
    area += (point.false_positive_rate - x) * (point.sensitivity + y) / 2;
    x = point.false_positive_rate;
    y = point.sensitivity;
  }
  EXPECT_NEAR(area, *RocAuc(ranked.classes()[0]), 1e-12);
}

TEST(CurvesTest, AreThinnedToAsManyPointsAsWantedWithTheirEnds) {
  std::vector<uint8_t> targets;
  std::vector<double> predictions;
  for (int i = 0; i < 500; ++i) {
    targets.push_back(i % 2);
    predictions.push_back(1 - i / 500.0);
  }
  const auto ranked = OneClass(targets, predictions);
  const std::vector<CurvePoint> curve = CurveOf(ranked.classes()[0], 20);
  ASSERT_EQ(curve.size(), 20);
  EXPECT_EQ(curve.front().threshold, 1);
  EXPECT_EQ(curve.back().sensitivity, 1);
}

TEST(CurvesTest, AreEmptyWithoutAPositiveOrANegative) {
  EXPECT_TRUE(CurveOf(OneClass({0, 0}, {0.1, 0.2}).classes()[0], 10).empty());
  EXPECT_TRUE(CurveOf(OneClass({1, 1}, {0.1, 0.2}).classes()[0], 10).empty());
}

}  // namespace
}  // namespace ecg

#include "ecg/score/quantile.h"

#include <vector>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(QuantileTest, IsLinearBetweenTheNearestValuesWhateverTheirOrder) {
  const std::vector<double> values = {4, 1, 3, 2};
  EXPECT_DOUBLE_EQ(Quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.05), 1.15);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.95), 3.85);
  EXPECT_DOUBLE_EQ(Quantile(values, 1), 4);
  EXPECT_DOUBLE_EQ(Quantile({7}, 0.3), 7);
}

}  // namespace
}  // namespace ecg

#include "ecg/sweep/parzen.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "ecg/random/random.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::Pointwise;

// The numbers were computed with Python's statistics.NormalDist.
TEST(ParzenEstimatorTest, HasTheDensityOfAMixtureWithTheUniformPrior) {
  const ParzenEstimator estimator(0, 1, {0.25, 0.2});
  EXPECT_THAT(estimator.deviations(), ElementsAre(0.25, 0.75));
  EXPECT_NEAR(estimator.Density(0), 1.179267056, 1e-9);
  EXPECT_NEAR(estimator.Density(0.2), 1.383722381, 1e-9);
  EXPECT_NEAR(estimator.Density(0.9), 0.604826803, 1e-9);
  EXPECT_NEAR(estimator.Density(1), 0.565261114, 1e-9);
  EXPECT_NEAR(estimator.Mass(0.1, 0.3), 0.273006095, 1e-9);
  EXPECT_NEAR(estimator.Mass(0, 1), 1, 1e-12);
}

TEST(ParzenEstimatorTest, TakesPointsThatAreEqualOrAtTheEnds) {
  const ParzenEstimator estimator(-3, 5, {-3, 1, 1, 1.01, 5});
  EXPECT_THAT(estimator.deviations(),
              Pointwise(testing::DoubleNear(1e-12), std::vector<double>{4, 4, 8.0 / 7, 3.99, 3.99}));
  EXPECT_NEAR(estimator.Density(1), 0.169993478, 1e-9);
}

TEST(ParzenEstimatorTest, IsUniformWithoutPoints) {
  const ParzenEstimator estimator(2, 6, {});
  EXPECT_DOUBLE_EQ(estimator.Density(3), 0.25);
  EXPECT_DOUBLE_EQ(estimator.Mass(3, 4), 0.25);
}

TEST(ParzenEstimatorTest, DrawsWithItsDensity) {
  const ParzenEstimator estimator(0, 1, {0.05, 0.1, 0.9});
  Random random({1});
  std::vector<double> draws(20000);
  for (double& draw : draws) draw = estimator.Draw(random);
  std::ranges::sort(draws);
  ASSERT_GE(draws.front(), 0);
  ASSERT_LE(draws.back(), 1);
  // Kolmogorov and Smirnov's distance, which is above 1.95 / sqrt(n) once in a thousand times.
  double distance = 0;
  for (size_t i = 0; i < draws.size(); ++i) {
    distance = std::max(distance, std::abs(estimator.Mass(0, draws[i]) - (i + 0.5) / draws.size()));
  }
  EXPECT_LT(distance, 0.0138);
}

}  // namespace
}  // namespace ecg

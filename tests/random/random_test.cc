#include "ecg/random/random.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(RandomTest, GivesTheSameNumbersForTheSameKeyOnly) {
  EXPECT_EQ(Random({1, 2, 3})(), Random({1, 2, 3})());
  EXPECT_NE(Random({1, 2, 3})(), Random({1, 3, 2})());
  EXPECT_NE(Random({1, 2, 3})(), Random({1, 2, 4})());
  EXPECT_NE(Random({1, 2})(), Random({1, 2, 0})());
}

TEST(RandomTest, EqualsSplitMix64) {
  // The first outputs of the published generator from state 0.
  EXPECT_EQ(MixBits(0x9E3779B97F4A7C15), 0xE220A8397B1DCDAFu);
  EXPECT_EQ(MixBits(2 * 0x9E3779B97F4A7C15), 0x6E789E6AA1B965F4u);
}

TEST(RandomTest, DrawsEachNumberBelowABoundEquallyOften) {
  std::vector<int> counts(7);
  Random random({42});
  for (int i = 0; i < 70000; ++i) ++counts[random.Below(7)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);  // four standard deviations
}

TEST(RandomTest, NeighbouringKeysAreIndependent) {
  double sum = 0;
  for (uint64_t record = 0; record < 10000; ++record) sum += Random({1, 1, record}).Uniform();
  EXPECT_NEAR(sum / 10000, 0.5, 0.012);  // four standard deviations
}

}  // namespace
}  // namespace ecg

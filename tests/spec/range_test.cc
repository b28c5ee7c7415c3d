#include "ecg/spec/range.h"

#include <limits>

#include "gtest/gtest.h"
#include "proto/options.pb.h"

namespace ecg {
namespace {

TEST(RangeTest, AcceptsItsBoundsOnlyWhereTheyBelongToIt) {
  spec::Range closed, open;
  closed.set_min(1);
  closed.set_max(5);
  open.set_above(1);
  open.set_below(5);
  EXPECT_TRUE(InRange(closed, 1) && InRange(closed, 5));
  EXPECT_FALSE(InRange(closed, 0.999) || InRange(closed, 5.001));
  EXPECT_TRUE(InRange(open, 1.001) && InRange(open, 4.999));
  EXPECT_FALSE(InRange(open, 1) || InRange(open, 5));
}

TEST(RangeTest, CanTakeOddNumbersOnly) {
  spec::Range odd;
  odd.set_odd(true);
  EXPECT_TRUE(InRange(odd, 5) && InRange(odd, -1));
  EXPECT_FALSE(InRange(odd, 4) || InRange(odd, 0) || InRange(odd, 2.5));
}

TEST(RangeTest, AcceptsZeroWhereItHasAName) {
  spec::Range range;
  range.set_min(2);
  range.set_zero("AUTO");
  EXPECT_TRUE(InRange(range, 0) && InRange(range, 2));
  EXPECT_FALSE(InRange(range, 1));
  EXPECT_EQ(RangeInWords(range), "at least 2, or AUTO");
}

TEST(RangeTest, WithoutBoundsAcceptsEveryNumberButNotWhatIsNone) {
  EXPECT_TRUE(InRange(spec::Range(), -1e300));
  EXPECT_FALSE(InRange(spec::Range(), std::numeric_limits<double>::quiet_NaN()));
}

TEST(RangeTest, IsSaidInWords) {
  spec::Range range;
  EXPECT_EQ(RangeInWords(range), "");
  range.set_above(0);
  EXPECT_EQ(RangeInWords(range), "above 0");
  range.set_max(100000);
  EXPECT_EQ(RangeInWords(range), "above 0 and at most 100000");
  range.set_odd(true);
  EXPECT_EQ(RangeInWords(range), "above 0 and at most 100000 and odd");
}

TEST(RangeTest, WritesNumbersWithTheFewestDigits) {
  EXPECT_EQ(NumberInWords(1000000), "1000000");
  EXPECT_EQ(NumberInWords(-2), "-2");
  EXPECT_EQ(NumberInWords(0), "0");
  EXPECT_EQ(NumberInWords(0.1), "0.1");
  EXPECT_EQ(NumberInWords(0.0001), "0.0001");
  EXPECT_EQ(NumberInWords(2.5000001), "2.5000001");
  EXPECT_EQ(NumberInWords(1e-8), "1e-08");
  EXPECT_EQ(NumberInWords(1e300), "1e+300");
}

}  // namespace
}  // namespace ecg

#include "ecg/batch/window.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(WindowTest, CoversTenSecondsWithEightWindowsOfWhichTheLastIsHalfPadding) {
  const std::vector<int> starts = WindowStarts(5000, 1250, 625);
  EXPECT_THAT(starts, SizeIs(8));
  EXPECT_EQ(starts.front(), 0);
  EXPECT_EQ(starts.back(), 4375);
}

TEST(WindowTest, PadsToTheNextWholeStride) { EXPECT_THAT(WindowStarts(9, 4, 2), ElementsAre(0, 2, 4, 6)); }

TEST(WindowTest, HasNoWindowOfPaddingOnly) {
  EXPECT_THAT(WindowStarts(1000, 250, 250), ElementsAre(0, 250, 500, 750));
  EXPECT_THAT(WindowStarts(1000, 250, 500), ElementsAre(0, 500));
  EXPECT_THAT(WindowStarts(1100, 250, 250), ElementsAre(0, 250, 500, 750, 1000));
}

TEST(WindowTest, GivesARecordShorterThanAWindowOne) { EXPECT_THAT(WindowStarts(3, 10, 5), ElementsAre(0)); }

TEST(WindowTest, SeesEverySampleOfARecord) {
  for (const auto& [length, stride] : {std::pair{4, 2}, {4, 4}, {4, 3}, {5, 3}, {7, 6}, {9, 1}}) {
    for (int samples = 10; samples < 60; ++samples) {
      const std::vector<int> starts = WindowStarts(samples, length, stride);
      EXPECT_GE(starts.back() + length, samples) << length << " every " << stride << " of " << samples;
      EXPECT_LT(starts.back(), samples) << length << " every " << stride << " of " << samples;
    }
  }
}

TEST(WindowTest, StartsCropsEverywhereInTheRecordEquallyOften) {
  std::vector<int> counts(10);
  for (int record = 0; record < 10000; ++record) ++counts[CropStart(/*seed=*/1, /*epoch=*/1, record, 14, 4)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 130);
}

TEST(WindowTest, TakesAnotherCropInEachEpochAndForEachSeed) {
  const int start = CropStart(1, 1, 7, 5000, 1250);
  EXPECT_EQ(CropStart(1, 1, 7, 5000, 1250), start);
  EXPECT_NE(CropStart(1, 2, 7, 5000, 1250), start);
  EXPECT_NE(CropStart(2, 1, 7, 5000, 1250), start);
}

TEST(WindowTest, StartsTheCropOfAShortRecordAtItsBeginning) { EXPECT_EQ(CropStart(1, 1, 0, 1250, 1250), 0); }

TEST(WindowTest, ShufflesAllRowsAnewInEachEpoch) {
  std::vector<int> rows(100);
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<int> first = ShuffledRows(1, 1, rows), second = ShuffledRows(1, 2, rows);
  EXPECT_NE(first, rows);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, ShuffledRows(1, 1, rows));
  std::ranges::sort(first);
  EXPECT_EQ(first, rows);
}

}  // namespace
}  // namespace ecg

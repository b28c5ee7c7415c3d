#include "ecg/score/resampler.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/score/ranked_predictions.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

RankedPredictions Ranked(const std::vector<uint8_t>& targets, size_t classes) {
  return RankedPredictions::Create(targets, std::vector<double>(targets.size()),
                                   std::vector<std::string>(classes, "class"))
      .value();
}

TEST(ResamplerTest, DrawsEachResampleAsOftenAsRedrawingUntilEveryClassIsThereWould) {
  // Five records and three classes: one that only record 0 carries, one that records 1 and 2 carry, one that all but
  // record 4 carry. All 3,125 draws are enumerated, and those in which every class has a positive and a negative kept.
  constexpr size_t kRecords = 5, kClasses = 3;
  const std::vector<uint8_t> targets = {1, 0, 1,  //
                                        0, 1, 1,  //
                                        0, 1, 1,  //
                                        0, 0, 1,  //
                                        0, 0, 0};
  std::map<std::vector<uint32_t>, double> expected;
  double kept = 0;
  for (int draw = 0; draw < 3125; ++draw) {
    std::vector<uint32_t> multiplicities(kRecords);
    for (int rest = draw, i = 0; i < 5; ++i, rest /= 5) ++multiplicities[rest % 5];
    bool complete = true;
    for (size_t c = 0; c < kClasses; ++c) {
      uint32_t positives = 0;
      for (size_t record = 0; record < kRecords; ++record) {
        positives += multiplicities[record] * targets[record * kClasses + c];
      }
      complete &= positives > 0 && positives < kRecords;
    }
    if (!complete) continue;
    ++expected[multiplicities];
    ++kept;
  }

  constexpr int kDraws = 200000;
  std::map<std::vector<uint32_t>, double> found;
  const Resampler resampler(Ranked(targets, kClasses), 11);
  std::vector<uint32_t> multiplicities;
  for (int number = 0; number < kDraws; ++number) {
    ASSERT_TRUE(resampler.Draw(number, multiplicities));
    ++found[multiplicities];
  }

  double chi_square = 0;
  for (const auto& [resample, count] : expected) {
    const double mean = kDraws * count / kept;
    chi_square += (found[resample] - mean) * (found[resample] - mean) / mean;
  }
  EXPECT_EQ(found.size(), expected.size());  // nothing else was drawn
  const double degrees = expected.size() - 1;
  EXPECT_LT(chi_square, degrees + 4 * std::sqrt(2 * degrees));
}

TEST(ResamplerTest, HasEveryClassEvenWhereEachHasASinglePositive) {
  // Redrawing would need 0.63 to the power of -60, about 10^12, draws.
  constexpr size_t kRecords = 2000, kClasses = 60;
  std::vector<uint8_t> targets(kRecords * kClasses);
  for (size_t c = 0; c < kClasses; ++c) targets[(7 * c) * kClasses + c] = 1;
  const Resampler resampler(Ranked(targets, kClasses), 1);
  std::vector<uint32_t> multiplicities;
  for (int number = 0; number < 20; ++number) {
    EXPECT_TRUE(resampler.Draw(number, multiplicities));
    EXPECT_EQ(std::accumulate(multiplicities.begin(), multiplicities.end(), 0u), kRecords);
    for (size_t c = 0; c < kClasses; ++c) EXPECT_GT(multiplicities[7 * c], 0u);
  }
}

TEST(ResamplerTest, ReturnsFalseWhereNoTrySucceeds) {
  // 200 classes with two positives each, of their own: 0.865 to the power of 200 is 10^-13.
  constexpr size_t kRecords = 500, kClasses = 200;
  std::vector<uint8_t> targets(kRecords * kClasses);
  for (size_t c = 0; c < kClasses; ++c) targets[2 * c * kClasses + c] = targets[(2 * c + 1) * kClasses + c] = 1;
  const Resampler resampler(Ranked(targets, kClasses), 1);
  std::vector<uint32_t> multiplicities;
  EXPECT_FALSE(resampler.Draw(0, multiplicities));
  EXPECT_EQ(std::accumulate(multiplicities.begin(), multiplicities.end(), 0u), kRecords);
}

TEST(ResamplerTest, DependsOnTheSeedAndTheNumberOnly) {
  std::vector<uint8_t> targets(100);
  for (size_t record = 0; record < 50; ++record) targets[record] = 1;
  const RankedPredictions ranked = Ranked(targets, 1);
  const Resampler resampler(ranked, 1), same(ranked, 1), other(ranked, 2);
  std::vector<uint32_t> first, second, again, of_other;
  resampler.Draw(0, first);
  resampler.Draw(1, second);
  same.Draw(1, again);
  other.Draw(1, of_other);
  EXPECT_EQ(second, again);
  EXPECT_NE(second, first);
  EXPECT_NE(second, of_other);
}

}  // namespace
}  // namespace ecg

#include "ecg/score/bootstrap.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/scores.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

struct Sample {
  std::vector<uint8_t> targets;
  std::vector<float> predictions;
  std::vector<std::string> names;
};

// A sample of PTB-XL's shape: class c is carried by one record in `2 + c`, and positives tend to higher predictions.
Sample MakeSample(size_t records, size_t classes) {
  Sample sample{{}, {}, std::vector<std::string>(classes, "class")};
  Random random({6});
  for (size_t record = 0; record < records; ++record) {
    for (size_t c = 0; c < classes; ++c) {
      sample.targets.push_back(random.Below(2 + c) == 0);
      sample.predictions.push_back(0.7 * random.Uniform() + 0.3 * sample.targets.back());
    }
  }
  return sample;
}

TEST(BootstrapTest, SpreadsAsMuchAsTheoryExpects) {
  const Sample sample = MakeSample(400, 1);
  const RankedPredictions ranked = RankedPredictions::Create(sample.targets, sample.predictions, sample.names).value();
  const BootstrapInterval interval = BootstrapMacroRocAuc(ranked, {.resamples = 2000, .seed = 1}).value();
  const double auc = ComputeScores(ranked).value().macro_roc_auc;
  // Hanley and McNeil's standard error of the area.
  const double positives = ranked.classes()[0].positives, negatives = ranked.classes()[0].negatives;
  const double q1 = auc / (2 - auc), q2 = 2 * auc * auc / (1 + auc);
  const double standard_error =
      std::sqrt((auc * (1 - auc) + (positives - 1) * (q1 - auc * auc) + (negatives - 1) * (q2 - auc * auc)) /
                (positives * negatives));
  EXPECT_NEAR(interval.mean, auc, 0.1 * standard_error);
  EXPECT_NEAR(interval.low, auc - 1.645 * standard_error, 0.3 * standard_error);
  EXPECT_NEAR(interval.high, auc + 1.645 * standard_error, 0.3 * standard_error);
  EXPECT_EQ(interval.resamples, 2000);
  EXPECT_EQ(interval.incomplete_resamples, 0);
}

TEST(BootstrapTest, IsTheSameForTheSameSeed) {
  const Sample sample = MakeSample(100, 3);
  const RankedPredictions ranked = RankedPredictions::Create(sample.targets, sample.predictions, sample.names).value();
  EXPECT_EQ(BootstrapMacroRocAuc(ranked, {.seed = 1})->mean, BootstrapMacroRocAuc(ranked, {.seed = 1})->mean);
  EXPECT_NE(BootstrapMacroRocAuc(ranked, {.seed = 1})->mean, BootstrapMacroRocAuc(ranked, {.seed = 2})->mean);
}

TEST(BootstrapTest, IgnoresAClassThatCanNeverBeScored) {
  // The second class has no positive at all.
  const RankedPredictions ranked =
      RankedPredictions::Create({{1, 0, 0, 0, 1, 0}}, std::vector<float>{.9f, .1f, .2f, .2f, .8f, .3f},
                                std::vector<std::string>{"NORM", "AFIB"})
          .value();
  const BootstrapInterval interval = BootstrapMacroRocAuc(ranked).value();
  EXPECT_EQ(interval.mean, 1);
  EXPECT_EQ(interval.low, 1);
  EXPECT_EQ(interval.incomplete_resamples, 0);
}

TEST(BootstrapTest, ScoresTheClassesThatAreThereAndCountsTheResamplesThatLackOne) {
  // 200 classes, each carried by two records of its own and predicted without fault.
  constexpr size_t kRecords = 500, kClasses = 200;
  std::vector<uint8_t> targets(kRecords * kClasses);
  for (size_t c = 0; c < kClasses; ++c) targets[2 * c * kClasses + c] = targets[(2 * c + 1) * kClasses + c] = 1;
  const RankedPredictions ranked =
      RankedPredictions::Create(targets, std::vector<float>(targets.begin(), targets.end()),
                                std::vector<std::string>(kClasses, "class"))
          .value();
  const BootstrapInterval interval = BootstrapMacroRocAuc(ranked, {.resamples = 5}).value();
  EXPECT_EQ(interval.mean, 1);
  EXPECT_EQ(interval.incomplete_resamples, 5);
}

TEST(BootstrapTest, SaysWhatItCannotDo) {
  const RankedPredictions hopeless =
      RankedPredictions::Create({{1, 1}}, std::vector<float>{.9f, .1f}, std::vector<std::string>{"NORM"}).value();
  EXPECT_THAT(std::string(BootstrapMacroRocAuc(hopeless).status().message()), HasSubstr("none of 1 classes"));
  EXPECT_THAT(std::string(BootstrapMacroRocAuc(hopeless, {.resamples = 0}).status().message()),
              HasSubstr("0 resamples"));
}

TEST(BootstrapTest, TakesATenthOfASecondForPtbXl) {
  const Sample sample = MakeSample(2203, 71);
  const auto start = std::chrono::steady_clock::now();
  const RankedPredictions ranked = RankedPredictions::Create(sample.targets, sample.predictions, sample.names).value();
  const auto sorted = std::chrono::steady_clock::now();
  ASSERT_TRUE(ComputeScores(ranked).ok());
  const auto scored = std::chrono::steady_clock::now();
  ASSERT_TRUE(BootstrapMacroRocAuc(ranked).ok());
  const auto done = std::chrono::steady_clock::now();
  const auto milliseconds = [](auto duration) { return std::chrono::duration<double, std::milli>(duration).count(); };
  std::printf("71 classes by 2,203 records: ranking %.1f ms, scores %.1f ms, 100 resamples %.1f ms\n",
              milliseconds(sorted - start), milliseconds(scored - sorted), milliseconds(done - scored));
  EXPECT_LT(milliseconds(done - start), 2000);  // of wall clock, on a machine that may be busy
}

}  // namespace
}  // namespace ecg

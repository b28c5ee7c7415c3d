#include "ecg/score/class_intervals.h"

#include <cstdint>
#include <string>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/roc_auc.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(ClassIntervalsTest, ContainTheAreaAndAreNarrowerForMoreRecords) {
  const auto width = [](int records) {
    Random random({5});
    std::vector<uint8_t> targets;
    std::vector<double> predictions;
    for (int i = 0; i < records; ++i) {
      targets.push_back(random.Below(3) == 0);
      predictions.push_back(random.Uniform() + 0.4 * targets.back());
    }
    const auto ranked = RankedPredictions::Create(targets, predictions, std::vector<std::string>{"A"}).value();
    const auto intervals = RocAucIntervals(ranked, {.resamples = 300, .seed = 1});
    EXPECT_LT(intervals[0]->low, *RocAuc(ranked.classes()[0]));
    EXPECT_GT(intervals[0]->high, *RocAuc(ranked.classes()[0]));
    return intervals[0]->high - intervals[0]->low;
  };
  EXPECT_LT(width(1600), 0.7 * width(200));
}

TEST(ClassIntervalsTest, AreNoneForAClassThatCannotBeScored) {
  const std::vector<uint8_t> targets = {1, 0, 0, 0, 1, 0};  // [3 records, 2 classes]; no record has the second
  const std::vector<double> predictions = {0.9, 0.1, 0.2, 0.1, 0.7, 0.3};
  const auto ranked = RankedPredictions::Create(targets, predictions, std::vector<std::string>{"A", "B"}).value();
  const auto intervals = RocAucIntervals(ranked, {.resamples = 20, .seed = 1});
  EXPECT_TRUE(intervals[0].has_value());
  EXPECT_FALSE(intervals[1].has_value());
}

}  // namespace
}  // namespace ecg

#include "ecg/batch/standardise.h"

#include <vector>

#include "ecg/corpus/packed_signals.h"
#include "gtest/gtest.h"
#include "tests/train/small_training.h"

namespace ecg {
namespace {

using StandardiseTest = SmallTrainingTest;

TEST_F(StandardiseTest, StandardisesToMeanZeroAndDeviationOne) {
  double sum = 0, squares = 0;
  std::vector<float> record(12 * 1000);
  for (int i = 0; i < train_->size(); ++i) {
    Standardise(*signals_, train_->record(i), 0, 1000, train_->scaler, record.data());
    for (const float value : record) sum += value, squares += value * value;
  }
  const double count = 12000.0 * train_->size();
  EXPECT_NEAR(sum / count, 0, 1e-5);
  EXPECT_NEAR(squares / count, 1, 1e-4);
}

TEST_F(StandardiseTest, PadsBehindTheEndOfARecordWithZeros) {
  std::vector<float> window(12 * 250, 7);
  Standardise(*signals_, 0, 875, 250, train_->scaler, window.data());
  const Calibration& calibration = signals_->calibration(0, 11);
  const double last = calibration.ToMv(signals_->lead(0, 11)[999]);
  EXPECT_NEAR(window[11 * 250 + 124], (last - train_->scaler.mean_mv) / train_->scaler.standard_deviation_mv, 1e-5);
  EXPECT_EQ(window[11 * 250 + 125], 0);
  EXPECT_EQ(window.back(), 0);
}

}  // namespace
}  // namespace ecg

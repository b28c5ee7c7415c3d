#include "ecg/batch/device_batches.h"

#include <torch/torch.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/training_batches.h"
#include "ecg/batch/window_batches.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/scaler.h"
#include "ecg/synthetic/demo.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// Records of 6 to 60 seconds, of which only every other one belongs to the part.
class ResidentBatchesTest : public testing::Test {
 protected:
  static constexpr int kBatch = 4, kSamples = 4000;  // longer than the shortest records

  void SetUp() override {
    const std::filesystem::path cache = std::filesystem::path(testing::TempDir()) / "resident_batches_test";
    dataset_ = Cpsc2018::Open({}, CachedDemo(24, /*seed=*/1, cache, Cpsc2018::kName).value()).value();
    signals_ = PackInCache(*dataset_, {}, cache).value();
    resident_.emplace(*signals_, torch::kCPU, kSamples);
    part_ = {.signals = &*signals_, .labels = &dataset_->labels(), .rows = {}, .scaler = {}, .resident = &*resident_};
    for (int row = 0; row < dataset_->labels().rows(); row += 2) part_.rows.push_back(row);
    part_.scaler = FitScaler(*signals_, part_.Records()).value();
  }

  std::optional<Cpsc2018> dataset_;
  std::optional<PackedSignals> signals_;
  std::optional<DeviceSignals> resident_;
  SplitPart part_;
};

// The device may round a product and a sum at once.
bool Same(const torch::Tensor& a, const torch::Tensor& b) { return torch::allclose(a, b, 1e-6, 1e-6); }

TEST_F(ResidentBatchesTest, AreTheLoadersInEveryEpoch) {
  DeviceBatches resident(part_, kBatch, kSamples);
  for (int epoch = 1; epoch <= 3; ++epoch) {
    TrainingBatches loaded(part_, {.epoch = epoch, .batch_size = kBatch, .crop_samples = kSamples, .seed = 5});
    resident.Start(TrainingCrops(part_, /*seed=*/5, epoch, kSamples));
    ASSERT_GE(resident.count(), loaded.count());
    while (const std::optional<Batch> expected = loaded.Next()) {
      const Batch batch = resident.Next();
      EXPECT_TRUE(Same(batch.signals, expected->signals)) << epoch;
      EXPECT_TRUE(batch.targets.equal(expected->targets)) << epoch;
    }
  }
}

TEST_F(ResidentBatchesTest, CoverWholeRecordsAsTheLoadersWindowsDo) {
  constexpr int kStride = 1500;
  DeviceBatches resident(part_, kBatch, kSamples);
  const std::vector<Segment> windows = WindowsOfRows(part_, kSamples, kStride);
  resident.Start(windows);
  WindowBatches loaded(part_, {.window_samples = kSamples, .stride_samples = kStride, .batch_windows = kBatch});
  ASSERT_EQ(static_cast<int64_t>(windows.size()), loaded.total());
  size_t seen = 0;
  for (int i = 0; i < resident.count(); ++i) {
    const torch::Tensor signals = resident.Next().signals;
    const std::optional<WindowBatch> expected = loaded.Next();
    ASSERT_TRUE(expected.has_value());
    EXPECT_TRUE(Same(signals.narrow(0, 0, expected->signals.size(0)), expected->signals)) << i;
    for (const int row : expected->rows) EXPECT_EQ(windows[seen++].row, row);
  }
  EXPECT_EQ(seen, windows.size());
  EXPECT_FALSE(loaded.Next().has_value());
}

}  // namespace
}  // namespace ecg

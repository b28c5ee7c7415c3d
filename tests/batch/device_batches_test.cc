#include "ecg/batch/device_batches.h"

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/scaler.h"
#include "ecg/synthetic/demo.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// Records of 6 to 60 seconds, of which only every other one belongs to the part.
class DeviceBatchesTest : public testing::Test {
 protected:
  static constexpr int kBatch = 4, kSamples = 4000;  // longer than the shortest records

  void SetUp() override {
    const std::filesystem::path cache = std::filesystem::path(testing::TempDir()) / "device_batches_test";
    dataset_ = Cpsc2018::Open({}, CachedDemo(24, /*seed=*/1, cache, Cpsc2018::kName).value()).value();
    // Parts of a corpus lie anywhere in memory.
    signals_ = PackInCache(*dataset_, {.records_per_part = 5}, cache).value();
    on_device_.emplace(*signals_, torch::kCPU, kSamples);
    part_ = {.signals = &*signals_, .labels = &dataset_->labels(), .rows = {}, .scaler = {}, .on_device = &*on_device_};
    for (int row = 0; row < dataset_->labels().rows(); row += 2) part_.rows.push_back(row);
    part_.scaler = FitScaler(*signals_, part_.Records()).value();
  }

  std::optional<Cpsc2018> dataset_;
  std::optional<PackedSignals> signals_;
  std::optional<DeviceSignals> on_device_;
  SplitPart part_;
};

// The device may round a product and a sum at once.
bool Same(const torch::Tensor& a, const torch::Tensor& b) { return torch::allclose(a, b, 1e-6, 1e-6); }

TEST_F(DeviceBatchesTest, AreTheHostsInEveryEpoch) {
  DeviceBatches device(part_, kBatch, kSamples);
  for (int epoch = 1; epoch <= 3; ++epoch) {
    const SegmentList list =
        TrainingCrops(part_, Shuffled().Order(part_, 5, epoch), /*seed=*/5, epoch, kSamples, /*numbers=*/3);
    HostBatches host(part_, list, {.batch_size = kBatch, .samples = kSamples, .drop_last = true});
    device.Start(list);
    ASSERT_GE(device.count(), host.count());
    while (const std::optional<Batch> expected = host.Next()) {
      const Batch batch = device.Next();
      EXPECT_TRUE(Same(batch.signals, expected->signals)) << epoch;
      EXPECT_TRUE(batch.targets.equal(expected->targets)) << epoch;
      EXPECT_TRUE(batch.rows.equal(expected->rows)) << epoch;
      EXPECT_TRUE(batch.uniform.equal(expected->uniform)) << epoch;
    }
  }
}

TEST_F(DeviceBatchesTest, HaveLikelihoodsAsTargetsAsTheHostsHave) {
  Labels labels = dataset_->labels();
  float likelihood = 0.5f;
  for (int row = 0; row < labels.rows(); ++row) {
    std::vector<float> of_row(labels.classes.size());
    for (float& of_class : of_row) of_class = likelihood += 0.001f;
    labels.AddLikelihoods(of_row);
  }
  part_.labels = &labels;
  const SegmentList list = TrainingCrops(part_, Shuffled().Order(part_, 5, 1), /*seed=*/5, 1, kSamples);
  HostBatches host(part_, list, {.batch_size = kBatch, .samples = kSamples});
  DeviceBatches device(part_, kBatch, kSamples);
  device.Start(list);
  const std::optional<Batch> expected = host.Next();
  EXPECT_TRUE(device.Next().targets.equal(expected->targets));
  for (int i = 0; i < kBatch; ++i) {
    const std::vector<float> row = labels.training_targets(part_.rows[expected->rows[i].item<int64_t>()]);
    EXPECT_TRUE(expected->targets[i].equal(torch::tensor(row)));
  }
}

TEST_F(DeviceBatchesTest, CoverWholeRecordsAsTheHostsWindowsDo) {
  const SegmentList windows = WindowsOfRows(part_, kSamples, /*stride=*/1500);
  DeviceBatches device(part_, kBatch, kSamples);
  device.Start(windows);
  HostBatches host(part_, windows, {.batch_size = kBatch, .samples = kSamples});
  ASSERT_EQ(device.count(), host.count());
  int seen = 0;
  while (const std::optional<Batch> expected = host.Next()) {
    const int64_t size = expected->signals.size(0);
    const Batch batch = device.Next();
    EXPECT_TRUE(Same(batch.signals.narrow(0, 0, size), expected->signals));
    EXPECT_TRUE(batch.rows.narrow(0, 0, size).equal(expected->rows));
    seen += size;
  }
  EXPECT_EQ(seen, windows.size());
}

}  // namespace
}  // namespace ecg

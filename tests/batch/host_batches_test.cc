// Batches of records of different length.

#include "ecg/batch/host_batches.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/file/file.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/mat_writer.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

// Records of 3, 25, 10 and 12 samples; sample i of record r is 100 r + i + 1 mV in every lead.
class BatchesOfDifferentLengthTest : public testing::Test {
 protected:
  static constexpr int kLengths[] = {3, 25, 10, 12};

  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "data");
    std::string reference = "Recording,First_label,Second_label,Third_label\n";
    for (int record = 0; record < 4; ++record) {
      Signal signal = {.sampling_frequency_hz = 500, .samples = kLengths[record], .digital = {}, .calibration = {}};
      for (int lead = 0; lead < kLeads; ++lead) {
        for (int i = 0; i < signal.samples; ++i) signal.digital.push_back(static_cast<int16_t>(100 * record + i + 1));
      }
      const std::string name = "A000" + std::to_string(record);
      ASSERT_EQ(WriteMatRecord(folder_ / "data" / (name + ".mat"), {}, signal), absl::OkStatus());
      reference += name + "," + std::to_string(record + 1) + ",,\n";
    }
    ASSERT_TRUE(WriteFile(folder_ / "data" / "REFERENCE.csv", reference).ok());
    dataset_ = Cpsc2018::Open({}, folder_ / "data").value();
    signals_ = Pack(*dataset_, folder_ / "packed").value();
    part_ = {.signals = &*signals_, .labels = &dataset_->labels(), .rows = {0, 1, 2, 3}, .scaler = {}};
  }
  void TearDown() override { fs::remove_all(folder_); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "window_batches_test";
  std::optional<Cpsc2018> dataset_;
  std::optional<PackedSignals> signals_;
  SplitPart part_;
};

TEST_F(BatchesOfDifferentLengthTest, WindowsCoverEachRecordByItself) {
  const SegmentList list = WindowsOfRows(part_, /*length=*/10, /*stride=*/5);
  HostBatches batches(part_, list, {.batch_size = 3, .samples = 10});
  std::map<int, std::vector<int>> firsts;  // of each row, the first sample of each of its windows
  int windows = 0;
  while (const std::optional<Batch> batch = batches.Next()) {
    for (int64_t window = 0; window < batch->rows.size(0); ++window, ++windows) {
      const int row = batch->rows[window].item<int>();
      const int first = static_cast<int>(std::lround(batch->signals[window][11][0].item<float>()));
      firsts[row].push_back(first);
      for (int i = 0; i < 10; ++i) {
        const bool present = first - 1 - 100 * row + i < kLengths[row];
        EXPECT_NEAR(batch->signals[window][0][i].item<float>(), present ? first + i : 0, 0.01);
      }
    }
  }
  EXPECT_EQ(windows, list.size());
  EXPECT_THAT(firsts[0], ElementsAre(1));
  EXPECT_THAT(firsts[1], ElementsAre(101, 106, 111, 116, 121));
  EXPECT_THAT(firsts[2], ElementsAre(201, 206));
  EXPECT_THAT(firsts[3], ElementsAre(301, 306));
}

TEST_F(BatchesOfDifferentLengthTest, HaveTheDemographicsOfTheirRecordsWhereThePartHasThem) {
  const SegmentList list = WindowsOfRows(part_, /*length=*/10, /*stride=*/5);
  EXPECT_FALSE(HostBatches(part_, SegmentList(list), {.samples = 10}).Next()->demographics.defined());
  // Number k of record r is 10 r + k.
  std::vector<float> demographics;
  for (int record = 0; record < 4; ++record) {
    for (int k = 0; k < kDemographicNumbers; ++k) demographics.push_back(static_cast<float>(10 * record + k));
  }
  part_.demographics = &demographics;
  HostBatches batches(part_, SegmentList(list), {.batch_size = list.size(), .samples = 10});
  const std::optional<Batch> batch = batches.Next();
  ASSERT_EQ(batch->demographics.sizes(), (torch::IntArrayRef{list.size(), kDemographicNumbers}));
  const torch::Tensor k = torch::arange(kDemographicNumbers);
  EXPECT_TRUE(torch::equal(batch->demographics.to(torch::kInt64), 10 * batch->rows.unsqueeze(1) + k));
}

TEST_F(BatchesOfDifferentLengthTest, MayEndWithTheirRecords) {
  const SegmentList list = WindowsOfRows(part_, /*length=*/10, /*stride=*/5);  // 1, 5, 2 and 2 windows
  const std::vector<int> ends = EndsOfRecords(list, /*most=*/3);
  EXPECT_THAT(ends, ElementsAre(1, 4, 6, 8, 10));
  EXPECT_THAT(EndsOfRecords(list, /*most=*/10), ElementsAre(1, 6, 8, 10));
  HostBatches whole(part_, list, {.batch_size = list.size(), .samples = 10});
  const torch::Tensor all = whole.Next()->signals;
  HostBatches batches(part_, SegmentList(list), ends, {.samples = 10});
  ASSERT_EQ(batches.count(), 5);
  std::vector<torch::Tensor> parts;
  for (const int windows : {1, 3, 2, 2, 2}) {
    const std::optional<Batch> batch = batches.Next();
    ASSERT_TRUE(batch.has_value());
    ASSERT_EQ(batch->signals.size(0), windows);
    EXPECT_TRUE(batch->rows.eq(batch->rows[0]).all().item<bool>()) << "of one record";
    parts.push_back(batch->signals);
  }
  EXPECT_FALSE(batches.Next().has_value());
  EXPECT_TRUE(torch::cat(parts).equal(all));
}

TEST_F(BatchesOfDifferentLengthTest, CropsLieWithinTheirRecordAndAShortOneHasZerosBehindIt) {
  for (const int threads : {1, 3}) {
    HostBatches batches(part_, TrainingCrops(part_, Shuffled().Order(part_, 1, 1), /*seed=*/1, /*epoch=*/1, 10),
                        {.batch_size = 4, .samples = 10, .threads = threads});
    const Batch batch = batches.Next().value();
    std::map<int, std::vector<int>> crops;  // first and last sample of each record's
    for (int i = 0; i < 4; ++i) {
      const torch::Tensor lead = batch.signals[i][5];
      const int first = static_cast<int>(std::lround(lead[0].item<float>()));
      crops[first / 100] = {first % 100, static_cast<int>(std::lround(lead[9].item<float>())) % 100};
    }
    ASSERT_EQ(crops.size(), 4u);
    EXPECT_THAT(crops[0], ElementsAre(1, 0));
    EXPECT_THAT(crops[2], ElementsAre(1, 10));
    for (const int record : {1, 3}) {
      EXPECT_LE(crops[record][1], kLengths[record]);
      EXPECT_EQ(crops[record][1] - crops[record][0], 9);
    }
  }
}

TEST_F(BatchesOfDifferentLengthTest, AreTheSameWithAnyNumberOfThreadsAndCarryRowsTargetsAndNumbers) {
  const std::vector<int> order = {3, 1, 1, 0, 2, 1};  // a row may come several times
  const SegmentList list = TrainingCrops(part_, order, /*seed=*/3, /*epoch=*/2, /*length=*/10, /*numbers=*/5);
  const auto batches_with = [&](int threads) {
    HostBatches batches(part_, list, {.batch_size = 2, .samples = 10, .threads = threads});
    std::vector<Batch> all;
    while (std::optional<Batch> batch = batches.Next()) all.push_back(*batch);
    return all;
  };
  const std::vector<Batch> one = batches_with(1), five = batches_with(5);
  ASSERT_EQ(one.size(), 3u);
  ASSERT_EQ(five.size(), one.size());
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(one[i].signals.equal(five[i].signals)) << i;
    EXPECT_TRUE(one[i].uniform.equal(five[i].uniform)) << i;
    for (int k = 0; k < 2; ++k) {
      const int row = order[2 * i + k];
      EXPECT_EQ(one[i].rows[k].item<int>(), row);
      EXPECT_EQ(one[i].targets[k].sum().item<int>(), 1);
      EXPECT_EQ(part_.labels->row(row)[one[i].targets[k].argmax().item<int>()], 1);
    }
  }
  EXPECT_TRUE(one[0].uniform.ge(0).all().item<bool>() && one[0].uniform.lt(1).all().item<bool>());
  EXPECT_FALSE(one[0].signals[1].equal(one[1].signals[0])) << "another crop of the same record";
  EXPECT_FALSE(one[0].uniform[1].equal(one[1].uniform[0])) << "with other random numbers";
}

TEST_F(BatchesOfDifferentLengthTest, StopWhenTheyAreNoLongerWanted) {
  HostBatches batches(part_, WindowsOfRows(part_, 10, 5), {.batch_size = 1, .samples = 10, .threads = 3});
  EXPECT_TRUE(batches.Next().has_value());
}

TEST_F(BatchesOfDifferentLengthTest, HandOnWhatAThreadThrows) {
  SegmentList list = WindowsOfRows(part_, 10, 5);
  HostBatches batches(part_, list, {.batch_size = 1, .samples = -1});  // no tensor has -1 samples
  EXPECT_THROW(batches.Next(), c10::Error);
}

}  // namespace
}  // namespace ecg

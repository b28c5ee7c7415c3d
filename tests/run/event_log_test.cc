#include "ecg/run/event_log.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/record_file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/tensorboard.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::StartsWith;

class EventLogTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "event_log";
    std::filesystem::remove_all(folder_);
  }

  // The names of the logs, in the order in which TensorBoard reads them.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }

  // All events with whole records and right checksums, in that order.
  std::vector<tensorboard::Event> Events() const {
    std::vector<tensorboard::Event> events;
    for (const std::string& name : Names()) {
      const std::string bytes = ReadFile(folder_ / name).value();
      for (const absl::string_view payload : ParseRecords(bytes).payloads) {
        EXPECT_TRUE(events.emplace_back().ParseFromArray(payload.data(), static_cast<int>(payload.size())));
      }
    }
    return events;
  }

  // Step and value of each point of a curve.
  std::vector<std::pair<int64_t, float>> Curve(const std::string& tag) const {
    std::vector<std::pair<int64_t, float>> curve;
    for (const tensorboard::Event& event : Events()) {
      for (const auto& value : event.summary().value()) {
        if (value.tag() == tag) curve.emplace_back(event.step(), value.simple_value());
      }
    }
    return curve;
  }

  std::filesystem::path folder_;
};

TEST_F(EventLogTest, WritesVersionStartAndScalarsThatCanBeReadAtOnce) {
  EventLog log = EventLog::Open(folder_, 0).value();
  ASSERT_EQ(log.AddScalars(12, {{"loss/train", 9.5}, {"learning_rate", 0.25}}), absl::OkStatus());
  EXPECT_THAT(Names(), ElementsAre("events.out.tfevents.0001"));
  const std::vector<tensorboard::Event> events = Events();
  ASSERT_EQ(events.size(), 3);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].session_log().status(), tensorboard::SessionLog::START);
  EXPECT_GT(events[2].wall_time(), 1.7e9);
  EXPECT_THAT(Curve("loss/train"), ElementsAre(Pair(12, 9.5f)));
  EXPECT_THAT(Curve("learning_rate"), ElementsAre(Pair(12, 0.25f)));
}

TEST_F(EventLogTest, AResumedRunLogsNoStepTwice) {
  EventLog before = EventLog::Open(folder_, 0).value();
  for (int step = 1; step <= 5; ++step) ASSERT_EQ(before.AddScalars(step, {{"loss", step}}), absl::OkStatus());
  // The last checkpoint is after step 3.
  EventLog after = EventLog::Open(folder_, 3).value();
  EXPECT_THAT(Curve("loss"), ElementsAre(Pair(1, 1), Pair(2, 2), Pair(3, 3)));
  for (int step = 4; step <= 6; ++step) ASSERT_EQ(after.AddScalars(step, {{"loss", 10 * step}}), absl::OkStatus());
  EXPECT_THAT(Curve("loss"), ElementsAre(Pair(1, 1), Pair(2, 2), Pair(3, 3), Pair(4, 40), Pair(5, 50), Pair(6, 60)));
  EXPECT_THAT(Names(), ElementsAre("events.out.tfevents.0001", "events.out.tfevents.0002"));
}

TEST_F(EventLogTest, AKilledRunIsReadableUpToItsLastWholeRecordAndGoesOnBehindIt) {
  EventLog before = EventLog::Open(folder_, 0).value();
  ASSERT_EQ(before.AddScalars(1, {{"loss", 1}}), absl::OkStatus());
  ASSERT_EQ(before.AddScalars(2, {{"loss", 2}}), absl::OkStatus());
  const std::filesystem::path file = folder_ / Names()[0];
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 3);
  EXPECT_THAT(Curve("loss"), ElementsAre(Pair(1, 1)));
  EventLog after = EventLog::Open(folder_, 2).value();
  const std::string bytes = ReadFile(file).value();
  EXPECT_EQ(ParseRecords(bytes).end, absl::OkStatus()) << "the torn record should be gone";
  ASSERT_EQ(after.AddScalars(3, {{"loss", 3}}), absl::OkStatus());
  EXPECT_THAT(Curve("loss"), ElementsAre(Pair(1, 1), Pair(3, 3)));
}

TEST_F(EventLogTest, ARunThatIsKilledBeforeItsFirstCheckpointStartsANewLog) {
  EventLog before = EventLog::Open(folder_, 0).value();
  ASSERT_EQ(before.AddText(0, "spec", "epochs: 1"), absl::OkStatus());
  ASSERT_EQ(before.AddScalars(1, {{"loss", 1}}), absl::OkStatus());
  EventLog after = EventLog::Open(folder_, 0).value();
  EXPECT_THAT(Names(), ElementsAre("events.out.tfevents.0002"));
  EXPECT_THAT(Curve("spec"), IsEmpty());
}

TEST_F(EventLogTest, ATestReplacesTheResultsOfTheLastAndLeavesTheTraining) {
  EventLog training = EventLog::Open(folder_, 0).value();
  ASSERT_EQ(training.AddScalars(5, {{"loss", 5}}), absl::OkStatus());
  for (const double score : {0.5, 0.75}) {
    EventLog test = EventLog::Open(folder_, 5).value();
    ASSERT_EQ(test.AddScalars(5, {{"test/score", score}}), absl::OkStatus());
  }
  EXPECT_THAT(Curve("loss"), ElementsAre(Pair(5, 5)));
  EXPECT_THAT(Curve("test/score"), ElementsAre(Pair(5, 0.75f)));
}

TEST_F(EventLogTest, LeavesTheFilesOfOthersAlone) {
  std::filesystem::create_directories(folder_);
  const std::filesystem::path file = folder_ / "events.out.tfevents.1764000000.host.1.0";
  ASSERT_EQ(WriteFile(file, "not ours"), absl::OkStatus());
  ASSERT_TRUE(EventLog::Open(folder_, 0).ok());
  EXPECT_EQ(ReadFile(file).value(), "not ours");
}

TEST_F(EventLogTest, IndentsTextSoThatMarkdownLeavesItAsItIs) {
  EventLog log = EventLog::Open(folder_, 0).value();
  ASSERT_EQ(log.AddText(0, "spec", "a {\n  b: 1\n}"), absl::OkStatus());
  const tensorboard::Summary::Value value = Events().back().summary().value(0);
  EXPECT_EQ(value.metadata().plugin_data().plugin_name(), "text");
  EXPECT_EQ(value.tensor().string_val(0), "    a {\n      b: 1\n    }");
}

TEST_F(EventLogTest, CountsAsPredictedWhatReachesTheThreshold) {
  EventLog log = EventLog::Open(folder_, 0).value();
  const std::vector<uint8_t> targets = {1, 0, 1, 0};
  const std::vector<float> probabilities = {1, 0.5f, 0.25f, 0};
  ASSERT_EQ(log.AddPrCurve(7, "test/AFIB", targets, probabilities), absl::OkStatus());
  const tensorboard::Summary::Value value = Events().back().summary().value(0);
  EXPECT_THAT(value.metadata().plugin_data().plugin_name(), StartsWith("pr_curves"));
  ASSERT_EQ(value.tensor().float_val_size(), 6 * 101);
  const auto column = [&](int threshold) {
    std::vector<float> figures;
    for (int row = 0; row < 6; ++row) figures.push_back(value.tensor().float_val(row * 101 + threshold));
    return figures;
  };
  // True positives, false positives, true negatives, false negatives, precision, recall.
  EXPECT_THAT(column(0), ElementsAre(2, 2, 0, 0, 0.5, 1));
  EXPECT_THAT(column(25), ElementsAre(2, 1, 1, 0, 2.f / 3, 1));
  EXPECT_THAT(column(50), ElementsAre(1, 1, 1, 1, 0.5, 0.5));
  EXPECT_THAT(column(51), ElementsAre(1, 0, 2, 1, 1, 0.5));
  EXPECT_THAT(column(100), ElementsAre(1, 0, 2, 1, 1, 0.5));
}

}  // namespace
}  // namespace ecg

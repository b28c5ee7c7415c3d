#include "ecg/signal/left_out.h"

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/write_recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

// Made returns a recording that has all that one can have.
Recording Made() {
  Recording recording;
  recording.machine = "Maker Model";
  recording.recorded_at = "2001-12-25T12:34:56";
  recording.sex = "female";
  recording.age_years = 61;
  recording.filters = "high-pass 0.05 Hz, low-pass 150 Hz";
  recording.annotations = {{1, 0, "a beat"}, {2, 0, "another"}};
  for (const Strip::Kind kind : {Strip::Kind::kRhythm, Strip::Kind::kRepresentativeBeat}) {
    Strip& strip = recording.strips.emplace_back();
    strip.kind = kind;
    strip.sampling_frequency_hz = 500;
    for (int lead = 0; lead < kLeads; ++lead) {
      Channel& channel = strip.channels.emplace_back();
      channel.name = std::string(kLeadNames[lead]);
      channel.step_mv = 0.005;
      for (int i = 0; i < 1000; ++i)
        channel.mv.push_back(static_cast<float>(std::round(40 * std::sin(i * 0.1)) * 0.005));
    }
  }
  return recording;
}

// Of returns what the file `name` does not hold of `recording`.
std::vector<std::string> Of(const Recording& recording, const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / name;
  EXPECT_EQ(WriteRecording(recording, path), absl::OkStatus());
  return LeftOut(recording, ReadRecording(path).value());
}

TEST(LeftOutTest, NamesWhatAFormatDoesNotHold) {
  EXPECT_THAT(Of(Made(), "left_out.edf"), Contains("1 representative beat"));
  EXPECT_THAT(Of(Made(), "left_out.dcm"), Not(Contains("1 representative beat")));
  Recording rhythm = Made();
  rhythm.strips.pop_back();
  EXPECT_THAT(Of(rhythm, "left_out.csv"), ElementsAre("the time", "the patient's age", "the patient's sex",
                                                      "the machine", "the filters", "2 annotations"));
  EXPECT_THAT(Of(rhythm, "left_out.hea"), ElementsAre("the machine", "the filters", "2 annotations"));
}

TEST(LeftOutTest, IsEmptyWhereNothingIsLost) {
  EXPECT_THAT(LeftOut(Made(), Made()), IsEmpty());
  Recording plain = Made();
  plain.strips.pop_back();
  plain.machine = plain.recorded_at = plain.sex = plain.filters = "";
  plain.age_years.reset();
  plain.annotations.clear();
  for (const char* name : {"plain.csv", "plain.hea", "plain.edf", "plain.dcm", "plain.xml"}) {
    EXPECT_THAT(Of(plain, name), IsEmpty()) << name;
  }
}

}  // namespace
}  // namespace ecg

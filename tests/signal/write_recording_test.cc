#include "ecg/signal/write_recording.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Expects that `read` has what `written` has, to within half a step of the one with the coarser steps, and in a table
// to all digits.
void ExpectSame(const Recording& read, const Recording& written) {
  EXPECT_EQ(read.strips.size(), written.strips.size());
  for (size_t s = 0; s < std::min(read.strips.size(), written.strips.size()); ++s) {
    const Strip& a = read.strips[s];
    const Strip& b = written.strips[s];
    EXPECT_EQ(a.kind, b.kind);
    EXPECT_NEAR(a.sampling_frequency_hz, b.sampling_frequency_hz, 1e-7 * b.sampling_frequency_hz);
    ASSERT_EQ(a.channels.size(), b.channels.size());
    ASSERT_EQ(a.samples(), b.samples());
    for (size_t c = 0; c < a.channels.size(); ++c) {
      EXPECT_EQ(a.channels[c].name, b.channels[c].name);
      const double tolerance = a.channels[c].step_mv / 2 + 1e-6;
      for (size_t i = 0; i < a.samples(); ++i) {
        const float mv = a.channels[c].mv[i], expected = b.channels[c].mv[i];
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(mv)) << i;
        } else {
          ASSERT_NEAR(mv, expected, tolerance + 2e-7 * std::abs(expected)) << a.channels[c].name << " " << i;
        }
      }
    }
  }
}

class WriteRecordingTest : public testing::Test {
 protected:
  WriteRecordingTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~WriteRecordingTest() override { fs::remove_all(folder_); }

  // A lead in steps, one in none, and one with another name.
  static Recording MakeRecording(double rate = 500) {
    Recording recording;
    recording.machine = "Maker & <Model>";
    recording.recorded_at = "2001-12-25T12:34:56";
    recording.sex = "female";
    recording.age_years = 61;
    Strip strip;
    strip.sampling_frequency_hz = rate;
    strip.channels = {Channel{.name = "aVR", .mv = {}, .step_mv = 0.00488, .derived = false},
                      Channel{.name = "V3R", .mv = {}, .step_mv = 0, .derived = false},
                      Channel{.name = "ch0", .mv = {}, .step_mv = 0.001, .derived = false}};
    for (int i = 0; i < 700; ++i) {
      strip.channels[0].mv.push_back(static_cast<float>((i * 37 % 400 - 200) * 0.00488));
      strip.channels[1].mv.push_back(static_cast<float>(std::sin(i * 0.1) * 2.5));
      strip.channels[2].mv.push_back(static_cast<float>((i % 7) * 0.001));
    }
    recording.strips.push_back(strip);
    return recording;
  }

  std::string Message(const Recording& recording, const std::string& name, absl::string_view format = "") {
    return std::string(WriteRecording(recording, folder_ / name, format).message());
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "write_recording_test";
};

TEST_F(WriteRecordingTest, GivesTheSameSamplesWhenReadBack) {
  for (const double rate : {500.0, 512.508, 599.880023995201}) {
    const Recording recording = MakeRecording(rate);
    for (const std::string name : {"a.csv", "a.hea", "a.xml"}) {
      SCOPED_TRACE(absl::StrCat(name, " ", rate));
      ASSERT_TRUE(WriteRecording(recording, folder_ / name).ok()) << WriteRecording(recording, folder_ / name);
      const absl::StatusOr<Recording> read = ReadRecording(folder_ / name);
      ASSERT_TRUE(read.ok()) << read.status();
      ExpectSame(*read, recording);
      if (name == "a.csv") continue;
      EXPECT_EQ(read->recorded_at, recording.recorded_at);
      EXPECT_EQ(read->sex, "female");
      EXPECT_EQ(read->age_years, 61);
      EXPECT_NEAR(read->strips[0].channels[0].step_mv, 0.00488, 1e-9);
    }
  }
}

TEST_F(WriteRecordingTest, KeepsMissingSamplesWhereTheFormatHasThem) {
  Recording recording = MakeRecording();
  recording.strips[0].channels[0].mv[3] = NAN;
  recording.strips[0].channels[1].mv[699] = NAN;
  for (const std::string name : {"a.csv", "a.hea"}) {
    ASSERT_TRUE(WriteRecording(recording, folder_ / name).ok());
    ExpectSame(ReadRecording(folder_ / name).value(), recording);
  }
  EXPECT_THAT(Message(recording, "a.xml"),
              HasSubstr("a.xml: HL7 aECG cannot hold a missing sample, and lead aVR has one"));
  EXPECT_FALSE(fs::exists(folder_ / "a.xml"));
}

TEST_F(WriteRecordingTest, RefusesWhatTheFormatCannotHold) {
  Recording recording = MakeRecording();
  recording.strips.push_back(recording.strips[0]);
  EXPECT_THAT(Message(recording, "a.csv"), HasSubstr("a table holds one strip, and the recording has 2"));
  EXPECT_THAT(Message(recording, "a.hea"), HasSubstr("a WFDB record holds one strip, and the recording has 2"));
  EXPECT_THAT(Message(MakeRecording(), "a b.hea"), HasSubstr("does not allow the record name \"a b\""));
  recording = MakeRecording();
  recording.strips[0].channels[2].name = "sine 5Hz";
  EXPECT_THAT(Message(recording, "a.xml"), HasSubstr("HL7 aECG has no code for a lead called \"sine 5Hz\""));
  recording.strips[0].channels[2].name = "two\nlines";
  EXPECT_THAT(Message(recording, "a.hea"), HasSubstr("does not allow the lead name"));
  recording.strips[0].kind = Strip::Kind::kRepresentativeBeat;
  EXPECT_THAT(Message(recording, "a.xml"), HasSubstr("there is no rhythm"));
  EXPECT_TRUE(fs::is_empty(folder_)) << "nothing is left of what was refused";
}

TEST_F(WriteRecordingTest, KeepsBeatsInAecg) {
  Recording recording = MakeRecording();
  recording.strips.push_back(recording.strips[0]);
  recording.strips[1].kind = Strip::Kind::kRepresentativeBeat;
  ASSERT_TRUE(WriteRecording(recording, folder_ / "a", "aecg").ok());
  ExpectSame(ReadRecording(folder_ / "a").value(), recording);
}

TEST_F(WriteRecordingTest, NamesTheFormatsThatCanBeWritten) {
  EXPECT_THAT(Message(MakeRecording(), "a.doc"), HasSubstr("csv (.csv), wfdb (.hea), aecg (.xml)"));
  EXPECT_THAT(Message(MakeRecording(), "a.csv", "doc"), HasSubstr("the format \"doc\" cannot be written"));
  EXPECT_TRUE(HoldsOneStrip("a.csv").value());
  EXPECT_FALSE(HoldsOneStrip("a", "aecg").value());
}

TEST_F(WriteRecordingTest, ConvertsFilesOfOtherMachines) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/ to run this test";
  for (const std::string file : {"muse/braveheart_example1.xml", "philips/pagewriter_1_04_15lead.xml",
                                 "aecg/fda_subject1_0.xml", "apple_csv/apple_watch_a.csv"}) {
    Recording recording = ReadRecording(fs::path(shared) / "formats" / file).value();
    std::erase_if(recording.strips, [](const Strip& strip) { return strip.kind != Strip::Kind::kRhythm; });
    for (const std::string name : {"a.csv", "a.hea", "a.xml"}) {
      SCOPED_TRACE(absl::StrCat(file, " ", name));
      ASSERT_TRUE(WriteRecording(recording, folder_ / name).ok());
      ExpectSame(ReadRecording(folder_ / name).value(), recording);
    }
  }
}

}  // namespace
}  // namespace ecg

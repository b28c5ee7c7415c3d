#include "ecg/signal/sample_table.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/mutated_file.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::NanSensitiveFloatEq;

absl::StatusOr<Recording> Read(absl::string_view text, const RecordingOptions& options = {}) {
  const RecordingFile file = {.path = "", .bytes = text, .options = options};
  EXPECT_TRUE(SampleTable::Recognises(file)) << text;
  return SampleTable::Read(file);
}

std::string Message(absl::string_view text, const RecordingOptions& options = {}) {
  return std::string(Read(text, options).status().message());
}

RecordingOptions Options(std::vector<std::string> leads, std::string unit, double rate) {
  return {.leads = std::move(leads), .unit = std::move(unit), .sampling_frequency_hz = rate};
}

TEST(SampleTableTest, ReadsLeadsUnitsAndRateFromTheHeader) {
  const Recording recording = Read("time (s),I (mV),aVR [uV],V1_mV\n0,1,2,3\n0.002,-1,NaN,\n0.004,5,6e1,7\n").value();
  EXPECT_EQ(recording.format, "table, comma-separated");
  const Strip& strip = recording.strips[0];
  EXPECT_EQ(strip.sampling_frequency_hz, 500);
  ASSERT_EQ(strip.channels.size(), 3);
  EXPECT_THAT(strip.channels[0].mv, ElementsAre(FloatEq(1), FloatEq(-1), FloatEq(5)));
  EXPECT_EQ(strip.channels[1].name, "aVR");
  EXPECT_THAT(strip.channels[1].mv, ElementsAre(FloatEq(0.002), NanSensitiveFloatEq(NAN), FloatEq(0.06)));
  EXPECT_THAT(strip.channels[2].mv, ElementsAre(FloatEq(3), NanSensitiveFloatEq(NAN), FloatEq(7)));
}

TEST(SampleTableTest, TakesFromTheUserWhatTheTableDoesNotSay) {
  const Recording recording = Read("1,2\n3,4\n", Options({"lead II", "-"}, "uV", 512.508)).value();
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 512.508);
  ASSERT_EQ(recording.strips[0].channels.size(), 1);
  EXPECT_EQ(recording.strips[0].channels[0].name, "II");
  EXPECT_THAT(recording.strips[0].channels[0].mv, ElementsAre(FloatEq(0.001), FloatEq(0.003)));
}

TEST(SampleTableTest, NeverGuesses) {
  EXPECT_THAT(Message("1,2\n3,4\n"), HasSubstr("does not name its leads; name each of its 2 columns with --leads"));
  EXPECT_THAT(Message("I,II\n3,4\n"),
              HasSubstr("does not say how many samples a second it has; give the number with --rate"));
  EXPECT_THAT(Message("I,II\n3,4\n", Options({}, "", 500)), HasSubstr("in which unit I is; give it with --unit=mV"));
  EXPECT_THAT(Message("time,I\n0,4\n1,5\n", Options({}, "mV", 0)), HasSubstr("call it \"time (s)\" or \"time (ms)\""));
  EXPECT_THAT(Message("1,2\n3,4\n", Options({"I"}, "mV", 500)), HasSubstr("has 2 columns, but --leads names 1"));
  EXPECT_THAT(Message("I (mV)\n3\n4\n", Options({}, "uV", 500)), HasSubstr("is in mV, but --unit says uV"));
  EXPECT_THAT(Message("time (s),I (mV)\n0,4\n1,5\n", Options({}, "", 2)),
              HasSubstr("says 1 samples a second, but --rate says 2"));
}

TEST(SampleTableTest, ReadsEverySeparator) {
  const RecordingOptions options = Options({}, "mV", 500);
  for (const absl::string_view text :
       {"I;II\r\n1,5;-2,25\r\n3;4\r\n", "\xEF\xBB\xBFI\tII\n1.5\t-2.25\n3\t4\n", "I,II\n1.5,-2.25\n\n3,4",
        "# a comment\n\"I\" , \"II\"\n 1.5 , -2.25\n3,4\n", "I   II\n1.5  -2.25\n3 4\n", "I,II,\n1.5,-2.25,\n3,4,\n"}) {
    SCOPED_TRACE(text);
    const absl::StatusOr<Recording> recording = Read(text, options);
    ASSERT_TRUE(recording.ok()) << recording.status();
    ASSERT_EQ(recording->strips[0].channels.size(), 2);
    EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(FloatEq(1.5), FloatEq(3)));
    EXPECT_THAT(recording->strips[0].channels[1].mv, ElementsAre(FloatEq(-2.25), FloatEq(4)));
  }
  const Recording one = Read("I\n1,5\n-2\n", options).value();
  EXPECT_THAT(one.strips[0].channels[0].mv, ElementsAre(FloatEq(1.5), FloatEq(-2)));
}

TEST(SampleTableTest, ReadsUtf16) {
  std::string text = "\xFF\xFE";
  for (const char c : absl::string_view("I\tII\n1\t2\n3\t4\n")) text += {c, '\0'};
  EXPECT_EQ(Read(text, Options({}, "mV", 500)).value().strips[0].channels[1].name, "II");
}

TEST(SampleTableTest, ReadsTheUnitsAndClockOfPhysioNet) {
  const Recording recording =
      Read("'Elapsed time','i','v1'\n'hh:mm:ss.mmm','mV','uV'\n'0:00.000',1,2000\n'0:00.004',3,4000\n").value();
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 250);
  EXPECT_EQ(recording.strips[0].channels[0].name, "I");
  EXPECT_THAT(recording.strips[0].channels[1].mv, ElementsAre(FloatEq(2), FloatEq(4)));
}

TEST(SampleTableTest, TellsTheRateFromRoundedTimes) {
  std::string text = "time (ms);I (mV)\n";
  for (int i = 0; i < 3600; ++i) absl::StrAppendFormat(&text, "%.0f;0,5\n", i * 1000 / 360.0);
  EXPECT_EQ(Read(text).value().strips[0].sampling_frequency_hz, 360);
  text = "seconds,I (mV)\n";
  for (int i = 0; i < 3000; ++i) absl::StrAppendFormat(&text, "%.9f,0.5\n", i / 512.508);
  EXPECT_NEAR(Read(text).value().strips[0].sampling_frequency_hz, 512.508, 1e-6);
  EXPECT_THAT(Message("time (s),I (mV)\n0,1\n0.1,1\n0.2,1\n0.9,1\n1,1\n"), HasSubstr("samples are missing there"));
  EXPECT_THAT(Message("time (s),I (mV)\n0,1\n0,1\n"), HasSubstr("which is no rate"));
}

TEST(SampleTableTest, LeavesOutColumnsThatAreNoLeads) {
  const Recording recording = Read(",I,beat,V1\n0,1,N,2\n1,3,.,4\n", Options({}, "mV", 500)).value();
  EXPECT_THAT(recording.notes, ElementsAre("the column beat is left out: \"N\" is no number"));
  ASSERT_EQ(recording.strips[0].channels.size(), 2);
  EXPECT_EQ(recording.strips[0].channels[1].name, "V1");
}

TEST(SampleTableTest, SaysWhereARowIsWrong) {
  const RecordingOptions options = Options({}, "mV", 500);
  EXPECT_THAT(Message("I,II\n1,2\n3\n", options), HasSubstr("line 3: 1 cells, but there are 2 columns"));
  EXPECT_THAT(Message("I,II\n1,2\n3,x\n", options), HasSubstr("line 3, column II: \"x\" is not a number"));
  EXPECT_THAT(Message("I,II\n1,2\n3,inf\n", options), HasSubstr("line 3, column II: \"inf\" is not a number"));
}

TEST(SampleTableTest, IsTextWithNumbers) {
  for (const absl::string_view bytes :
       {"", "hello\nworld\n", "<a>1,2\n3,4\n</a>", "{\"a\": 1}\n", "1,2\n\x01\x02\n", "%PDF-1.4\n1 2\n"}) {
    EXPECT_FALSE(SampleTable::Recognises(RecordingFile{.path = "", .bytes = bytes})) << bytes;
  }
}

TEST(SampleTableTest, SurvivesDamage) {
  std::string text = "time (s),I (mV),II (mV)\n";
  for (int i = 0; i < 20; ++i) absl::StrAppend(&text, i / 500.0, ",", i * 0.1, ",-", i, "e-2\n");
  ExpectSurvivesMutations<SampleTable>(text, 4000);
}

}  // namespace
}  // namespace ecg

#include "ecg/signal/apple_csv.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/mutated_file.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

constexpr absl::string_view kEnglish =
    "Name,Test Subject\nDate of Birth,\"Jan 01, 1900\"\nRecorded Date,2000-01-01 12:58:58 +0800\n"
    "Classification,Sinus Rhythm\nSymptoms,\nSoftware Version,1.90\nDevice,\"Watch5,1\"\nAverage Heart Rate,64 BPM\n"
    "Sample Rate,513.625 hertz\n\n\nLead,Lead I\nUnit,µV\n\n27.648\n-26.053\n0\n";

// The decimal comma is not quoted, and the space before the unit does not break.
constexpr absl::string_view kGerman =
    "\xEF\xBB\xBFName,\"Test, Person\"\r\nGeburtsdatum,01.01.1900\r\nAufgezeichnet am,2000-01-01 12:58:58 +0100\r\n"
    "Klassifizierung,Sinusrhythmus\r\nSoftwareversion,2.0\r\nGerät,\"Watch7,11\"\r\nMessrate,\"511,"
    "562\xC2\xA0Hertz\"\r\n"
    "\r\nAbleitung,Ableitung I\r\nEinheit,µV\r\n\r\n-265,868\r\n12\r\n0,5\r\n";

absl::StatusOr<Recording> Read(absl::string_view bytes) {
  return AppleCsv::Read(RecordingFile{.path = "", .bytes = bytes});
}

TEST(AppleCsvTest, ReadsTheFilesAsIndependentReadersDo) {
  if (ExpectSharedRecordings<AppleCsv>("apple_csv") == 0) {
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/apple_csv to run this test";
  }
}

TEST(AppleCsvTest, ReadsTheRateAsPrinted) {
  const Recording recording = Read(kEnglish).value();
  EXPECT_EQ(recording.format, "Apple Health CSV 1.90");
  EXPECT_EQ(recording.machine, "Apple Watch5,1");
  EXPECT_EQ(recording.recorded_at, "2000-01-01T12:58:58");
  ASSERT_EQ(recording.strips.size(), 1);
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 513.625);
  EXPECT_EQ(recording.strips[0].channels[0].name, "I");
  EXPECT_THAT(recording.strips[0].channels[0].mv, ElementsAre(FloatEq(0.027648), FloatEq(-0.026053), FloatEq(0)));
}

TEST(AppleCsvTest, ReadsOtherLanguagesAndDecimalCommas) {
  EXPECT_TRUE(AppleCsv::Recognises(RecordingFile{.path = "", .bytes = kGerman}));
  const Recording recording = Read(kGerman).value();
  EXPECT_EQ(recording.machine, "Apple Watch7,11");
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 511.562);
  EXPECT_THAT(recording.strips[0].channels[0].mv, ElementsAre(FloatEq(-0.265868), FloatEq(0.012), FloatEq(0.0005)));
  const std::string chinese = absl::StrReplaceAll(kEnglish, {{"513.625 hertz", "512 赫兹"}, {"Lead I", "导联 I"}});
  EXPECT_EQ(Read(chinese).value().strips[0].sampling_frequency_hz, 512);
}

TEST(AppleCsvTest, ReadsWhatASpreadsheetMadeOfIt) {
  const std::string saved = absl::StrReplaceAll(kEnglish, {{"\n", ",\r\n"}});
  EXPECT_TRUE(AppleCsv::Recognises(RecordingFile{.path = "", .bytes = saved}));
  EXPECT_EQ(Read(saved).value().strips[0].samples(), 3);
}

TEST(AppleCsvTest, IsNoOtherTable) {
  EXPECT_FALSE(AppleCsv::Recognises(RecordingFile{.path = "", .bytes = "I,II\n1,2\n"}));
  EXPECT_FALSE(AppleCsv::Recognises(RecordingFile{.path = "", .bytes = "time (s),I (mV)\n0,2\n"}));
  EXPECT_FALSE(AppleCsv::Recognises(RecordingFile{.path = "", .bytes = ""}));
}

TEST(AppleCsvTest, SaysWhatIsWrong) {
  const auto message = [](absl::string_view from, absl::string_view to) {
    return std::string(Read(absl::StrReplaceAll(kEnglish, {{from, to}})).status().message());
  };
  EXPECT_THAT(message("hertz", "5"), HasSubstr("no line states the rate"));
  EXPECT_THAT(message("µV", "volt-ish"), HasSubstr("no line states the unit"));
  EXPECT_THAT(message("-26.053", "-26,0,53"), HasSubstr("line 16: \"-26.0.53\" is not a number"));
  EXPECT_THAT(message("\n\n27.648\n-26.053\n0\n", ""), HasSubstr("no line has a sample"));
}

TEST(AppleCsvTest, SurvivesDamage) { ExpectSurvivesMutations<AppleCsv>(std::string(kEnglish), 4000); }

}  // namespace
}  // namespace ecg

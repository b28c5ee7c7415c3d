#include "ecg/signal/edf.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/damaged_recording.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// TestSignal is the head of a signal.
struct TestSignal {
  std::string label = "ECG II";
  std::string unit = "uV";
  std::string physical_min = "-32768", physical_max = "32767";
  std::string digital_min = "-32768", digital_max = "32767";
  std::string filters = "";
  int samples = 2;
};

std::string Field(absl::string_view text, size_t width) {
  std::string field(text);
  field.resize(width, ' ');
  return field;
}

struct TestFile {
  std::string version = "0";
  std::string patient = "X F 02-MAY-1951 X";
  std::string recording = "Startdate 01-MAY-2021 X X Some_Machine";
  std::string reserved = "EDF+C";
  std::string records = "2";
  std::string seconds = "0.5";
  std::vector<TestSignal> signals = {{}};

  // With returns the file with the content of its records.
  std::string With(const std::string& body) const {
    std::string bytes = Field(version, 8) + Field(patient, 80) + Field(recording, 80) + "01.05.21" + "13.14.15" +
                        Field(absl::StrCat(256 * (1 + signals.size())), 8) + Field(reserved, 44) + Field(records, 8) +
                        Field(seconds, 8) + Field(absl::StrCat(signals.size()), 4);
    for (const TestSignal& signal : signals) bytes += Field(signal.label, 16);
    for (size_t i = 0; i < signals.size(); ++i) bytes += Field("", 80);
    for (const TestSignal& signal : signals) bytes += Field(signal.unit, 8);
    for (const TestSignal& signal : signals) bytes += Field(signal.physical_min, 8);
    for (const TestSignal& signal : signals) bytes += Field(signal.physical_max, 8);
    for (const TestSignal& signal : signals) bytes += Field(signal.digital_min, 8);
    for (const TestSignal& signal : signals) bytes += Field(signal.digital_max, 8);
    for (const TestSignal& signal : signals) bytes += Field(signal.filters, 80);
    for (const TestSignal& signal : signals) bytes += Field(absl::StrCat(signal.samples), 8);
    for (size_t i = 0; i < signals.size(); ++i) bytes += Field("", 32);
    return bytes + body;
  }
};

std::string Numbers(const std::vector<int>& numbers, size_t bytes_each = 2) {
  std::string bytes;
  for (const int number : numbers) {
    for (size_t i = 0; i < bytes_each; ++i) bytes += static_cast<char>(number >> (8 * i));
  }
  return bytes;
}

// Texts returns the bytes of an annotation signal; | stands for the end of a text, ~ for the end of a list.
std::string Texts(std::string text, size_t bytes) {
  for (char& c : text) c = c == '|' ? '\x14' : c == '~' ? '\0' : c == '^' ? '\x15' : c;
  text.resize(bytes, '\0');
  return text;
}

absl::StatusOr<Recording> Read(const std::string& bytes) { return Edf::Read({.path = "", .bytes = bytes}); }

TEST(EdfTest, ReadsRealEdfFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<Edf>("edf") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(EdfTest, ReadsRealBdfFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<Edf>("bdf") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(EdfTest, ScalesByTheRangesWhichMayBeInverted) {
  TestFile file;
  file.signals[0] = {.unit = "mV", .physical_min = "5", .physical_max = "-5", .digital_min = "0", .digital_max = "10"};
  const std::string bytes = file.With(Numbers({0, 10, 5, 11}));
  EXPECT_TRUE(Edf::Recognises({.path = "", .bytes = bytes}));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips.size(), 1u);
  EXPECT_EQ(recording->strips[0].sampling_frequency_hz, 4);
  EXPECT_EQ(recording->strips[0].channels[0].name, "II");
  EXPECT_EQ(recording->strips[0].channels[0].step_mv, 1);
  EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(5, -5, 0, -6));
}

TEST(EdfTest, ReadsWhoWasRecordedWhenAndWithWhat) {
  TestFile file;
  file.signals[0].filters = "HP:0.05Hz LP:150Hz N:50Hz";
  const absl::StatusOr<Recording> recording = Read(file.With(Numbers({0, 0, 0, 0})));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->format, "EDF+C");
  EXPECT_EQ(recording->sex, "female");
  EXPECT_EQ(recording->age_years, 69);  // one day before the 70th birthday
  EXPECT_EQ(recording->machine, "Some Machine");
  EXPECT_EQ(recording->recorded_at, "2021-05-01T13:14:15");
  EXPECT_EQ(recording->filters, "high-pass 0.05 Hz, low-pass 150 Hz, notch 50 Hz");
  EXPECT_THAT(recording->notes, IsEmpty());
}

TEST(EdfTest, KeepsTheWordsForFiltersThatItDoesNotKnow) {
  TestFile file;
  file.signals[0].filters = "Enhanced Filter, 50Hz mains";
  EXPECT_EQ(Read(file.With(Numbers({0, 0, 0, 0})))->filters, "Enhanced Filter, 50Hz mains");
}

TEST(EdfTest, MakesAStripOfEachRate) {
  TestFile file;
  file.signals = {{.label = "ECG I", .samples = 2}, {.label = "ECG V1", .samples = 1}, {.label = "ECG V2"}};
  const absl::StatusOr<Recording> recording = Read(file.With(Numbers({1, 2, 3, 4, 5, 6, 7, 8, 9, 10})));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips.size(), 2u);
  EXPECT_EQ(recording->strips[0].sampling_frequency_hz, 4);
  EXPECT_EQ(recording->strips[0].channels[1].name, "V2");
  EXPECT_THAT(recording->strips[0].channels[1].mv, ElementsAre(.004f, .005f, .009f, .010f));
  EXPECT_EQ(recording->strips[1].sampling_frequency_hz, 2);
  EXPECT_THAT(recording->strips[1].channels[0].mv, ElementsAre(.003f, .008f));
}

TEST(EdfTest, MakesAStripOfEachPartBetweenInterruptions) {
  TestFile file;
  file.reserved = "EDF+D";
  file.records = "3";
  file.signals.push_back({.label = "EDF Annotations", .unit = "", .samples = 14});
  const std::string body = Numbers({1, 2}) + Texts("+0.25||~+0.5^2|Beat|Other|~", 28) + Numbers({3, 4}) +
                           Texts("+0.75||~", 28) + Numbers({5, 6}) + Texts("+7.25||~", 28);
  const absl::StatusOr<Recording> recording = Read(file.With(body));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips.size(), 2u);
  EXPECT_EQ(recording->strips[0].samples(), 4u);
  EXPECT_EQ(recording->strips[1].samples(), 2u);
  EXPECT_EQ(recording->strips[1].start_seconds, 7);
  EXPECT_EQ(recording->recorded_at, "2021-05-01T13:14:15.25");
  ASSERT_EQ(recording->annotations.size(), 2u);
  EXPECT_EQ(recording->annotations[1].text, "Other");
  EXPECT_EQ(recording->annotations[1].start_seconds, 0.25);
  EXPECT_EQ(recording->annotations[1].duration_seconds, 2);
}

TEST(EdfTest, ReadsNumbersOf24Bits) {
  TestFile file;
  file.version =
      "\xFF"
      "BIOSEMI";
  file.reserved = "24BIT";
  file.signals[0] = {
      .physical_min = "-8388608", .physical_max = "8388607", .digital_min = "-8388608", .digital_max = "8388607"};
  const absl::StatusOr<Recording> recording = Read(file.With(Numbers({-8388608, -1, 65536, 8388607}, 3)));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->format, "BDF");
  EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(-8388.608f, -.001f, 65.536f, 8388.607f));
}

TEST(EdfTest, TakesWhatIsOutsideTheRangeForMissing) {
  TestFile file;
  file.signals[0] = {.physical_min = "-32767", .digital_min = "-32767"};
  const absl::StatusOr<Recording> recording = Read(file.With(Numbers({-32768, -32767, 0, 1})));
  ASSERT_TRUE(recording.ok());
  EXPECT_TRUE(std::isnan(recording->strips[0].channels[0].mv[0]));
  EXPECT_EQ(recording->strips[0].channels[0].mv[1], -32.767f);
}

TEST(EdfTest, LeavesOutWhatIsNoVoltageAndSaysSo) {
  TestFile file;
  file.signals = {{.label = "SpO2", .unit = "%"},
                  {.label = "ECG V1", .unit = "\xB5V"},
                  {.label = "Status", .unit = ""},
                  {.label = "V2", .unit = ".V"},
                  {.label = "V3", .unit = ""}};
  const absl::StatusOr<Recording> recording = Read(file.With(Numbers(std::vector<int>(20, 1000))));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips[0].channels.size(), 3u);
  for (const Channel& channel : recording->strips[0].channels) EXPECT_EQ(channel.mv[0], 1) << channel.name;
  EXPECT_THAT(recording->notes,
              ElementsAre("the unit of V2 is \".V\"; taken as uV", "the unit of V3 is not stated; taken as uV",
                          "left out, as they are no voltages: SpO2 (%), Status (no unit)"));
  file.signals = {{.label = "SpO2", .unit = "%"}};
  EXPECT_THAT(Read(file.With(Numbers({1, 1, 1, 1}))).status().message(), HasSubstr("no signal is a voltage; left out"));
}

TEST(EdfTest, SaysHowManyRecordsAreThere) {
  TestFile file;
  EXPECT_THAT(Read(file.With(Numbers({1, 2, 3})))->notes,
              ElementsAre("the header states 2 records, 1 found: the file is cut short"));
  EXPECT_THAT(Read(file.With(Numbers({1, 2, 3, 4, 5})))->notes,
              ElementsAre("2 bytes behind the last record are left out"));
  file.records = "-1";
  const absl::StatusOr<Recording> recording = Read(file.With(Numbers({1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(recording->strips[0].samples(), 6u);
  EXPECT_THAT(recording->notes, ElementsAre("the header does not state how many records there are; 3 found"));
}

TEST(EdfTest, SaysWhatIsWrong) {
  const auto error = [](const std::string& bytes) { return std::string(Read(bytes).status().message()); };
  EXPECT_THAT(error("hello"), HasSubstr("neither 0 nor BIOSEMI"));
  EXPECT_THAT(error("0       "), HasSubstr("256 bytes expected, 8 found"));
  TestFile file;
  EXPECT_THAT(error(file.With("").substr(0, 300)), HasSubstr("512 bytes for 1 signals expected, 300 bytes found"));
  EXPECT_THAT(error(file.With("")), HasSubstr("no record of 4 bytes behind the header of 512 bytes"));
  file.seconds = "?";
  EXPECT_THAT(error(file.With("")), HasSubstr("bytes 236 to 255"));
  file.seconds = "0";
  EXPECT_THAT(error(file.With(Numbers({1, 1, 1, 1}))), HasSubstr("lasts 0 s"));
  file.seconds = "1";
  file.signals[0].digital_max = "many";
  EXPECT_THAT(error(file.With(Numbers({1, 1, 1, 1}))),
              HasSubstr("signal 1 (ECG II): the digital maximum is \"many\", a number expected"));
}

TEST(EdfTest, SurvivesDamage) {
  TestFile file;
  file.reserved = "EDF+D";
  file.records = "3";
  file.signals = {{.label = "ECG I", .samples = 5},
                  {.label = "ECG V1", .samples = 3},
                  {.label = "EDF Annotations", .unit = "", .samples = 12}};
  std::string body;
  for (const char* at : {"+0||~+1|x|~", "+0.5||~", "+7||~"}) body += Numbers({1, 2, 3, 4, 5, 6, 7, 8}) + Texts(at, 24);
  const std::string bytes = file.With(body);
  ExpectSurvivesDamage<Edf>(bytes, bytes.size(), 10000, bytes.size());
}

TEST(EdfTest, SurvivesDamageOfRealFiles) {
  for (const char* folder : {"edf", "bdf"}) {
    for (const SharedRecording& file : SharedRecordings(folder)) {
      SCOPED_TRACE(file.path.string());
      ExpectSurvivesDamage<Edf>(file.bytes, 50, 200, 4000);
    }
  }
  EXPECT_LT(MostMemoryMb(), 700);
}

}  // namespace
}  // namespace ecg

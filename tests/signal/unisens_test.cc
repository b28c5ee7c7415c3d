#include "ecg/signal/unisens.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/signal/mutated_file.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::NanSensitiveFloatEq;

constexpr absl::string_view kFile =
    "<?xml version=\"1.0\"?><unisens xmlns=\"http://www.unisens.org/unisens2.0\" version=\"2.0\" "
    "timestampStart=\"2001-02-03T04:05:06.700\">\n"
    "<signalEntry id=\"little.bin\" contentClass=\"ECG\" dataType=\"int16\" sampleRate=\"250\" unit=\"uV\" "
    "lsbValue=\"2.5\" "
    "adcZero=\"10\"><binFileFormat endianess=\"LITTLE\"/><channel name=\"ECG II\"/><channel "
    "name=\"b\"/></signalEntry>\n"
    "<signalEntry id=\"big.bin\" contentClass=\"ecg\" dataType=\"FLOAT\" sampleRate=\"500\" unit=\"mV\" baseline=\"1\">"
    "<binFileFormat endianess=\"BIG\"/><channel name=\"\"/></signalEntry>\n"
    "<signalEntry id=\"text.csv\" contentClass=\"ECG\" dataType=\"double\" sampleRate=\"1\" unit=\"V\">"
    "<csvFileFormat separator=\";\" decimalSeparator=\",\"/><channel name=\"I\"/><channel name=\"V1\"/></signalEntry>\n"
    "<signalEntry id=\"motion.bin\" contentClass=\"ACC\" dataType=\"int16\" sampleRate=\"64\" unit=\"g\"/></unisens>\n";

class UnisensTest : public testing::Test {
 protected:
  UnisensTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    Write("little.bin", std::string("\x0A\0\x0B\0\x09\0\xFF\x7F", 8));
    Write("big.bin", std::string("\x3F\x80\0\0\x7F\xC0\0\0", 8));
    Write("text.csv", "0,001;2\r\n-0,5;NaN\r\n");
  }
  ~UnisensTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, absl::string_view bytes) { ASSERT_TRUE(WriteFile(folder_ / name, bytes).ok()); }

  absl::StatusOr<Recording> Read(absl::string_view bytes, const RecordingOptions& options = {}) {
    return Unisens::Read(RecordingFile{.path = folder_ / "unisens.xml", .bytes = bytes, .options = options});
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "unisens_test";
};

TEST_F(UnisensTest, ReadsTheFilesAsIndependentReadersDo) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/unisens to run this test";
  const fs::path folder = fs::path(shared) / "formats" / "unisens";
  const std::string bytes = ReadFile(folder / "example_003_60s" / "unisens.xml").value();
  const Recording recording =
      Unisens::Read(RecordingFile{.path = folder / "example_003_60s" / "unisens.xml", .bytes = bytes}).value();
  ExpectRecording(recording, nlohmann::json::parse(ReadFile(folder / "example_003_60s.expected.json").value()));
}

TEST_F(UnisensTest, ReadsEachEntryInItsOwnTypeOrderAndScale) {
  const Recording recording = Read(kFile).value();
  EXPECT_EQ(recording.format, "UNISENS 2.0");
  EXPECT_EQ(recording.recorded_at, "2001-02-03T04:05:06");
  EXPECT_THAT(recording.notes, ElementsAre("the entry motion.bin is left out: it is no ECG"));
  ASSERT_EQ(recording.strips.size(), 3);
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 250);
  EXPECT_EQ(recording.strips[0].channels[0].name, "II");
  EXPECT_THAT(recording.strips[0].channels[0].mv, ElementsAre(FloatEq(0), FloatEq(-0.0025)));
  EXPECT_THAT(recording.strips[0].channels[1].mv, ElementsAre(FloatEq(0.0025), FloatEq(81.8925)));
  EXPECT_EQ(recording.strips[1].channels[0].name, "CH1");
  EXPECT_THAT(recording.strips[1].channels[0].mv, ElementsAre(FloatEq(0), NanSensitiveFloatEq(NAN)));
  EXPECT_THAT(recording.strips[2].channels[0].mv, ElementsAre(FloatEq(1), FloatEq(-500)));
  EXPECT_THAT(recording.strips[2].channels[1].mv, ElementsAre(FloatEq(2000), NanSensitiveFloatEq(NAN)));
}

TEST_F(UnisensTest, NeverReadsAFileOutsideTheFolder) {
  for (const absl::string_view id : {"../little.bin", "/etc/passwd", "a/b", "..", ""}) {
    const std::string file = absl::StrReplaceAll(kFile, {{"little.bin", id}});
    EXPECT_THAT(std::string(Read(file).status().message()), HasSubstr("the id is not the name of a file")) << id;
  }
}

TEST_F(UnisensTest, SaysWhatIsWrong) {
  const auto message = [&](absl::string_view from, absl::string_view to) {
    return std::string(Read(absl::StrReplaceAll(kFile, {{from, to}})).status().message());
  };
  EXPECT_THAT(message("unit=\"uV\"", ""), HasSubstr("entry little.bin: no unit; say which one with --unit"));
  EXPECT_THAT(message("int16", "int17"), HasSubstr("the dataType \"int17\" is not supported"));
  EXPECT_THAT(message("\"250\"", "\"0\""), HasSubstr("sampleRate is 0"));
  EXPECT_THAT(message("little.bin", "none.bin"), HasSubstr("cannot read"));
  EXPECT_THAT(message("csvFileFormat", "xmlFileFormat"), HasSubstr("only binary files and CSV are supported"));
  const std::string silent = absl::StrReplaceAll(kFile, {{"unit=\"uV\"", ""}});
  EXPECT_FLOAT_EQ(Read(silent, {.leads = {}, .unit = "mV"}).value().strips[0].channels[0].mv[1], -2.5);
}

TEST_F(UnisensTest, TakesEveryVoltageWhereNoEntryIsCalledEcg) {
  const Recording recording =
      Read(absl::StrReplaceAll(kFile, {{"contentClass=\"ECG\"", ""}, {"\"ecg\"", "\"\""}})).value();
  EXPECT_EQ(recording.strips.size(), 3);
  EXPECT_THAT(recording.notes, ElementsAre("the entry motion.bin is left out: it is no ECG"));
}

TEST_F(UnisensTest, NotesBytesThatAreNoWholeFrame) {
  Write("little.bin", "\x0A\x01\x0B\x01\x09");
  EXPECT_THAT(Read(kFile).value().notes[0],
              "the entry little.bin ends in 1 bytes that are not samples of all channels");
}

TEST_F(UnisensTest, SurvivesDamage) {
  ForEachMutation(std::string(kFile), 3000, [&](absl::string_view bytes) {
    const absl::StatusOr<Recording> recording = Read(bytes);
    if (!recording.ok()) return;
    for (const Strip& strip : recording->strips) {
      for (const Channel& channel : strip.channels) EXPECT_EQ(channel.mv.size(), strip.samples());
    }
  });
}

}  // namespace
}  // namespace ecg

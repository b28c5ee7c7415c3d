#include "ecg/signal/read_recording.h"

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/mat_file.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;
using ::testing::NanSensitiveFloatEq;

class ReadRecordingTest : public testing::Test {
 protected:
  ReadRecordingTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~ReadRecordingTest() override { fs::remove_all(folder_); }

  fs::path Write(const std::string& name, absl::string_view bytes) {
    EXPECT_TRUE(WriteFile(folder_ / name, bytes).ok());
    return folder_ / name;
  }

  std::string Message(const fs::path& path) { return std::string(ReadRecording(path).status().message()); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "read_recording_test";
};

TEST_F(ReadRecordingTest, TellsTheFormatByTheContentWhateverTheName) {
  EXPECT_THAT(ReadRecording(Write("a.dcm", "time (s),I (mV)\n0,1\n1,2\n")).value().format, "table, comma-separated");
  EXPECT_THAT(Message(Write("b.csv", "<RestingECG/>")), HasSubstr("b.csv: GE MUSE XML: no Waveform"));
  EXPECT_THAT(Message(Write("c", "<restingecgdata/>")), HasSubstr("Philips Sierra XML: no parsedwaveforms"));
  EXPECT_THAT(Message(Write("d", "<AnnotatedECG/>")), HasSubstr("HL7 aECG: no series"));
  EXPECT_THAT(Message(Write("e", "<CardiologyXML/>")), HasSubstr("CardioSoft XML: neither"));
  EXPECT_THAT(Message(Write("f", "<a.SchillerEDI/>")), HasSubstr("Schiller XML: no wavedata"));
  EXPECT_THAT(Message(Write("g", "<unisens/>")), HasSubstr("UNISENS: no signalEntry"));
}

TEST_F(ReadRecordingTest, NamesTheFormatsWhereNoneFits) {
  const std::string message = Message(Write("a.bin", "\x01\x02hello"));
  EXPECT_THAT(message, HasSubstr("a.bin: the file is of no format that is known: GE MUSE XML, Philips Sierra XML"));
  EXPECT_THAT(message, HasSubstr("It begins with \"\\x01\\x02hello\""));
  for (const std::string& name : RecordingFormatNames()) EXPECT_THAT(message, HasSubstr(name));
  EXPECT_THAT(Message(Write("b", "")), HasSubstr("the file is empty"));
  EXPECT_THAT(Message(Write("c.gz", "\x1f\x8b\x08")), HasSubstr("the file is compressed with gzip; unpack it first"));
  EXPECT_THAT(Message(folder_ / "none.xml"), HasSubstr("cannot read"));
}

TEST_F(ReadRecordingTest, ReadsAWfdbRecordByTheNameOfAnyOfItsFiles) {
  Write("r.hea",
        "r 3 512.5 3 12:34:56 25/12/2001\nr.dat 16 200(10)/mV 16 0 10 0 0 ECG II\nr.dat 16 1/mmHg 16 0 0 0 0 ABP\n"
        "r.dat 16 1000/uV 16 0 -1 0 0 MLII\n# Age: 74\n# Sex: Female\n");
  Write("r.dat", std::string("\x0A\0\1\0\xFF\xFF\xD2\0\2\0\0\x80\0\x80\3\0\1\0", 18));
  for (const absl::string_view name : {"r.hea", "r.dat", "r"}) {
    SCOPED_TRACE(name);
    const absl::StatusOr<Recording> recording = ReadRecording(folder_ / std::string(name));
    ASSERT_TRUE(recording.ok()) << recording.status();
    EXPECT_EQ(recording->recorded_at, "2001-12-25T12:34:56");
    EXPECT_EQ(recording->age_years, 74);
    EXPECT_EQ(recording->sex, "female");
    EXPECT_THAT(recording->notes, ElementsAre(HasSubstr("the signal ABP is left out: header:3: the unit \"mmHg\"")));
    const Strip& strip = recording->strips[0];
    EXPECT_EQ(strip.sampling_frequency_hz, 512.5);
    ASSERT_EQ(strip.channels.size(), 2);
    EXPECT_EQ(strip.channels[0].name, "II");
    EXPECT_EQ(strip.channels[0].step_mv, 0.005);
    EXPECT_THAT(strip.channels[0].mv, ElementsAre(FloatEq(0), FloatEq(1), NanSensitiveFloatEq(NAN)));
    EXPECT_EQ(strip.channels[1].name, "MLII");
    EXPECT_THAT(strip.channels[1].mv, ElementsAre(FloatEq(-1e-6), NanSensitiveFloatEq(NAN), FloatEq(1e-6)));
  }
}

TEST_F(ReadRecordingTest, ReadsTheMatlabFilesOfCpsc2018) {
  const MatBytes bytes;
  std::vector<double> mv(12 * 3);
  for (size_t i = 0; i < mv.size(); ++i) mv[i] = static_cast<double>(i) / 100;
  const std::string age = bytes.Matrix(6, 2, {1, 1}, "", "\x4a");
  const auto file = [&](const std::string& name, const std::string& data) {
    return bytes.File5(bytes.Structure(name, {{"age", age}, {"data", data}}));
  };
  const std::string data = bytes.Matrix(6, 9, {12, 3}, "", bytes.Raw(mv));
  const Recording recording = ReadRecording(Write("A0001.mat", file("ECG", data))).value();
  EXPECT_EQ(recording.format, "CPSC 2018 MATLAB");
  EXPECT_EQ(recording.age_years, 74);
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 500);
  EXPECT_EQ(recording.strips[0].channels[3].name, "aVR");
  EXPECT_THAT(recording.strips[0].channels[3].mv, ElementsAre(FloatEq(0.03), FloatEq(0.15), FloatEq(0.27)));
  EXPECT_THAT(Message(Write("b.mat", file("other", data))), HasSubstr("only a struct ECG with a field data"));
  EXPECT_THAT(Message(Write("c.mat", file("ECG", bytes.Matrix(6, 9, {3, 12}, "", bytes.Raw(mv))))),
              HasSubstr("ECG.data is 3 x 12"));
}

TEST_F(ReadRecordingTest, ReadsAFolderWithUnisens) {
  fs::create_directories(folder_ / "measurement");
  Write("measurement/unisens.xml",
        "<unisens version=\"2.0\"><signalEntry id=\"a.csv\" sampleRate=\"2\" unit=\"mV\"><csvFileFormat/></signalEntry>"
        "</unisens>");
  Write("measurement/a.csv", "1\n2\n");
  EXPECT_EQ(ReadRecording(folder_ / "measurement").value().strips[0].samples(), 2);
}

TEST_F(ReadRecordingTest, ReadsAllFilesOfTheKnownFormatsAsIndependentReadersDo) {
  size_t files = 0;
  for (const std::string folder : {"muse", "philips", "aecg", "cardiosoft", "schiller", "apple_csv", "dicom", "scp",
                                   "edf", "bdf", "ishne", "mfer", "rdt", "contec"}) {
    for (const SharedRecording& shared : SharedRecordings(folder)) {
      SCOPED_TRACE(shared.path.string());
      ++files;
      const absl::StatusOr<Recording> recording = ReadRecording(shared.path);
      EXPECT_TRUE(recording.ok()) << recording.status();
      if (recording.ok() && !shared.expected.contains("tolerance")) ExpectRecording(*recording, shared.expected);
    }
  }
  if (files == 0) GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/ to run this test";
}

}  // namespace
}  // namespace ecg

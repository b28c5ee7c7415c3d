#include "ecg/signal/wfdb.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int kSamples = 3;

// Bytes of samples that take turns, `bytes` each, low byte first.
std::string LittleEndian(const std::vector<int64_t>& samples, int bytes) {
  std::string text;
  for (const int64_t sample : samples) {
    for (int byte = 0; byte < bytes; ++byte) text += static_cast<char>((static_cast<uint64_t>(sample) >> (8 * byte)));
  }
  return text;
}

std::string Encode212(const std::vector<int64_t>& samples) {
  std::string text;
  for (size_t i = 0; i < samples.size(); i += 2) {
    const unsigned first = samples[i] & 0xfff;
    const unsigned second = i + 1 < samples.size() ? samples[i + 1] & 0xfff : 0;
    text += static_cast<char>(first % 256);
    text += static_cast<char>(second / 256 * 16 + first / 256);
    if (i + 1 < samples.size()) text += static_cast<char>(second % 256);
  }
  return text;
}

std::string Encode(int format, std::vector<int64_t> samples) {
  if (format == 212) return Encode212(samples);
  if (format != 80) return LittleEndian(samples, format / 8);
  for (int64_t& sample : samples) sample += 128;
  return LittleEndian(samples, 1);
}

// Returns the first five fields of a lead's line: file, format, gain, resolution and zero.
using Line = std::function<std::string(int lead)>;

Line Plain(const std::string& format = "16") {
  return [=](int) { return absl::StrCat("r.dat ", format, " 1000(0)/mV 16 0"); };
}

class WfdbTest : public testing::Test {
 protected:
  WfdbTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~WfdbTest() override { fs::remove_all(folder_); }

  // Sample `sample` of `lead`: different everywhere, of both signs, within 8 bits.
  static int64_t SampleOf(int lead, int sample) { return (sample % 2 == 0 ? 1 : -1) * (10 * lead + sample + 1); }

  // The samples of all leads, in turns.
  static std::vector<int64_t> Interleaved(int samples = kSamples) {
    std::vector<int64_t> result;
    for (int sample = 0; sample < samples; ++sample) {
      for (int lead = 0; lead < kLeads; ++lead) result.push_back(SampleOf(lead, sample));
    }
    return result;
  }

  // Writes "r.hea": for each lead the five fields of `line`, then initial value and checksum of `stored`, in which the
  // leads take turns, and the lead's name.
  void WriteHeader(const Line& line, const std::vector<int64_t>& stored = Interleaved(),
                   const std::string& record_line = "r 12 500 3") {
    std::string header = record_line + "\n";
    for (int lead = 0; lead < kLeads; ++lead) {
      int64_t sum = 0;
      for (int sample = 0; sample < kSamples; ++sample) sum += stored[sample * kLeads + lead];
      absl::StrAppend(&header, line(lead), " ", stored[lead], " ", (sum % 65536 + 65536) % 65536, " 0 ",
                      kLeadNames[lead], "\n");
    }
    Write("r.hea", header);
  }

  void Write(const std::string& file, const std::string& bytes) { ASSERT_TRUE(WriteFile(folder_ / file, bytes).ok()); }

  absl::StatusOr<Signal> Read() { return ReadWfdb(folder_ / "r"); }

  std::string Error() {
    const absl::Status status = Read().status();
    EXPECT_FALSE(status.ok());
    return std::string(status.message());
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "wfdb_test";
};

TEST(WfdbFormatTest, DecodesTheExtremesOfEachFormat) {
  const uint8_t bytes16[] = {0xff, 0x7f, 0x00, 0x80, 0xff, 0xff};
  EXPECT_EQ(Wfdb16::At(bytes16, 0), 32767);
  EXPECT_EQ(Wfdb16::At(bytes16, 1), -32768);
  EXPECT_EQ(Wfdb16::At(bytes16, 2), -1);
  const uint8_t bytes24[] = {0xff, 0xff, 0x7f, 0x00, 0x00, 0x80, 0xfe, 0xff, 0xff};
  EXPECT_EQ(Wfdb24::At(bytes24, 0), 8388607);
  EXPECT_EQ(Wfdb24::At(bytes24, 1), -8388608);
  EXPECT_EQ(Wfdb24::At(bytes24, 2), -2);
  const uint8_t bytes32[] = {0xff, 0xff, 0xff, 0x7f, 0x00, 0x00, 0x00, 0x80};
  EXPECT_EQ(Wfdb32::At(bytes32, 0), 2147483647);
  EXPECT_EQ(Wfdb32::At(bytes32, 1), -2147483647 - 1);
  const uint8_t bytes80[] = {0xff, 0x80, 0x00};
  EXPECT_EQ(Wfdb80::At(bytes80, 0), 127);
  EXPECT_EQ(Wfdb80::At(bytes80, 1), 0);
  EXPECT_EQ(Wfdb80::At(bytes80, 2), -128);
  // 0x7ff and 0x800; 0x123 and 0xffe.
  const uint8_t bytes212[] = {0xff, 0x87, 0x00, 0x23, 0xf1, 0xfe};
  EXPECT_EQ(Wfdb212::At(bytes212, 0), 2047);
  EXPECT_EQ(Wfdb212::At(bytes212, 1), -2048);
  EXPECT_EQ(Wfdb212::At(bytes212, 2), 0x123);
  EXPECT_EQ(Wfdb212::At(bytes212, 3), -2);
}

TEST(WfdbFormatTest, CountsTheBytesOfAnOddNumberOfTwelveBitSamples) {
  EXPECT_EQ(Wfdb212::Bytes(2), 3);
  EXPECT_EQ(Wfdb212::Bytes(3), 5);
}

TEST_F(WfdbTest, ReadsEachFormat) {
  for (const int format : {16, 24, 32, 80, 212}) {
    WriteHeader(Plain(absl::StrCat(format)));
    Write("r.dat", Encode(format, Interleaved()));
    const absl::StatusOr<Signal> signal = Read();
    ASSERT_TRUE(signal.ok()) << signal.status();
    EXPECT_EQ(signal->sampling_frequency_hz, 500);
    EXPECT_EQ(signal->samples, kSamples);
    for (int lead = 0; lead < kLeads; ++lead) {
      for (int sample = 0; sample < kSamples; ++sample) {
        EXPECT_EQ(signal->lead(lead)[sample], SampleOf(lead, sample)) << format;
      }
    }
  }
}

TEST_F(WfdbTest, ReadsAnOddNumberOfTwelveBitSamplesFromASingleLeadFile) {
  WriteHeader([](int lead) { return absl::StrCat("r", lead, ".dat 212 1000 12 0"); });
  for (int lead = 0; lead < kLeads; ++lead) {
    Write(absl::StrCat("r", lead, ".dat"), Encode212({SampleOf(lead, 0), SampleOf(lead, 1), SampleOf(lead, 2)}));
  }
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_THAT(signal->lead(11), ElementsAre(111, -112, 113));
}

TEST_F(WfdbTest, FindsLeadsByNameAndLeavesOtherSignalsOut) {
  // Backwards, in capitals, with something else in between. The only sample of a signal is also its sum.
  std::string header = "r 13 500 1\n";
  for (int lead = kLeads - 1; lead >= 0; --lead) {
    absl::StrAppendFormat(&header, "r.dat 16 1000 16 0 %d %d 0 %s\n", lead, lead,
                          absl::AsciiStrToUpper(kLeadNames[lead]));
    if (lead == 6) absl::StrAppend(&header, "r.dat 16 1/mmHg 16 0 77 77 0 ABP\n");
  }
  Write("r.dat", LittleEndian({11, 10, 9, 8, 7, 6, 77, 5, 4, 3, 2, 1, 0}, 2));
  Write("r.hea", header);
  EXPECT_THAT(Error(), HasSubstr("r.hea:8: the unit \"mmHg\" is not supported"));
  Write("r.hea", absl::StrReplaceAll(header, {{"mmHg", "mV"}}));
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  for (int lead = 0; lead < kLeads; ++lead) EXPECT_THAT(signal->lead(lead), ElementsAre(lead));
}

TEST_F(WfdbTest, TakesTheSkewOutAndChecksTheSumOfWhatIsStored) {
  // Lead II comes two samples late: its stored samples are two of something else, then its own.
  WriteHeader([](int lead) { return lead == 1 ? "r.dat 16:2 1000 16 0" : "r.dat 16 1000 16 0"; });
  Write("r.dat", LittleEndian(Interleaved(5), 2));
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_THAT(signal->lead(0), ElementsAre(1, -2, 3));
  EXPECT_THAT(signal->lead(1), ElementsAre(13, -14, 15));
}

TEST_F(WfdbTest, RefusesAFileThatEndsBeforeTheSkewedSamples) {
  WriteHeader([](int lead) { return lead == 1 ? "r.dat 16:2 1000 16 0" : "r.dat 16 1000 16 0"; });
  Write("r.dat", LittleEndian(Interleaved(4), 2));
  EXPECT_THAT(Error(), HasSubstr("r.dat: 120 bytes expected (12 signals of 5 samples in format 16 from byte 0), 96 "));
}

TEST_F(WfdbTest, StartsAtTheByteOffset) {
  WriteHeader(Plain("16x1:0+24"));
  Write("r.dat", std::string(24, '#') + LittleEndian(Interleaved(), 2));
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_THAT(signal->lead(2), ElementsAre(21, -22, 23));
}

TEST_F(WfdbTest, ReadsTheCalibrationWithItsDefaultsAndUnits) {
  const std::vector<std::string> fields = {"1000(5)/mV 16 7", "0.4/uV",     "2e5(-3)/V", "", "0", "/mV",
                                           "-50 12 9",        "100(0) 16 9"};
  std::string header = absl::StrCat("r ", fields.size(), " 500 1\n");
  for (const std::string& field : fields) absl::StrAppend(&header, "r.dat 16 ", field, "\n");
  const absl::StatusOr<WfdbHeader> parsed = ParseWfdbHeader(header, "r.hea");
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  const auto calibration = [&](int signal) { return parsed->signals[signal].calibration; };
  EXPECT_EQ(calibration(0), (Calibration{.gain = 1000, .baseline = 5}));
  EXPECT_EQ(calibration(1), (Calibration{.gain = 400, .baseline = 0}));
  EXPECT_EQ(calibration(2), (Calibration{.gain = 200, .baseline = -3}));
  EXPECT_EQ(calibration(3), (Calibration{.gain = 200, .baseline = 0}));  // no gain
  EXPECT_EQ(calibration(4), (Calibration{.gain = 200, .baseline = 0}));  // a gain of 0
  EXPECT_EQ(calibration(5), (Calibration{.gain = 200, .baseline = 0}));
  EXPECT_EQ(calibration(6), (Calibration{.gain = -50, .baseline = 9}));  // the converter's zero
  EXPECT_EQ(calibration(7), (Calibration{.gain = 100, .baseline = 0}));
  EXPECT_DOUBLE_EQ(calibration(0).ToMv(1005), 1.0);
}

TEST_F(WfdbTest, ReadsTheRecordLineWithItsDefaults) {
  const WfdbHeader header =
      ParseWfdbHeader(
          "# made by hand\n\nr_1 1 360/180(5) 10 12:00:00 1/2/1990\r\nr.dat 212 200 11 1024 995 -2 0 "
          "a lead with spaces\n# 69 M\n#  <diagnosis>: none\n",
          "r.hea")
          .value();
  EXPECT_EQ(header.record, "r_1");
  EXPECT_EQ(header.sampling_frequency_hz, 360);
  EXPECT_EQ(header.samples, 10);
  EXPECT_THAT(header.comments, ElementsAre("69 M", "<diagnosis>: none"));
  ASSERT_EQ(header.signals.size(), 1u);
  EXPECT_EQ(header.signals[0].file, "r.dat");
  EXPECT_EQ(header.signals[0].format, 212);
  EXPECT_EQ(header.signals[0].calibration, (Calibration{.gain = 200, .baseline = 1024}));
  EXPECT_EQ(header.signals[0].initial_value, 995);
  EXPECT_EQ(header.signals[0].checksum, -2);
  EXPECT_EQ(header.signals[0].description, "a lead with spaces");
}

TEST_F(WfdbTest, RefusesABrokenHeaderAndNamesTheLine) {
  const auto error = [](const std::string& text) {
    return std::string(ParseWfdbHeader(text, "r.hea").status().message());
  };
  EXPECT_THAT(error(""), HasSubstr("r.hea: the header is empty"));
  EXPECT_THAT(error("r\n"), HasSubstr("r.hea:1: the number of signals is \"\", not an integer of at least 1"));
  EXPECT_THAT(error("r 0 500 10\n"), HasSubstr("the number of signals is \"0\""));
  EXPECT_THAT(error("r/2 1 500 10\na 5\nb 5\n"), HasSubstr("r.hea:1: the record has several segments (2)"));
  EXPECT_THAT(error("r 1 500\n"), HasSubstr("does not say how many samples"));
  EXPECT_THAT(error("r 1 500 0\n"), HasSubstr("does not say how many samples"));
  EXPECT_THAT(error("r 1 500 -5\n"), HasSubstr("the number of samples is \"-5\""));
  EXPECT_THAT(error("r 1 500 99999999999\n"), HasSubstr("the number of samples is \"99999999999\""));
  EXPECT_THAT(error("r 1 360.5 10\n"), HasSubstr("the sampling frequency is \"360.5\", not a whole number of Hz"));
  EXPECT_THAT(error("r 1 nan 10\n"), HasSubstr("the sampling frequency is \"nan\""));
  EXPECT_THAT(error("r 2 500 10\nr.dat 16\n"), HasSubstr("r.hea: 1 of 2 signals; the header is cut short"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16\nr.dat 16\n"), HasSubstr("r.hea:3: a line behind the 1 signals"));
  EXPECT_THAT(error("r 1 500 10\nr.dat\n"), HasSubstr("r.hea:2: the sample format is \"\""));
  EXPECT_THAT(error("r 1 500 10\nr.dat 61\n"),
              HasSubstr("r.hea:2: sample format 61 is not supported; the supported ones are 16, 24, 32, 80 and 212"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16x4\n"), HasSubstr("4 samples in a frame; only one is supported"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16:-1\n"), HasSubstr("the skew is \"-1\""));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16+\n"), HasSubstr("the byte offset is \"nothing\""));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16 ten\n"), HasSubstr("the gain is \"ten\", not a number"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16 inf\n"), HasSubstr("the gain is \"inf\", not a number"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16 200(7\n"), HasSubstr("is not closed"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16 200(x)\n"), HasSubstr("the baseline is \"x\""));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16 200/bpm\n"),
              HasSubstr("the unit \"bpm\" is not supported; the supported ones are V, mV and uV"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16 200 16 0 0 many\n"), HasSubstr("the checksum is \"many\""));
}

TEST_F(WfdbTest, RefusesAHeaderThatNamesAFileOutsideItsFolder) {
  for (const std::string file : {"/etc/passwd", "../r.dat", "..", "sub/r.dat", "sub\\r.dat", ".hidden", "-", "~"}) {
    WriteHeader([&](int) { return file + " 16 1000 16 0"; });
    EXPECT_THAT(Error(), HasSubstr(absl::StrCat("r.hea:2: the samples are said to be in \"", file, "\"; only")));
  }
}

TEST_F(WfdbTest, VerifiesInitialValueAndChecksum) {
  WriteHeader(Plain());
  Write("r.dat", LittleEndian(Interleaved(), 2));
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_TRUE(signal->checksums_verified);

  std::vector<int64_t> damaged = Interleaved();
  damaged[kLeads + 4] ^= 64;  // the second sample of aVL
  Write("r.dat", LittleEndian(damaged, 2));
  EXPECT_THAT(Error(), HasSubstr("r.dat: lead aVL: the checksum is "));
  damaged = Interleaved();
  damaged[7] += 1;
  Write("r.dat", LittleEndian(damaged, 2));
  EXPECT_THAT(Error(), HasSubstr("r.dat: lead V2: the first sample is 72, the header says 71"));
}

TEST_F(WfdbTest, AcceptsAChecksumWrittenWithASign) {
  std::string header = "r 12 500 1\n";
  for (const absl::string_view lead : kLeadNames) {
    absl::StrAppend(&header, "r.dat 16 1000 16 0 -5 -5 0 ", lead, "\n");
  }
  Write("r.hea", header);
  Write("r.dat", LittleEndian(std::vector<int64_t>(kLeads, -5), 2));
  const absl::StatusOr<Signal> signal = Read();
  EXPECT_TRUE(signal.ok()) << signal.status();
}

TEST_F(WfdbTest, RefusesATruncatedFileAndSaysHowManyBytesItWants) {
  WriteHeader(Plain());
  Write("r.dat", LittleEndian(Interleaved(), 2).substr(0, 71));
  EXPECT_THAT(Error(),
              HasSubstr("r.dat: 72 bytes expected (12 signals of 3 samples in format 16 from byte 0), 71 found"));
}

TEST_F(WfdbTest, DoesNotBelieveAHeaderThatPromisesMoreThanThereIsMemoryFor) {
  WriteHeader(Plain("32"), Interleaved(), "r 12 500 2000000000");
  Write("r.dat", LittleEndian(Interleaved(), 4));
  EXPECT_THAT(Error(), HasSubstr("r.dat: 96000000000 bytes expected"));
}

TEST_F(WfdbTest, RefusesMissingFiles) {
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Error(), HasSubstr("r.hea"));
  WriteHeader(Plain());
  EXPECT_EQ(Read().status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Error(), HasSubstr("r.dat"));
}

TEST_F(WfdbTest, RefusesSamplesMarkedAsMissing) {
  for (const auto& [format, mark] : std::vector<std::pair<int, int64_t>>{
           {16, -32768}, {24, -8388608}, {32, -2147483648}, {80, -128}, {212, -2048}}) {
    std::vector<int64_t> samples = Interleaved();
    samples[2 * kLeads + 8] = mark;
    WriteHeader(Plain(absl::StrCat(format)), samples);
    Write("r.dat", Encode(format, samples));
    EXPECT_THAT(Error(), HasSubstr(absl::StrCat("r.dat: lead V3: sample 2 is marked as missing (", mark, ")")));
  }
}

TEST_F(WfdbTest, RefusesSamplesThatDoNotFitSixteenBits) {
  for (const int64_t sample : {32768, -32769}) {
    for (const int format : {24, 32}) {
      std::vector<int64_t> samples = Interleaved();
      samples[kLeads] = sample;
      WriteHeader(Plain(absl::StrCat(format)), samples);
      Write("r.dat", Encode(format, samples));
      EXPECT_THAT(Error(),
                  HasSubstr(absl::StrCat("r.dat: lead I: sample 1 is ", sample, ", which does not fit 16 bits")));
    }
  }
}

TEST_F(WfdbTest, ListsTheSignalsWhenALeadIsMissingOrThereTwice) {
  std::string header = "r 12 500 3\n";
  for (int lead = 0; lead < kLeads; ++lead) {
    absl::StrAppend(&header, "r.dat 16 1000 16 0 0 0 0 ", lead == 4 ? "V1" : kLeadNames[lead], "\n");
  }
  Write("r.hea", header);
  EXPECT_THAT(Error(),
              HasSubstr("r.hea: 0 signals called aVL, one expected; the signals are I, II, III, aVR, V1, aVF,"));
  Write("r.hea",
        absl::StrReplaceAll(
            header, {{"0 V1\nr.dat 16 1000 16 0 0 0 0 aVF", "0 aVL\nr.dat 16 1000 16 0 0 0 0 aVF"}, {" V6", " V5"}}));
  EXPECT_THAT(Error(), HasSubstr("2 signals called V5"));
}

TEST_F(WfdbTest, RefusesDifferentFormatsInOneFile) {
  WriteHeader([](int lead) { return lead == 3 ? "r.dat 32 1000 16 0" : "r.dat 16 1000 16 0"; });
  Write("r.dat", LittleEndian(Interleaved(), 4));
  EXPECT_THAT(Error(), HasSubstr("r.dat: the header gives the signals of this file different formats or byte offsets"));
}

TEST_F(WfdbTest, ReadsRealRecordsAndVerifiesTheirChecksums) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr)
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with ptbxl-first500 and g12ec-sample to run this test";
  for (const std::string record : {"ptbxl-first500/records500/00000/00001_hr",
                                   "ptbxl-first500/records100/00000/00500_lr", "g12ec-sample/E07500"}) {
    const absl::StatusOr<Signal> signal = ReadWfdb(fs::path(shared) / record);
    ASSERT_TRUE(signal.ok()) << signal.status();
    EXPECT_TRUE(signal->checksums_verified);
    EXPECT_EQ(signal->samples, 10 * signal->sampling_frequency_hz);
  }
}

}  // namespace
}  // namespace ecg

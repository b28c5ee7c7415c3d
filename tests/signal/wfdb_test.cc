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
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/mat_file.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

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
  // Backwards, in capitals, with something else in between. The only sample of a signal is also its sum. What is no
  // lead has another unit, and a checksum that is wrong.
  std::string header = "r 13 500 1\n";
  for (int lead = kLeads - 1; lead >= 0; --lead) {
    absl::StrAppendFormat(&header, "r.dat 16 1000 16 0 %d %d 0 %s\n", lead, lead,
                          absl::AsciiStrToUpper(kLeadNames[lead]));
    if (lead == 6) absl::StrAppend(&header, "r.dat 16 1/mmHg 16 0 77 78 0 ABP\n");
  }
  Write("r.dat", LittleEndian({11, 10, 9, 8, 7, 6, 77, 5, 4, 3, 2, 1, 0}, 2));
  Write("r.hea", header);
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  for (int lead = 0; lead < kLeads; ++lead) EXPECT_THAT(signal->lead(lead), ElementsAre(lead));
}

TEST_F(WfdbTest, DoesNotMindTheUnitRateFileOrValuesOfASignalThatIsNoLead) {
  WriteHeader(Plain());
  Write("r.dat", LittleEndian(Interleaved(), 2));
  const std::string header = ReadFile(folder_ / "r.hea").value();
  for (const std::string line :
       {"r.resp 16 500(0)/Ohm 16 0 608 64550 0 RESP", "/far/away.dat 16 1 16 0 0 0 0 RESP", "~ 0 1 16 0 0 0 0 none",
        "resp.dat 61x4 ten/% many 0 x y z PLETH", "gone.dat 212:3+9 1 12 0 0 0 0 CO2", "gone.dat 508 200 16 0 1 2 0 X",
        "gone.dat 16 200 16 0 0 0 0", "gone.dat"}) {
    Write("r.hea", absl::StrReplaceAll(header, {{"r 12", "r 13"}}) + line + "\n");
    const absl::StatusOr<Signal> signal = Read();
    ASSERT_TRUE(signal.ok()) << line << ": " << signal.status();
    EXPECT_TRUE(signal->checksums_verified);
    EXPECT_THAT(signal->lead(11), ElementsAre(111, -112, 113)) << line;
  }
}

TEST_F(WfdbTest, CountsTheSamplesOfASignalOfAnotherRateInTheLeadsOwnFile) {
  // Each frame has the twelve leads, and four samples of a faster signal between III and aVR.
  std::string header = "r 13 500 3\n";
  std::vector<int64_t> samples;
  for (int lead = 0; lead < kLeads; ++lead) {
    if (lead == 3) absl::StrAppend(&header, "r.dat 16x4 7/bpm 16 0 0 0 0 PLETH\n");
    absl::StrAppend(&header, "r.dat 16 1000 16 0 ", SampleOf(lead, 0), " ",
                    SampleOf(lead, 0) + SampleOf(lead, 1) + SampleOf(lead, 2), " 0 ", kLeadNames[lead], "\n");
  }
  for (int sample = 0; sample < kSamples; ++sample) {
    for (int lead = 0; lead < kLeads; ++lead) {
      if (lead == 3) samples.insert(samples.end(), {-9, -9, -9, -9});
      samples.push_back(SampleOf(lead, sample));
    }
  }
  Write("r.hea", header);
  Write("r.dat", LittleEndian(samples, 2));
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  EXPECT_TRUE(signal->checksums_verified);
  EXPECT_THAT(signal->lead(2), ElementsAre(21, -22, 23));
  EXPECT_THAT(signal->lead(3), ElementsAre(31, -32, 33));
  // Where that signal's layout is not known, neither is that of the leads.
  Write("r.hea", absl::StrReplaceAll(header, {{"16x4", "310"}}));
  EXPECT_THAT(Error(), HasSubstr("r.hea:5: sample format 310 is not supported"));
}

TEST_F(WfdbTest, TakesThePlainNameWhereTwoSignalsWouldBeTheSameLead) {
  WriteHeader(Plain());
  Write("r.dat", LittleEndian(Interleaved(), 2));
  const std::string header = absl::StrReplaceAll(ReadFile(folder_ / "r.hea").value(), {{"r 12", "r 13"}});
  Write("r.hea", header + "other.dat 16 1000 16 0 0 0 0 ECG II\n");
  EXPECT_TRUE(Read().ok()) << Read().status();
  Write("r.hea", absl::StrReplaceAll(header, {{" II\n", " ECG II\n"}}) + "other.dat 16 1000 16 0 0 0 0 Lead II\n");
  EXPECT_THAT(Error(), HasSubstr("2 signals called II, one expected"));
}

TEST_F(WfdbTest, KnowsTheLeadsByNamesWithAWordInFrontAndByIso11073) {
  for (const std::string word : {"ECG ", "EKG ", "Lead ", "ECG Lead ", "lead_", "ECG-", "ECG:", "MDC_ECG_LEAD_"}) {
    WriteHeader(Plain());
    std::string header = ReadFile(folder_ / "r.hea").value();
    for (const absl::string_view lead : kLeadNames) {
      header = absl::StrReplaceAll(header, {{absl::StrCat(" ", lead, "\n"), absl::StrCat(" ", word, lead, "\n")}});
    }
    Write("r.hea", header);
    Write("r.dat", LittleEndian(Interleaved(), 2));
    const absl::StatusOr<Signal> signal = Read();
    ASSERT_TRUE(signal.ok()) << word << ": " << signal.status();
    EXPECT_THAT(signal->lead(3), ElementsAre(31, -32, 33));
  }
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

TEST_F(WfdbTest, RefusesARateThatIsNoWholeNumber) {
  ASSERT_TRUE(WriteFile(folder_ / "r.hea", "r 1 360.5 10\nr.dat 16 200 16 0 0 0 0 I\n").ok());
  EXPECT_THAT(std::string(Read().status().message()),
              HasSubstr("the sampling frequency is 360.5 Hz, not a whole number of Hz"));
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
  EXPECT_THAT(error("r 1 -360 10\n"), HasSubstr("the sampling frequency is \"-360\", not a number of Hz"));
  EXPECT_THAT(error("r 1 nan 10\n"), HasSubstr("the sampling frequency is \"nan\""));
  EXPECT_THAT(error("r 2 500 10\nr.dat 16\n"), HasSubstr("r.hea: 1 of 2 signals; the header is cut short"));
  EXPECT_THAT(error("r 1 500 10\nr.dat 16\nr.dat 16\n"), HasSubstr("r.hea:3: a line behind the 1 signals"));
  // What is wrong with a signal is an error where it is a lead.
  const auto lead_error = [&](const std::string& format, const std::string& gain = "200", const std::string& zero = "0",
                              const std::string& checksum = "0") {
    const std::string text =
        absl::StrCat("r 1 500 10\nr.dat ", format, " ", gain, " 16 ", zero, " 0 ", checksum, " 0 I\n");
    return error(text);
  };
  EXPECT_EQ(lead_error("16"), "");
  EXPECT_THAT(lead_error("mp3"), HasSubstr("r.hea:2: the sample format is \"mp3\""));
  EXPECT_THAT(lead_error("61"),
              HasSubstr("r.hea:2: sample format 61 is not supported; the supported ones are 16, 24, 32, 80 and 212"));
  EXPECT_THAT(lead_error("16x4"), HasSubstr("4 samples in a frame; only one is supported"));
  EXPECT_THAT(lead_error("16x0"), HasSubstr("the number of samples in a frame is \"0\""));
  EXPECT_THAT(lead_error("16:-1"), HasSubstr("the skew is \"-1\""));
  EXPECT_THAT(lead_error("16+"), HasSubstr("the byte offset is \"nothing\""));
  EXPECT_THAT(lead_error("16+9223372036854775807"), HasSubstr("the byte offset is 9223372036854775807, more than any"));
  EXPECT_THAT(lead_error("16", "ten"), HasSubstr("the gain is \"ten\", not a number"));
  EXPECT_THAT(lead_error("16", "inf"), HasSubstr("the gain is \"inf\", not a number"));
  EXPECT_THAT(lead_error("16", "200(7"), HasSubstr("is not closed"));
  EXPECT_THAT(lead_error("16", "200(x)"), HasSubstr("the baseline is \"x\""));
  EXPECT_THAT(lead_error("16", "200/bpm"),
              HasSubstr("r.hea:2: the unit \"bpm\" is not supported; the supported ones are V, mV, uV and nV"));
  EXPECT_THAT(lead_error("16", "200", "none"), HasSubstr("the zero of the converter is \"none\""));
  EXPECT_THAT(lead_error("16", "200", "0", "many"), HasSubstr("the checksum is \"many\""));
  EXPECT_THAT(error("\xFF\xFEr\0 \0"), HasSubstr("r.hea: the text is in UTF-16; save it in UTF-8"));
}

TEST(WfdbHeaderTest, TakesWhatStandsBehindASlashForSegmentsOnlyIfItIsANumberOfThem) {
  const auto record = [](const std::string& name) {
    return ParseWfdbHeader(absl::StrCat(name, " 1 500 10\nr.dat 16 200 16 0 0 0 0 I\n"), "r.hea").value().record;
  };
  EXPECT_EQ(record("median_beats/r"), "r");
  EXPECT_EQ(record("a/b/p000020-2183"), "p000020-2183");
  EXPECT_EQ(record("mitdb/100"), "100");
  EXPECT_THAT(std::string(ParseWfdbHeader("a/b/3 1 500 10\nb_1 5\nb_2 5\n", "r.hea").status().message()),
              HasSubstr("r.hea:1: the record has several segments (3)"));
}

TEST(WfdbHeaderTest, PassesAByteOrderMarkOver) {
  for (const std::string text : {"\xEF\xBB\xBF# exported by a tool\nr 1 500 10\nr.dat 16 200 16 0 0 0 0 I\n",
                                 "\xEF\xBB\xBFr 1 500 10\r\nr.dat 16 200 16 0 0 0 0 I\r\n#Dx: 1\r\n",
                                 "\xEF\xBB\xBF\nr 1 500 10\n\nr.dat 16 200 16 0 0 0 0 I"}) {
    const absl::StatusOr<WfdbHeader> header = ParseWfdbHeader(text, "r.hea");
    ASSERT_TRUE(header.ok()) << header.status();
    EXPECT_EQ(header->record, "r");
    EXPECT_EQ(header->signals.size(), 1u);
  }
}

TEST_F(WfdbTest, RefusesAHeaderThatNamesAFileOutsideItsFolder) {
  for (const std::string file : {"/etc/passwd", "../r.dat", "..", "sub/r.dat", "sub\\r.dat", ".hidden", "-", "~"}) {
    WriteHeader([&](int) { return file + " 16 1000 16 0"; });
    EXPECT_THAT(Error(), HasSubstr(absl::StrCat("r.hea:2: the file of the samples is \"", file, "\"; only")));
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

TEST_F(WfdbTest, TakesAFieldThatIsZeroInEveryLeadForNotStated) {
  Write("r.dat", LittleEndian(Interleaved(), 2));
  // Replaces initial value and checksum of each lead's line.
  const auto with = [&](auto initial_value, auto checksum) {
    std::string text = "r 12 500 3\n";
    for (int lead = 0; lead < kLeads; ++lead) {
      absl::StrAppend(&text, "r.dat 16 1000(0)/mV 16 0 ", initial_value(lead), " ", checksum(lead), " 0 ",
                      kLeadNames[lead], "\n");
    }
    Write("r.hea", text);
    return Read();
  };
  const auto zero = [](int) { return int64_t{0}; };
  const auto first = [](int lead) { return SampleOf(lead, 0); };
  const auto sum = [](int lead) { return SampleOf(lead, 0) + SampleOf(lead, 1) + SampleOf(lead, 2); };
  const auto zero_but_for_v2 = [&](int lead) { return lead == 7 ? sum(lead) : 0; };
  EXPECT_TRUE(with(first, sum)->checksums_verified);
  EXPECT_TRUE(with(zero, sum)->checksums_verified);
  EXPECT_FALSE(with(first, zero)->checksums_verified);
  EXPECT_FALSE(with(zero, zero)->checksums_verified);
  EXPECT_THAT(with(zero, zero)->lead(4), ElementsAre(41, -42, 43));
  // One that is stated says that the others are, too.
  EXPECT_THAT(std::string(with(first, zero_but_for_v2).status().message()),
              HasSubstr("r.dat: lead I: the checksum is 2, the header says 0; header and samples do not match"));
  EXPECT_THAT(std::string(with(zero_but_for_v2, sum).status().message()),
              HasSubstr("r.dat: lead I: the first sample is 1, the header says 0; header and samples do not match"));
  // A signal that is no lead does not state it for the leads.
  ASSERT_TRUE(with(zero, zero).ok());
  Write("r.hea", absl::StrReplaceAll(ReadFile(folder_ / "r.hea").value(), {{"r 12", "r 13"}}) +
                     "other.dat 16 1/bpm 16 0 5 7 0 HR\n");
  EXPECT_FALSE(Read()->checksums_verified);
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

TEST_F(WfdbTest, ScalesSamplesThatDoNotFitSixteenBits) {
  struct Case {
    int64_t factor, offset;  // of the samples, which are within -112 to 121
    bool exact;
  };
  for (const int format : {24, 32}) {
    for (const Case& c : {Case{1, 0, true}, Case{200, 0, true}, Case{1, 4'000'000, true}, Case{30'000, 0, false},
                          Case{30'000, -4'000'000, false}, Case{60'000, 1'000'000, false}}) {
      std::vector<int64_t> samples = Interleaved();
      for (int64_t& sample : samples) sample = c.factor * sample + c.offset;
      const std::string gain = absl::StrCat(1000 * c.factor, "(", c.offset, ")/mV");
      WriteHeader([&](int) { return absl::StrCat("r.dat ", format, " ", gain, " 24 0"); }, samples);
      Write("r.dat", Encode(format, samples));
      const absl::StatusOr<Signal> signal = Read();
      ASSERT_TRUE(signal.ok()) << signal.status();
      EXPECT_TRUE(signal->checksums_verified);
      EXPECT_EQ(signal->rounding_mv == 0, c.exact) << format << " " << gain;
      for (int lead = 0; lead < kLeads; ++lead) {
        const double range = (SampleOf(lead, 2) - SampleOf(lead, 1)) / 1000.0;
        EXPECT_LE(signal->rounding_mv, 0.233 / 131'000);
        for (int sample = 0; sample < kSamples; ++sample) {
          const double mv = signal->calibration[lead].ToMv(signal->lead(lead)[sample]);
          EXPECT_NEAR(mv, SampleOf(lead, sample) / 1000.0, c.exact ? 1e-12 : range / 131'000);
        }
      }
    }
  }
}

TEST_F(WfdbTest, ScalesTheWholeRangeOfThirtyTwoBits) {
  std::vector<int64_t> samples = Interleaved();
  for (int lead = 0; lead < kLeads; ++lead) samples[lead] = 2147483647, samples[kLeads + lead] = -2147483647;
  WriteHeader([](int) { return "r.dat 32 1e9(1000)/mV 32 0"; }, samples);
  Write("r.dat", Encode(32, samples));
  const absl::StatusOr<Signal> signal = Read();
  ASSERT_TRUE(signal.ok()) << signal.status();
  const auto mv = [&](int sample) { return signal->calibration[5].ToMv(signal->lead(5)[sample]); };
  EXPECT_NEAR(mv(0), (2147483647.0 - 1000) / 1e9, 4.3 / 131'000);
  EXPECT_NEAR(mv(1), (-2147483647.0 - 1000) / 1e9, 4.3 / 131'000);
  // Samples that lie close together, too far from 0 mV.
  for (int sample = 0; sample < kSamples; ++sample) {
    for (int lead = 0; lead < kLeads; ++lead) samples[sample * kLeads + lead] = 2147483000 + sample;
  }
  WriteHeader([](int) { return "r.dat 32 1e9(-2147483648)/mV 32 0"; }, samples);
  Write("r.dat", Encode(32, samples));
  EXPECT_THAT(Error(), HasSubstr("r.dat: lead I: samples from 2147483000 to 2147483002, where -2147483648 is 0 mV"));
}

TEST_F(WfdbTest, ReadsTheMatrixOfAMatlabFileThatIsNotLaidOutAsTheHeaderSays) {
  std::vector<int16_t> digital;
  std::vector<double> floating;
  std::vector<double> mv;
  for (const int64_t sample : Interleaved()) {
    digital.push_back(static_cast<int16_t>(sample));
    floating.push_back(static_cast<double>(sample));
    mv.push_back(static_cast<double>(sample) / 1000);
  }
  WriteHeader([](int) { return "r.mat 16+24 1000(0)/mV 16 0"; });
  for (const bool big_endian : {false, true}) {
    const MatBytes bytes(big_endian);
    const std::string val = bytes.Matrix(10, 3, {12, 3}, "val", bytes.Raw(digital));
    for (const std::string& file :
         {bytes.File5(val), bytes.File5(bytes.Compress(val)),
          bytes.File5(bytes.Matrix(6, 9, {12, 3}, "val", bytes.Raw(floating))),
          bytes.Matrix4(3, 12, 3, "val", bytes.Raw(digital)), bytes.Matrix4(0, 12, 3, "val", bytes.Raw(floating))}) {
      Write("r.mat", file);
      const absl::StatusOr<Signal> signal = Read();
      ASSERT_TRUE(signal.ok()) << signal.status();
      EXPECT_TRUE(signal->checksums_verified);
      EXPECT_THAT(signal->lead(11), ElementsAre(111, -112, 113));
    }
    const auto error = [&](const std::string& file) {
      Write("r.mat", file);
      return Error();
    };
    const std::string other = bytes.File5(bytes.Matrix(6, 9, {12, 3}, "ecg", bytes.Raw(floating)));
    EXPECT_THAT(error(other),
                HasSubstr("r.mat: a MATLAB file of version 5 or later, whose samples do not lie where the "
                          "header says (format 16 from byte 24, the layout of version 4)"));
    EXPECT_THAT(error(other), HasSubstr("no variable val; the variables are ecg"));
    EXPECT_THAT(error(other), Not(HasSubstr("fetch")));
    EXPECT_THAT(error(bytes.File5(bytes.Matrix(6, 9, {12, 3}, "val", bytes.Raw(mv)))),
                HasSubstr("val(1, 1) is 0.001, not a whole number, where digital samples are expected"));
    EXPECT_THAT(error(bytes.File5(bytes.Matrix(10, 3, {3, 12}, "val", bytes.Raw(digital)))),
                HasSubstr("val is 3 x 12, where the header has 12 signals of 3 samples"));
    EXPECT_THAT(error(bytes.Matrix4(3, 3, 12, "val", bytes.Raw(digital))),
                HasSubstr("r.mat: a MATLAB file of version 4, whose samples"));
  }
  Write("r.mat", "MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Sat Nov 28 13:18:07 2026 HDF5 schema 1.00 .");
  EXPECT_THAT(Error(), HasSubstr("MATLAB version 7.3 (HDF5), which is not supported"));
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

// The folders of shared/cases, each with a record that can be read, and the first samples of its leads.
class WfdbCaseTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("ECG_SHARED_DIR");
    if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with cases to run this test";
    cases_ = fs::path(shared) / "cases";
  }

  // Reads `record` in the folder `name`; its amplitudes may be off by `tolerance_mv`.
  Signal Check(const std::string& name, const std::string& record, double tolerance_mv = 1e-12) {
    SCOPED_TRACE(name);
    absl::StatusOr<Signal> signal = ReadWfdb(cases_ / name / record);
    EXPECT_TRUE(signal.ok()) << signal.status();
    if (!signal.ok()) return {};
    EXPECT_EQ(signal->samples, 40);
    EXPECT_EQ(signal->sampling_frequency_hz, 500);
    const std::string text = ReadFile(cases_ / name / "expected_mv.csv").value();
    const std::vector<std::string> rows = absl::StrSplit(text, '\n');
    for (int sample = 0; sample < 5; ++sample) {
      const std::vector<std::string> fields = absl::StrSplit(rows[sample + 1], ',');
      for (int lead = 0; lead < kLeads; ++lead) {
        const double mv = signal->calibration[lead].ToMv(signal->lead(lead)[sample]);
        EXPECT_NEAR(mv, std::stod(fields[lead]), tolerance_mv) << kLeadNames[lead] << " " << sample;
      }
    }
    return *std::move(signal);
  }

  fs::path cases_;
};

TEST_F(WfdbCaseTest, TakesAUnitInLowerCaseForMillivolts) {
  EXPECT_TRUE(Check("01_unit_mv_lower_case", "X0001").checksums_verified);
}

TEST_F(WfdbCaseTest, TakesAUnitWithAGreekMuForMicrovolts) {
  EXPECT_TRUE(Check("01c_unit_greek_mu", "r").checksums_verified);
}

TEST_F(WfdbCaseTest, ReadsARecordWhoseChecksumsAreAllZeroAsUnverified) {
  EXPECT_FALSE(Check("02_checksum_field_zero", "r").checksums_verified);
}

TEST_F(WfdbCaseTest, ReadsARecordWhoseInitialValuesAndChecksumsAreAllZeroAsUnverified) {
  EXPECT_FALSE(Check("02b_initial_value_and_checksum_zero", "r").checksums_verified);
}

TEST_F(WfdbCaseTest, LeavesRespirationInOhmOut) {
  EXPECT_TRUE(Check("03_respiration_in_ohm_beside_12_leads", "r").checksums_verified);
}

TEST_F(WfdbCaseTest, ReadsARecordWhoseNameHasAFolder) {
  EXPECT_TRUE(Check("04_record_name_with_folder", "r").checksums_verified);
}

TEST_F(WfdbCaseTest, ReadsTheMatrixOfAMatlab5FileWhereTheHeaderMeansVersion4) {
  EXPECT_TRUE(Check("05_matlab5_file_where_header_says_16+24", "E1").checksums_verified);
}

TEST_F(WfdbCaseTest, ReadsSamplesOf24BitsToWithinA65000thOfALeadsRange) {
  const Signal signal = Check("10_24_bit_samples", "r", 1.8 / 131'000);
  EXPECT_TRUE(signal.checksums_verified);
  EXPECT_GT(signal.rounding_mv, 0);
  EXPECT_LT(signal.rounding_mv, 1.8 / 131'000);
}

TEST_F(WfdbCaseTest, ReadsSamplesOf32BitsWithALargeBaseline) {
  EXPECT_GT(Check("10b_32_bit_samples_with_large_baseline", "r", 1.8 / 131'000).rounding_mv, 0);
}

TEST_F(WfdbCaseTest, PassesAByteOrderMarkBeforeACommentOver) {
  EXPECT_TRUE(Check("11_byte_order_mark_before_a_comment", "r").checksums_verified);
}

TEST_F(WfdbCaseTest, KnowsLeadNamesWithAWord) {
  EXPECT_TRUE(Check("12_lead_names_with_a_word", "r").checksums_verified);
}

TEST_F(WfdbCaseTest, KnowsTheLeadNamesOfIso11073) { EXPECT_TRUE(Check("12b_lead_names_mdc", "r").checksums_verified); }

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

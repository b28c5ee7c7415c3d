#include "ecg/signal/philips_xml.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
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
using ::testing::NanSensitiveFloatEq;

std::string Number(uint32_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(number >> 8 * i);
  return text;
}

// LZW with codes of 10 bits, high bit first.
std::string CompressLzw(const std::string& bytes) {
  std::map<std::string, int> codes;
  for (int i = 0; i < 256; ++i) codes[std::string(1, static_cast<char>(i))] = i;
  std::string out, text;
  uint32_t buffer = 0;
  int bits = 0;
  const auto put = [&](int code) {
    buffer = buffer << 10 | static_cast<uint32_t>(code);
    for (bits += 10; bits >= 8; bits -= 8) out += static_cast<char>(buffer >> (bits - 8));
  };
  for (const char byte : bytes) {
    if (codes.count(text + byte) > 0) {
      text += byte;
      continue;
    }
    put(codes[text]);
    if (codes.size() < 1023) codes.emplace(text + byte, codes.size());
    text = std::string(1, byte);
  }
  put(codes[text]);
  put(1023);
  if (bits > 0) out += static_cast<char>(buffer << (8 - bits));
  return out;
}

std::string CompressXli(const std::vector<int>& samples) {
  std::vector<int> stored = samples;
  int first = 0;
  for (size_t i = 2; i < samples.size(); ++i) {
    const int difference = 2 * samples[i - 1] - samples[i - 2] - samples[i];
    (i == 2 ? first : stored[i - 1]) = difference + (i == 2 ? 0 : 64);
  }
  std::string high, low;
  for (const int value : stored) {
    high += static_cast<char>(value >> 8);
    low += static_cast<char>(value);
  }
  const std::string chunk = CompressLzw(high + low);
  return Number(chunk.size(), 4) + Number(1, 2) + Number(first, 2) + chunk;
}

// Samples that are odd and negative, which tell truncation from other divisions.
constexpr int kRate = 100;
int LeadI(int t) { return static_cast<int>(std::lround(90 * std::sin(t * 0.4))) - 7; }
int LeadII(int t) { return static_cast<int>(std::lround(140 * std::sin(t * 0.4 + 0.3))); }

std::vector<int> Samples(int lead, int seconds, bool calibration) {
  std::vector<int> samples;
  for (int t = 0; t < seconds * kRate; ++t) {
    const int residual = t % 3 - 1;
    samples.push_back(lead == 0 ? LeadI(t) : lead == 1 ? LeadII(t) : lead < 6 ? residual : 100 * lead + t % 7);
  }
  for (int t = 0; calibration && t < kRate; ++t) {
    // The residuals of 1 mV (200 steps) in all leads are -200 for III and -400 for aVR.
    const int pulse = lead == 2 ? -200 : lead == 3 ? -400 : lead == 4 ? -200 : lead == 5 ? 0 : 200;
    samples.push_back(t >= 70 && t < 90 ? pulse : 0);
  }
  return samples;
}

std::string File(absl::string_view labels = "I II III aVR aVL aVF V1", bool calibration = true) {
  std::string bytes;
  for (int lead = 0; lead < 7; ++lead) bytes += CompressXli(Samples(lead, 2, calibration));
  return absl::StrCat(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<restingecgdata xmlns=\"http://www3.medical.philips.com\">"
      "<documentinfo><documenttype>PhilipsECG</documenttype><documentversion>1.04</documentversion></documentinfo>\n"
      "<dataacquisition date=\"2001-02-03\" time=\"04:05:06\"><machine>PageWriter</machine><signalcharacteristics>"
      "<samplingrate>",
      kRate, "</samplingrate><resolution>5</resolution></signalcharacteristics></dataacquisition>\n",
      "<patient><generalpatientdata><age><dateofbirth>1950-02-04</dateofbirth></age><sex>Male</sex>"
      "</generalpatientdata></patient>\n<waveforms><parsedwaveforms dataencoding=\"Base64\" compression=\"XLI\" "
      "leadlabels=\"",
      labels, "\" durationperchannel=\"", calibration ? 3000 : 2000, "\" hipass=\"0.05\" lowpass=\"150\">",
      absl::Base64Escape(bytes),
      "</parsedwaveforms>\n<repbeats dataencoding=\"Base64\" samplespersec=\"500\" resolution=\"2.5\"><repbeat "
      "leadname=\"II\">"
      "<waveform duration=\"8\">",
      absl::Base64Escape(Number(4, 2) + Number(32767, 2) + Number(-2, 2) + Number(32767, 2)),
      "</waveform></repbeat></repbeats></waveforms>\n</restingecgdata>\n");
}

absl::StatusOr<Recording> Read(absl::string_view bytes) {
  return PhilipsXml::Read(RecordingFile{.path = "", .bytes = bytes});
}

TEST(PhilipsXmlTest, ReadsTheFilesAsIndependentReadersDo) {
  if (ExpectSharedRecordings<PhilipsXml>("philips") == 0) {
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/philips to run this test";
  }
}

TEST(PhilipsXmlTest, RestoresTheLeadsThatAreStoredAsResidualsAndCutsTheCalibrationPulse) {
  const Recording recording = Read(File()).value();
  EXPECT_EQ(recording.format, "Philips Sierra XML 1.04");
  EXPECT_EQ(recording.machine, "Philips PageWriter");
  EXPECT_EQ(recording.recorded_at, "2001-02-03T04:05:06");
  EXPECT_EQ(recording.sex, "male");
  EXPECT_EQ(recording.age_years, 50);
  EXPECT_EQ(recording.filters, "high-pass 0.05 Hz, low-pass 150 Hz");
  EXPECT_THAT(recording.notes, ElementsAre("1 s at the end, with the calibration pulse of 1 mV, are left out"));
  ASSERT_EQ(recording.strips.size(), 2);
  const Strip& rhythm = recording.strips[0];
  EXPECT_EQ(rhythm.sampling_frequency_hz, kRate);
  ASSERT_EQ(rhythm.channels.size(), 7);
  ASSERT_EQ(rhythm.samples(), 2 * kRate);
  for (int t = 0; t < 2 * kRate; ++t) {
    const int i = LeadI(t), ii = LeadII(t), r = t % 3 - 1;
    const int iii = ii - i - r;
    const std::vector<int> expected = {i,          ii, iii, -r - (i + ii) / 2, (i - iii) / 2 - r, (ii + iii) / 2 - r,
                                       600 + t % 7};
    for (int lead = 0; lead < 7; ++lead) EXPECT_FLOAT_EQ(rhythm.channels[lead].mv[t], expected[lead] * 0.005) << lead;
  }
}

TEST(PhilipsXmlTest, PassesOverChannelsBeyondTheNamedOnes) {
  const std::string file = absl::StrReplaceAll(File(), {{"leadlabels=", "numberofleads=\"6\" leadlabels="}});
  EXPECT_EQ(Read(file).value().strips[0].channels.size(), 6);
}

TEST(PhilipsXmlTest, KeepsAllSecondsWhereThereIsNoPulse) {
  const Recording recording = Read(File("I II III aVR aVL aVF V1", false)).value();
  EXPECT_EQ(recording.strips[0].samples(), 2 * kRate);
  EXPECT_THAT(recording.notes, ElementsAre());
}

TEST(PhilipsXmlTest, ReadsBeatsOnlyAsFarAsTheyGo) {
  const Strip beat = Read(File()).value().strips[1];
  EXPECT_EQ(beat.kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_EQ(beat.sampling_frequency_hz, 500);
  EXPECT_THAT(beat.channels[0].mv, ElementsAre(FloatEq(0.01), NanSensitiveFloatEq(NAN), FloatEq(-0.005)));
}

TEST(PhilipsXmlTest, ReadsUtf16AndPlainNumbers) {
  std::string wide = "\xFF\xFE";
  for (const char c : File()) wide += {c, '\0'};
  EXPECT_TRUE(PhilipsXml::Recognises(RecordingFile{.path = "", .bytes = wide}));
  EXPECT_EQ(Read(wide).value().strips[0].samples(), 2 * kRate);
  const Recording plain =
      Read(
          "<restingecgdata><waveforms><parsedwaveforms dataencoding=\"Plain\" samplespersecond=\"500\" "
          "resolution=\"5\" "
          "leadlabels=\"I aVR\" durationperchannel=\"4\" signaloffset=\"1\">1 2 -3 4</parsedwaveforms></waveforms>"
          "</restingecgdata>")
          .value();
  EXPECT_THAT(plain.strips[0].channels[0].mv, ElementsAre(FloatEq(0), FloatEq(0.005)));
  EXPECT_THAT(plain.strips[0].channels[1].mv, ElementsAre(FloatEq(-0.02), FloatEq(0.015)));
}

TEST(PhilipsXmlTest, NamesTheChannelsOfVersion103ByTheirOrder) {
  const std::string file =
      absl::StrReplaceAll(File(), {{"compression=", "compressflag=\"True\" compressmethod="},
                                   {"leadlabels=\"I II III aVR aVL aVF V1\"", ""},
                                   {"<resolution>5</resolution>", "<signalresolution>5</signalresolution>"}});
  const Recording recording = Read(file).value();
  std::vector<std::string> names;
  for (const Channel& channel : recording.strips[0].channels) names.push_back(channel.name);
  EXPECT_THAT(names, ElementsAre("I", "II", "III", "aVR", "aVL", "aVF", "V1"));
}

TEST(PhilipsXmlTest, SaysWhatIsWrong) {
  const auto message = [](absl::string_view from, absl::string_view to) {
    return std::string(Read(absl::StrReplaceAll(File(), {{from, to}})).status().message());
  };
  EXPECT_THAT(message("\"XLI\"", "\"ZIP\""), HasSubstr("the compression \"ZIP\" is not supported"));
  EXPECT_THAT(message("V1\"", "V1 V2\""), HasSubstr("leadlabels names 8 leads, but there are 7 channels"));
  EXPECT_THAT(message("\"3000\"", "\"3500\""), HasSubstr("a channel has 300 of 350 samples"));
  EXPECT_THAT(message("<resolution>5</resolution>", ""), HasSubstr("resolution is missing"));
  EXPECT_THAT(message("\">", "\">AAAA"), HasSubstr("XLI channel 1"));
}

TEST(PhilipsXmlTest, SurvivesDamage) { ExpectSurvivesMutations<PhilipsXml>(File(), 4000); }

}  // namespace
}  // namespace ecg

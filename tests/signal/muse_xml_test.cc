#include "ecg/signal/muse_xml.h"

#include <zlib.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
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

std::string Lead(absl::string_view name, const std::vector<int16_t>& samples, absl::string_view step = "4.88") {
  std::string bytes;
  for (const int16_t sample : samples) {
    bytes += static_cast<char>(sample & 0xff);
    bytes += static_cast<char>(static_cast<uint16_t>(sample) >> 8);
  }
  const uint32_t crc = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  std::string text = absl::Base64Escape(bytes);
  text.insert(text.size() / 2, "\n   ");
  return absl::StrCat("<LeadData><LeadID>", name, "</LeadID><LeadSampleCountTotal>", samples.size(),
                      "</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>", step,
                      "</LeadAmplitudeUnitsPerBit><LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadSampleSize>2"
                      "</LeadSampleSize><LeadDataCRC32>",
                      crc, "</LeadDataCRC32><WaveFormData>\n", text, "\n</WaveFormData></LeadData>\n");
}

// A beat before the rhythm, as MUSE writes them, and a document type that must not be fetched.
std::string File() {
  return absl::StrCat(
      "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<!DOCTYPE RestingECG SYSTEM \"restecg.dtd\">\n<RestingECG>\n"
      "<MuseInfo><MuseVersion>9.0</MuseVersion></MuseInfo>\n"
      "<PatientDemographics><PatientAge>18</PatientAge><AgeUnits>MONTHS</AgeUnits><Gender>FEMALE</Gender>"
      "<PatientLastName>M\xFCller</PatientLastName></PatientDemographics>\n"
      "<TestDemographics><AcquisitionDevice>MAC55</AcquisitionDevice><AcquisitionTime>11:18:05</AcquisitionTime>"
      "<AcquisitionDate>02-28-2001</AcquisitionDate></TestDemographics>\n"
      "<Waveform><WaveformType>Median</WaveformType><SampleBase>25</SampleBase><SampleExponent>1</SampleExponent>\n",
      Lead("I", {1, 2}), "</Waveform>\n",
      "<Waveform><WaveformType>Rhythm</WaveformType><SampleBase>500</SampleBase><SampleExponent>0</SampleExponent>"
      "<HighPassFilter>16</HighPassFilter><LowPassFilter>150</LowPassFilter><ACFilter>60</ACFilter>\n",
      Lead("I", {0, 100, -100}), Lead("V3R", {-32768, 32767, 5}, "2.5"), "</Waveform>\n</RestingECG>\n");
}

absl::StatusOr<Recording> Read(absl::string_view bytes) {
  return MuseXml::Read(RecordingFile{.path = "", .bytes = bytes});
}

TEST(MuseXmlTest, ReadsTheFilesAsIndependentReadersDo) {
  if (ExpectSharedRecordings<MuseXml>("muse") == 0) {
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/muse to run this test";
  }
}

TEST(MuseXmlTest, ReadsEachWaveformWithItsOwnRateAndEachLeadWithItsOwnScale) {
  const Recording recording = Read(File()).value();
  EXPECT_EQ(recording.format, "GE MUSE XML 9.0");
  EXPECT_EQ(recording.machine, "GE MAC55");
  EXPECT_EQ(recording.recorded_at, "2001-02-28T11:18:05");
  EXPECT_EQ(recording.sex, "female");
  EXPECT_EQ(recording.age_years, 1.5);
  EXPECT_EQ(recording.filters, "high-pass 0.16 Hz, low-pass 150 Hz, notch 60 Hz");
  EXPECT_THAT(recording.notes, ElementsAre());
  ASSERT_EQ(recording.strips.size(), 2);
  EXPECT_EQ(recording.strips[0].kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 250);
  const Strip& rhythm = recording.strips[1];
  EXPECT_EQ(rhythm.kind, Strip::Kind::kRhythm);
  EXPECT_EQ(rhythm.sampling_frequency_hz, 500);
  ASSERT_EQ(rhythm.channels.size(), 2);
  EXPECT_THAT(rhythm.channels[0].mv, ElementsAre(FloatEq(0), FloatEq(0.488), FloatEq(-0.488)));
  EXPECT_EQ(rhythm.channels[1].name, "V3R");
  EXPECT_THAT(rhythm.channels[1].mv, ElementsAre(FloatEq(-81.92), FloatEq(81.9175), FloatEq(0.0125)));
  EXPECT_DOUBLE_EQ(rhythm.channels[1].step_mv, 0.0025);
}

TEST(MuseXmlTest, RefusesSamplesThatTheCheckSumDoesNotFit) {
  const std::string file = File();
  const absl::Status status = Read(absl::StrReplaceAll(file, {{"<LeadDataCRC32>", "<LeadDataCRC32>1"}})).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("Waveform Median: lead I: LeadDataCRC32 is "));
  const Recording without = Read(absl::StrReplaceAll(file, {{"LeadDataCRC32", "Other"}})).value();
  EXPECT_THAT(without.notes, ElementsAre("not every lead states a checksum"));
}

TEST(MuseXmlTest, SaysWhatIsMissing) {
  const auto message = [](absl::string_view from, absl::string_view to) {
    return std::string(Read(absl::StrReplaceAll(File(), {{from, to}})).status().message());
  };
  EXPECT_THAT(message("SampleBase", "Other"), HasSubstr("SampleBase is missing"));
  EXPECT_THAT(message("LeadAmplitudeUnitsPerBit", "Other"), HasSubstr("LeadAmplitudeUnitsPerBit is missing"));
  EXPECT_THAT(message("MICROVOLTS", "apples"), HasSubstr("\"apples\""));
  EXPECT_THAT(message("<LeadSampleCountTotal>3", "<LeadSampleCountTotal>5"),
              HasSubstr("is 5, but there are 3 samples"));
  EXPECT_THAT(message("Waveform>", "Other>"), HasSubstr("no Waveform"));
  EXPECT_THAT(message("</RestingECG>", ""), HasSubstr("damaged or cut short"));
}

TEST(MuseXmlTest, KeepsALeadThatIsShorterAndNotesIt) {
  const std::string file =
      absl::StrCat("<RestingECG><Waveform><SampleBase>500</SampleBase>", Lead("I", {1, 2, 3}), Lead("II", {4}),
                   "<LeadData><LeadID>V1</LeadID></LeadData></Waveform></RestingECG>");
  const Recording recording = Read(file).value();
  EXPECT_THAT(recording.strips[0].channels[1].mv,
              ElementsAre(FloatEq(0.01952), NanSensitiveFloatEq(NAN), NanSensitiveFloatEq(NAN)));
  EXPECT_THAT(recording.notes, ElementsAre("lead V1 has no samples", "lead II has only 1 of 3 samples"));
}

TEST(MuseXmlTest, IsToldByTheOutermostElement) {
  EXPECT_TRUE(MuseXml::Recognises(RecordingFile{.path = "", .bytes = File()}));
  EXPECT_FALSE(MuseXml::Recognises(RecordingFile{.path = "a.xml", .bytes = "<restingecgdata/>"}));
  EXPECT_FALSE(MuseXml::Recognises(RecordingFile{.path = "a.xml", .bytes = "RestingECG"}));
  EXPECT_FALSE(MuseXml::Recognises(RecordingFile{.path = "a.xml", .bytes = ""}));
}

TEST(MuseXmlTest, SurvivesDamage) { ExpectSurvivesMutations<MuseXml>(File(), 4000); }

}  // namespace
}  // namespace ecg

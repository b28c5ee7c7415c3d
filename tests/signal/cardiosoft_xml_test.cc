#include "ecg/signal/cardiosoft_xml.h"

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

constexpr absl::string_view kRest =
    "<?xml version=\"1.0\" encoding=\"ISO8859-1\" "
    "?>\n<CardiologyXML><ObservationDateTime><Hour>7</Hour><Minute>8</Minute>"
    "<Second>9</Second><Day>2</Day><Month>3</Month><Year>2004</Year></ObservationDateTime>\n"
    "<ClinicalInfo><DeviceInfo><Desc>CardioSoft</Desc><SoftwareVer>V6.73</SoftwareVer></DeviceInfo></ClinicalInfo>"
    "<PatientInfo><Name><FamilyName>M\xFCller</FamilyName></Name><Age units=\"YEARS\">18</Age><Gender>MALE</Gender>"
    "</PatientInfo><FilterSetting><CubicSpline>No</CubicSpline><Filter50Hz>Yes</Filter50Hz><Filter60Hz>No</Filter60Hz>"
    "<LowPass units=\"Hz\">40</LowPass><HighPass units=\"Hz\">0.01</HighPass></FilterSetting>\n"
    "<RestingECGMeasurements><MedianSamples><SampleRate units=\"Hz\">500</SampleRate><ChannelSampleCountTotal>2"
    "</ChannelSampleCountTotal><Resolution units=\"uVperLsb\">4.88</Resolution><FirstValid>0</FirstValid><LastValid>1"
    "</LastValid><WaveformData lead=\"I\">\t\t3,-4</WaveformData></MedianSamples></RestingECGMeasurements>\n"
    "<StripData><NumberOfLeads>2</NumberOfLeads><SampleRate units=\"Hz\">500</SampleRate><ChannelSampleCountTotal>3"
    "</ChannelSampleCountTotal><Resolution units=\"uVperLsb\">5</Resolution><WaveformData lead=\"AVR\">\t1,2,\n\t3"
    "</WaveformData><WaveformData lead=\"V1\">-1,\n0,1</WaveformData></StripData></CardiologyXML>\n";

constexpr absl::string_view kStress =
    "<CardiologyXML><FullDisclosure><StartTime><Minute>1</Minute><Second>2</Second></StartTime><NumberOfChannels>3"
    "</NumberOfChannels><SampleRate units=\"Hz\">100</SampleRate><Resolution units=\"uVperLsb\">5</Resolution>"
    "<LeadOrder>I,II,V2</LeadOrder><FullDisclosureData>1,2,3,\n4,5,6</FullDisclosureData></FullDisclosure>"
    "<StripData><SampleRate>500</SampleRate><Resolution "
    "units=\"uVperLsb\">10</Resolution><Strip><Time><Minute>2</Minute>"
    "<Second>30</Second></Time><WaveformData lead=\"I\">7</WaveformData></Strip><Strip><WaveformData lead=\"I\">8"
    "</WaveformData></Strip></StripData></CardiologyXML>";

absl::StatusOr<Recording> Read(absl::string_view bytes) {
  return CardioSoftXml::Read(RecordingFile{.path = "", .bytes = bytes});
}

TEST(CardioSoftXmlTest, ReadsTheFilesAsIndependentReadersDo) {
  if (ExpectSharedRecordings<CardioSoftXml>("cardiosoft") == 0) {
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/cardiosoft to run this test";
  }
}

TEST(CardioSoftXmlTest, ReadsStripsAndMediansWithTheirOwnScale) {
  const Recording recording = Read(kRest).value();
  EXPECT_EQ(recording.format, "CardioSoft XML");
  EXPECT_EQ(recording.machine, "GE CardioSoft V6.73");
  EXPECT_EQ(recording.recorded_at, "2004-03-02T07:08:09");
  EXPECT_EQ(recording.sex, "male");
  EXPECT_EQ(recording.age_years, 18);
  EXPECT_EQ(recording.filters, "high-pass 0.01 Hz, low-pass 40 Hz, notch 50 Hz");
  EXPECT_THAT(recording.notes, ElementsAre());
  ASSERT_EQ(recording.strips.size(), 2);
  EXPECT_EQ(recording.strips[0].kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_THAT(recording.strips[0].channels[0].mv, ElementsAre(FloatEq(0.01464), FloatEq(-0.01952)));
  const Strip& rhythm = recording.strips[1];
  EXPECT_EQ(rhythm.kind, Strip::Kind::kRhythm);
  EXPECT_EQ(rhythm.channels[0].name, "aVR");
  EXPECT_THAT(rhythm.channels[0].mv, ElementsAre(FloatEq(0.005), FloatEq(0.01), FloatEq(0.015)));
}

TEST(CardioSoftXmlTest, ReadsTheFullDisclosureAndTheStripsOfAStressTest) {
  const Recording recording = Read(kStress).value();
  ASSERT_EQ(recording.strips.size(), 3);
  EXPECT_EQ(recording.strips[0].start_seconds, 150);
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 500);
  EXPECT_THAT(recording.strips[0].channels[0].mv, ElementsAre(FloatEq(0.07)));
  const Strip& whole = recording.strips[2];
  EXPECT_EQ(whole.sampling_frequency_hz, 100);
  EXPECT_EQ(whole.start_seconds, 62);
  EXPECT_EQ(whole.channels[2].name, "V2");
  EXPECT_THAT(whole.channels[2].mv, ElementsAre(FloatEq(0.015), FloatEq(0.03)));
}

TEST(CardioSoftXmlTest, SaysWhatIsWrong) {
  const auto message = [](absl::string_view file, absl::string_view from, absl::string_view to) {
    return std::string(Read(absl::StrReplaceAll(file, {{from, to}})).status().message());
  };
  EXPECT_THAT(message(kRest, "-1,\n0,1", "-1,\n0"),
              HasSubstr("StripData: lead V1: ChannelSampleCountTotal is 3, but there are 2 samples"));
  EXPECT_THAT(message(kRest, "uVperLsb", "perLsb"), HasSubstr("the unit \"\" is not supported"));
  EXPECT_THAT(message(kRest, "SampleRate", "Other"), HasSubstr("SampleRate is missing"));
  EXPECT_THAT(message(kRest, "WaveformData", "Other"), HasSubstr("neither WaveformData nor FullDisclosureData"));
  EXPECT_THAT(message(kStress, "4,5,6", "4,5"), HasSubstr("5 samples do not make as many of each of 3 leads"));
  EXPECT_THAT(message(kStress, ",V2", ""), HasSubstr("NumberOfChannels is 3, but LeadOrder names 2 leads"));
}

TEST(CardioSoftXmlTest, SurvivesDamage) {
  ExpectSurvivesMutations<CardioSoftXml>(std::string(kRest), 3000);
  ExpectSurvivesMutations<CardioSoftXml>(std::string(kStress), 3000);
}

}  // namespace
}  // namespace ecg

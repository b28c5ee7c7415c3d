#include "ecg/signal/schiller_xml.h"

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

constexpr absl::string_view kFile =
    "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<com.xiriuz.sema.xml.schillerEDI.SchillerEDI>\n"
    "<patdata><birthdate>19500102</birthdate><gender>FEMALE</gender></patdata><examdescript><startdatetime>"
    "<date>20000101</date><time>140610000</time></startdatetime><aquiringdevice><hardware><vendor>Schiller</vendor>"
    "<model>AT-110</model></hardware><software><version>2.64.0</version></software></aquiringdevice></examdescript>\n"
    "<eventdata><event><wavedata><type>ECG_AVERAGES</type><resolution><samplerate><exponent>1</exponent><value>1000"
    "</value></samplerate><yres><unitperbit>0.5</unitperbit><units>UV</units></yres></resolution><channel>"
    "<annotation_lead><name>R_DUR</name><value>86</value></annotation_lead><name>I</name><data>30,-30</data><datastype>"
    "COMMASEPARATE</datastype><samplecount>2</samplecount></channel></wavedata>\n"
    "<wavedata><type>ECG_RHYTHMS</type><resolution><samplerate><exponent>1</exponent><value>500</value></samplerate>"
    "<yres><unitperbit>1.0</unitperbit><units>UV</units></yres></resolution><channel><name>AVR</name><data>1,2,3</data>"
    "<samplecount>3</samplecount></channel><channel><name>V1</name><data>4,5,6</data></channel></wavedata>\n"
    "<filters_data><filter><name>MAINS</name><value>-</value></filter><filter><name>BASELINE_STABILIZER</name><value>ON"
    "</value></filter><filter><name>LOWPASS_CUTOFF_FREQ</name><value>150</value></filter></filters_data></event>"
    "</eventdata></com.xiriuz.sema.xml.schillerEDI.SchillerEDI>\n";

absl::StatusOr<Recording> Read(absl::string_view bytes) {
  return SchillerXml::Read(RecordingFile{.path = "", .bytes = bytes});
}

TEST(SchillerXmlTest, ReadsTheFilesAsIndependentReadersDo) {
  if (ExpectSharedRecordings<SchillerXml>("schiller") == 0) {
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/schiller to run this test";
  }
}

TEST(SchillerXmlTest, TellsRhythmFromAveragesByTheirType) {
  const Recording recording = Read(kFile).value();
  EXPECT_EQ(recording.format, "Schiller XML 2.64.0");
  EXPECT_EQ(recording.machine, "Schiller AT-110");
  EXPECT_EQ(recording.recorded_at, "2000-01-01T14:06:10");
  EXPECT_EQ(recording.sex, "female");
  EXPECT_EQ(recording.age_years, 49);
  EXPECT_EQ(recording.filters, "baseline stabilizer on, low-pass 150 Hz");
  ASSERT_EQ(recording.strips.size(), 2);
  EXPECT_EQ(recording.strips[0].kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_EQ(recording.strips[0].sampling_frequency_hz, 1000);
  EXPECT_EQ(recording.strips[0].channels[0].name, "I");
  EXPECT_THAT(recording.strips[0].channels[0].mv, ElementsAre(FloatEq(0.015), FloatEq(-0.015)));
  EXPECT_EQ(recording.strips[1].kind, Strip::Kind::kRhythm);
  EXPECT_EQ(recording.strips[1].sampling_frequency_hz, 500);
  EXPECT_EQ(recording.strips[1].channels[0].name, "aVR");
  EXPECT_THAT(recording.strips[1].channels[0].mv, ElementsAre(FloatEq(0.001), FloatEq(0.002), FloatEq(0.003)));
}

TEST(SchillerXmlTest, SaysWhatIsWrong) {
  const auto message = [](absl::string_view from, absl::string_view to) {
    return std::string(Read(absl::StrReplaceAll(kFile, {{from, to}})).status().message());
  };
  EXPECT_THAT(message("1,2,3", "1,2"),
              HasSubstr("wavedata ECG_RHYTHMS: channel AVR: samplecount is 3, but there are 2 samples"));
  EXPECT_THAT(message("<exponent>1", "<exponent>3"), HasSubstr("the samplerate has the exponent 3"));
  EXPECT_THAT(message("UV", "XV"), HasSubstr("the unit \"XV\" is not supported"));
  EXPECT_THAT(message("unitperbit", "other"), HasSubstr("unitperbit is missing"));
  EXPECT_THAT(message("wavedata", "other"), HasSubstr("no wavedata"));
}

TEST(SchillerXmlTest, SurvivesDamage) { ExpectSurvivesMutations<SchillerXml>(std::string(kFile), 4000); }

}  // namespace
}  // namespace ecg

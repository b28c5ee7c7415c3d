#include "ecg/signal/aecg.h"

#include <string>

#include "absl/status/statusor.h"
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

std::string Times(absl::string_view head, absl::string_view increment) {
  return absl::StrCat("<component><sequence><code code=\"TIME_ABSOLUTE\"/><value xsi:type=\"GLIST_TS\"><head value=\"",
                      head, "\"/><increment ", increment, "/></value></sequence></component>\n");
}

std::string Lead(absl::string_view code, absl::string_view digits, absl::string_view origin = "0",
                 absl::string_view unit = "uV") {
  return absl::StrCat("<component><sequence><code code=\"", code, "\"/><value xsi:type=\"SLIST_PQ\"><origin value=\"",
                      origin, "\" unit=\"", unit, "\"/><scale value=\"2.5\" unit=\"", unit, "\"/><digits>", digits,
                      "</digits></value></sequence></component>\n");
}

std::string Set(absl::string_view sequences) {
  return absl::StrCat("<component><sequenceSet>", sequences, "</sequenceSet></component>");
}

// Two rhythm strips, one of which is in milliseconds and has its times last, and a beat.
std::string File() {
  return absl::StrCat(
      "<?xml version=\"1.0\"?><!-- FDA --><AnnotatedECG xmlns=\"urn:hl7-org:v3\">"
      "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject><subjectDemographicPerson>"
      "<administrativeGenderCode code=\"F\"/><birthTime value=\"19530508\"/></subjectDemographicPerson></trialSubject>"
      "</subject></subjectAssignment></componentOf></timepointEvent></componentOf>\n"
      "<component><series><code code=\"RHYTHM\"/><effectiveTime><low value=\"20021122091000.250\"/></effectiveTime>"
      "<author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>ELI250</manufacturerModelName>"
      "</manufacturedSeriesDevice><manufacturerOrganization><name>Mortara</name></manufacturerOrganization>"
      "</seriesAuthor></author><controlVariable><controlVariable><code code=\"MDC_ECG_CTL_VBL_ATTR_FILTER_LOW_PASS\"/>"
      "<component><controlVariable><value value=\"150\" unit=\"Hz\"/></controlVariable></component></controlVariable>"
      "</controlVariable>\n",
      Set(Times("20021122091000", "value=\"0.002\" unit=\"s\"") + Lead("MDC_ECG_LEAD_AVR", "-2 4\n 6") +
          Lead("MDC_ECG_LEAD_V3R", "1 NaN 2", "100", "nV") + Lead("MDC_PRESS_BLD", "1 2 3", "0", "mmHg")),
      Set(Lead("MDC_ECG_LEAD_II", "7 8", "1", "mV") + Times("20021122091001.500", "value=\"4\" unit=\"ms\"")),
      "<derivation><derivedSeries><code code=\"REPRESENTATIVE_BEAT\"/>\n",
      Set(Times("0", "value=\"2000\" unit=\"us\"") + Lead("MDC_ECG_LEAD_I", "9")),
      "</derivedSeries></derivation></series></component></AnnotatedECG>\n");
}

absl::StatusOr<Recording> Read(absl::string_view bytes) {
  return Aecg::Read(RecordingFile{.path = "", .bytes = bytes});
}

TEST(AecgTest, ReadsTheFilesAsIndependentReadersDo) {
  if (ExpectSharedRecordings<Aecg>("aecg") == 0) {
    GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with formats/aecg to run this test";
  }
}

TEST(AecgTest, ReadsEverySequenceSetWithItsTimesAndUnits) {
  const Recording recording = Read(File()).value();
  EXPECT_EQ(recording.format, "HL7 aECG");
  EXPECT_EQ(recording.machine, "Mortara ELI250");
  EXPECT_EQ(recording.recorded_at, "2002-11-22T09:10:00");
  EXPECT_EQ(recording.sex, "female");
  EXPECT_EQ(recording.age_years, 49);
  EXPECT_EQ(recording.filters, "low-pass 150 Hz");
  EXPECT_THAT(recording.notes, ElementsAre("the sequence MDC_PRESS_BLD is left out: it is no voltage"));
  ASSERT_EQ(recording.strips.size(), 3);
  const Strip& first = recording.strips[0];
  EXPECT_EQ(first.kind, Strip::Kind::kRhythm);
  EXPECT_EQ(first.sampling_frequency_hz, 500);
  EXPECT_EQ(first.channels[0].name, "aVR");
  EXPECT_THAT(first.channels[0].mv, ElementsAre(FloatEq(-0.005), FloatEq(0.01), FloatEq(0.015)));
  EXPECT_EQ(first.channels[1].name, "V3R");
  EXPECT_THAT(first.channels[1].mv, ElementsAre(FloatEq(1.025e-4), NanSensitiveFloatEq(NAN), FloatEq(1.05e-4)));
  const Strip& second = recording.strips[1];
  EXPECT_EQ(second.sampling_frequency_hz, 250);
  EXPECT_EQ(second.start_seconds, 1.5);
  EXPECT_THAT(second.channels[0].mv, ElementsAre(FloatEq(18.5), FloatEq(21)));
  EXPECT_EQ(recording.strips[2].kind, Strip::Kind::kRepresentativeBeat);
  EXPECT_EQ(recording.strips[2].sampling_frequency_hz, 500);
}

TEST(AecgTest, ReadsTheCodesOfMegaCare) {
  const std::string file =
      absl::StrReplaceAll(File(), {{"MDC_ECG_LEAD", "NOM_ECG_LEAD"}, {"\"RHYTHM\"", "\"ECG_RHYTHM_WAVEFORMS\""}});
  EXPECT_EQ(Read(file).value().strips[0].channels[0].name, "aVR");
}

TEST(AecgTest, PrefersTheReportedAge) {
  const std::string file =
      absl::StrReplaceAll(File(), {{"</AnnotatedECG>",
                                    "<controlVariable><relatedObservation><code code=\"21612-7\"/><value value=\"46\" "
                                    "unit=\"a\"/></relatedObservation></controlVariable></AnnotatedECG>"}});
  EXPECT_EQ(Read(file).value().age_years, 46);
}

TEST(AecgTest, SaysWhatIsWrong) {
  const auto message = [](absl::string_view from, absl::string_view to) {
    return std::string(Read(absl::StrReplaceAll(File(), {{from, to}})).status().message());
  };
  EXPECT_THAT(message("increment", "other"), HasSubstr("series RHYTHM, sequence set 1: no sequence of times"));
  EXPECT_THAT(message("-2 4", "-2 x4"), HasSubstr("sequence MDC_ECG_LEAD_AVR: sample 1: \"x4\" is not a number"));
  EXPECT_THAT(message("\"uV\"", "\"volt-ish\""), HasSubstr("the unit \"volt-ish\" is not supported"));
  EXPECT_THAT(message("unit=\"ms\"", "unit=\"min\""), HasSubstr("the unit of increment is \"min\""));
  EXPECT_THAT(message("0.002", "0"), HasSubstr("the increment is 0 s"));
  EXPECT_THAT(message("<series>", "<other>").substr(0, 4), HasSubstr("line"));
}

TEST(AecgTest, SurvivesDamage) { ExpectSurvivesMutations<Aecg>(File(), 4000); }

}  // namespace
}  // namespace ecg

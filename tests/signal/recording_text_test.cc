#include "ecg/signal/recording_text.h"

#include <cmath>
#include <string>

#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

TEST(RecordingTextTest, SaysWhatIsInARecording) {
  Recording recording;
  recording.format = "Format 1.0";
  recording.machine = "Maker Model";
  recording.recorded_at = "2001-12-25T12:34:56";
  recording.sex = "male";
  recording.age_years = 0.5;
  recording.filters = "low-pass 150 Hz";
  recording.notes = {"something"};
  Strip strip;
  strip.sampling_frequency_hz = 512.508;
  strip.channels = {Channel{.name = "I", .mv = {-0.5, NAN, 1.25}, .step_mv = 0.005, .derived = false},
                    Channel{.name = "a long name", .mv = {0, 0, 0}, .step_mv = 0.0025, .derived = true}};
  recording.strips = {strip, strip};
  recording.strips[1].kind = Strip::Kind::kRepresentativeBeat;
  recording.strips[1].start_seconds = 1.5;
  recording.strips[1].channels.resize(1);
  recording.strips[1].channels[0].mv.assign(1000, NAN);
  const std::string expected =
      "format    Format 1.0\n"
      "machine   Maker Model\n"
      "recorded  2001-12-25 12:34:56\n"
      "patient   male, 6 months\n"
      "filters   low-pass 150 Hz\n"
      "note      something\n"
      "strip 1   rhythm, 0.005854 s: 2 leads, 3 samples each, 512.508 Hz, steps of 2.5 to 5 uV\n"
      "  lead             least       most  mV\n"
      "  I               -0.500      1.250  1 missing\n"
      "  a long name      0.000      0.000  flat  derived\n"
      "strip 2   representative beat, 1.951 s from 1.5 s: 1 lead, 1,000 samples, 512.508 Hz, steps of 5 uV\n"
      "  lead      least       most  mV\n"
      "  I    all samples are missing\n";
  EXPECT_EQ(DescribeRecording(recording).substr(0, expected.size()), expected);
  EXPECT_THAT(DescribeRecording(recording), HasSubstr("\n12 leads  no: no rhythm strip has I, II and V1 to V6"));
}

}  // namespace
}  // namespace ecg

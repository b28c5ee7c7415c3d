#include "ecg/signal/recording_fields.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "ecg/signal/recording.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::NanSensitiveFloatEq;

TEST(RecordingFieldsTest, KnowsTheWordsForSexAndAge) {
  EXPECT_EQ(SexFromWord(" Male "), "male");
  EXPECT_EQ(SexFromWord("F"), "female");
  EXPECT_EQ(SexFromWord("UN"), "");
  EXPECT_EQ(AgeInYears(61, "YEARS"), 61);
  EXPECT_EQ(AgeInYears(6, "months"), 0.5);
  EXPECT_EQ(AgeInYears(61, "fortnights"), std::nullopt);
  EXPECT_EQ(AgeInYears(-1, ""), std::nullopt);
  EXPECT_EQ(AgeInYears(999, "y"), std::nullopt);
  EXPECT_EQ(AgeAt("1950-02-04", "2001-02-03T04:05:06"), 50);
  EXPECT_EQ(AgeAt("1950-02-04", "2001-02-04"), 51);
  EXPECT_EQ(AgeAt("", "2001-02-04"), std::nullopt);
  EXPECT_EQ(AgeAt("2002-01-01", "2001-02-04"), std::nullopt);
}

TEST(RecordingFieldsTest, MakesTimesOfIso8601) {
  EXPECT_EQ(IsoDate(2008, 7, 10), "2008-07-10");
  EXPECT_EQ(IsoDate(1, 1, 1), "");
  EXPECT_EQ(IsoDate("2008/07/10"), "2008-07-10");
  EXPECT_EQ(IsoDate("20080710165457"), "2008-07-10");
  EXPECT_EQ(IsoDate("July 10, 2008"), "");
  EXPECT_EQ(IsoDate("20081310"), "");
  EXPECT_EQ(IsoTime("2008-07-10", "16:54:57"), "2008-07-10T16:54:57");
  EXPECT_EQ(IsoTime("2008-07-10", "140610000"), "2008-07-10T14:06:10");
  EXPECT_EQ(IsoTime("2008-07-10", ""), "2008-07-10");
  EXPECT_EQ(IsoTime("2008-07-10", "99:99:99"), "2008-07-10");
  EXPECT_EQ(IsoTime("", "16:54:57"), "");
  EXPECT_EQ(IsoTimestamp("20021122091000.250"), "2002-11-22T09:10:00");
  EXPECT_EQ(IsoTimestamp("2000-01-01 12:58:58 +0800"), "2000-01-01T12:58:58");
  EXPECT_EQ(IsoTimestamp("2000-01-01T00:00:00"), "2000-01-01T00:00:00");
  EXPECT_EQ(IsoTimestamp("0.000"), "");
}

TEST(RecordingFieldsTest, MakesChannelsOfDigitalSamples) {
  const Channel channel = MakeChannel("MDC_ECG_LEAD_AVR", std::vector<int16_t>{5, -32768, 11}, -0.5, 1, -32768);
  EXPECT_EQ(channel.name, "aVR");
  EXPECT_EQ(channel.step_mv, 0.5);
  EXPECT_THAT(channel.mv,
              ElementsAre(FloatEq(-2), NanSensitiveFloatEq(std::numeric_limits<float>::quiet_NaN()), FloatEq(-5)));
}

TEST(RecordingFieldsTest, PadsShorterChannelsAndNotesThem) {
  Strip strip;
  strip.channels = {MakeChannel("I", std::vector<int>{1, 2}, 1), MakeChannel("II", std::vector<int>{3}, 1)};
  std::vector<std::string> notes;
  PadChannels(&strip, &notes);
  EXPECT_THAT(strip.channels[1].mv,
              ElementsAre(FloatEq(3), NanSensitiveFloatEq(std::numeric_limits<float>::quiet_NaN())));
  EXPECT_THAT(notes, ElementsAre("lead II has only 1 of 2 samples"));
}

}  // namespace
}  // namespace ecg

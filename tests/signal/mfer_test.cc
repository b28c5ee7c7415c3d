#include "ecg/signal/mfer.h"

#include <cmath>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/damaged_recording.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Tag(int tag, const std::string& value) {
  std::string bytes(1, static_cast<char>(tag));
  if (value.size() > 127) bytes += std::string("\x82", 1) + static_cast<char>(value.size() >> 8);
  return bytes + static_cast<char>(value.size()) + value;
}

std::string Of(int channel, const std::string& definitions) {
  return std::string("\x3F") + static_cast<char>(channel) + static_cast<char>(definitions.size()) + definitions;
}

// B turns a literal with zeros into a string.
template <size_t kSize>
std::string B(const char (&bytes)[kSize]) {
  return std::string(bytes, kSize - 1);
}

const std::string kPreamble = Tag(0x40, B("MFR Standard"));
const std::string kLittle = Tag(0x01, B("\1"));
const std::string k500Hz = Tag(0x0B, B("\1\xFD\2\0"));         // 2 x 10^-3 s
const std::string kStep2500nV = Tag(0x0C, B("\0\xF9\x19\0"));  // 25 x 10^-7 V

absl::StatusOr<Recording> Read(const std::string& bytes) { return Mfer::Read({.path = "", .bytes = bytes}); }

TEST(MferTest, ReadsRealFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<Mfer>("mfer") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(MferTest, AppliesDefinitionsToAllChannelsAndThenThoseOfAChannel) {
  const std::string bytes = kPreamble + kLittle + k500Hz + kStep2500nV + Tag(0x04, B("\2\0")) + Tag(0x05, B("\2")) +
                            Tag(0x06, B("\2")) + Of(0, Tag(0x09, B("\1\0"))) +
                            Of(1, Tag(0x09, B("\x3D\0")) + Tag(0x0C, B("\0\xFD\1"))) +
                            Tag(0x1E, B("\1\0\2\0"
                                        "\3\0\4\0"
                                        "\5\0\6\0"
                                        "\7\0\xFF\xFF"));
  EXPECT_TRUE(Mfer::Recognises({.path = "", .bytes = bytes}));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_THAT(recording->notes, IsEmpty());
  ASSERT_EQ(recording->strips.size(), 1u);
  const Strip& strip = recording->strips[0];
  EXPECT_EQ(strip.sampling_frequency_hz, 500);
  EXPECT_EQ(strip.channels[0].name, "I");
  EXPECT_EQ(strip.channels[1].name, "III");
  EXPECT_THAT(strip.channels[0].mv, ElementsAre(.0025f, .005f, .0125f, .015f));
  EXPECT_THAT(strip.channels[1].mv, ElementsAre(3, 4, 7, -1));
}

TEST(MferTest, ReadsBigEndianNumbersOfOtherTypesWithOffsetAndMissingOnes) {
  const std::string bytes =
      kPreamble + Tag(0x0B, B("\0\0\0\xFA")) + Tag(0x0C, B("\0\xFD\0\1")) + Tag(0x05, B("\2")) + Tag(0x04, B("\3")) +
      Of(0, Tag(0x0A, B("\3")) + Tag(0x0D, B("\x80")) + Tag(0x12, B("\xFF"))) + Of(1, Tag(0x0A, B("\2"))) +
      Tag(0x1E, B("\x81\xFF\x7F"
                  "\0\1\0\0"
                  "\xFF\xFF\xFF\xFE"
                  "\0\0\0\1"));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  const Strip& strip = recording->strips[0];
  EXPECT_EQ(strip.sampling_frequency_hz, 250);
  EXPECT_EQ(strip.channels[0].mv[0], 1);
  EXPECT_TRUE(std::isnan(strip.channels[0].mv[1]));
  EXPECT_EQ(strip.channels[0].mv[2], -1);
  EXPECT_THAT(strip.channels[1].mv, ElementsAre(65536, -2, 1));
}

TEST(MferTest, LeavesOutWhatIsNoVoltageAndSkipsItsSamples) {
  const std::string bytes = kPreamble + kLittle + k500Hz + kStep2500nV + Tag(0x04, B("\1\0")) + Tag(0x05, B("\3")) +
                            Of(0, Tag(0x0A, B("\4"))) + Of(1, Tag(0x0C, B("\1\0\1"))) + Tag(0x1E, B("\1\1\2\2\4\0"));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips[0].channels.size(), 1u);
  EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(.01f));
  EXPECT_THAT(recording->notes, ElementsAre(HasSubstr("channel 1, channel 2")));
}

TEST(MferTest, JoinsWaveformsAndTellsRatesAndBeatsApart) {
  const std::string head = kPreamble + kLittle + k500Hz + kStep2500nV + Tag(0x04, B("\2\0")) + Tag(0x05, B("\2")) +
                           Of(1, Tag(0x0B, B("\1\xFD\4\0")) + Tag(0x04, B("\1\0")));
  const std::string beat = Tag(0x08, B("\1\0"
                                       "Averaged beat"));
  const absl::StatusOr<Recording> recording =
      Read(head + Tag(0x1E, B("\1\0\2\0\3\0")) + Tag(0x1E, B("\4\0\5\0\6\0")) + beat + Tag(0x1E, B("\7\0\7\0\7\0")));
  ASSERT_TRUE(recording.ok()) << recording.status();
  ASSERT_EQ(recording->strips.size(), 4u);
  EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(.0025f, .005f, .01f, .0125f));
  EXPECT_EQ(recording->strips[1].sampling_frequency_hz, 250);
  EXPECT_THAT(recording->strips[1].channels[0].mv, ElementsAre(.0075f, .015f));
  EXPECT_EQ(recording->strips[2].kind, Strip::Kind::kRepresentativeBeat);
}

TEST(MferTest, ReadsWhoWasRecordedWhenAndWithWhat) {
  const absl::StatusOr<Recording> recording =
      Read(kPreamble + kLittle + Tag(0x17, "Maker^Model^1") + Tag(0x83, B("\x41\0\0")) + Tag(0x84, B("\1")) +
           Tag(0x85, B("\xD8\x07\7\x0A\x10\x36\x39\0\0\0\0")) + Tag(0x04, B("\1")) + Tag(0x1E, B("\1\0")));
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->machine, "Maker Model 1");
  EXPECT_EQ(recording->age_years, 65);
  EXPECT_EQ(recording->sex, "male");
  EXPECT_EQ(recording->recorded_at, "2008-07-10T16:54:57");
  EXPECT_EQ(recording->strips[0].sampling_frequency_hz, 1000) << "the standard's default";
}

TEST(MferTest, SaysWhatIsMissingOrWrong) {
  const auto error = [](const std::string& bytes) { return std::string(Read(bytes).status().message()); };
  EXPECT_THAT(error("hello"), HasSubstr("no preamble"));
  EXPECT_THAT(error(kPreamble), HasSubstr("no samples of a voltage"));
  EXPECT_THAT(error(kPreamble + Tag(0x0A, B("\x09"))), HasSubstr("byte 14: samples of type 9"));
  EXPECT_THAT(error(kPreamble + Tag(0x05, B("\xFF\xFF"))), HasSubstr("65535 channels"));
  EXPECT_THAT(error(kPreamble + Tag(0x0B, B("\0\0\0"))), HasSubstr("the sampling interval is 0 of unit 0"));
  EXPECT_THAT(error(kPreamble + Tag(0x0E, B("\0\1")) + Tag(0x1E, "1234")), HasSubstr("compressed (1)"));
  const std::string cut = kPreamble + Tag(0x04, B("\4")) + Tag(0x06, B("\1")) + Tag(0x1E, B("\0\1\0\2\0\3\0\4"));
  EXPECT_THAT(
      Read(cut.substr(0, cut.size() - 4))->notes,
      ElementsAre(HasSubstr("1 sequences of 8 bytes stated, 4 bytes found"), HasSubstr("the value is cut short")));
}

TEST(MferTest, SurvivesDamage) {
  const std::string bytes = kPreamble + kLittle + k500Hz + kStep2500nV + Tag(0x04, B("\2\0")) + Tag(0x05, B("\2")) +
                            Tag(0x06, B("\2")) + Of(0, Tag(0x09, B("\1\0"))) +
                            Of(1, Tag(0x09, B("\x3D\0")) + Tag(0x0C, B("\0\xFD\1"))) +
                            Tag(0x1E, B("\1\0\2\0"
                                        "\3\0\4\0"
                                        "\5\0\6\0"
                                        "\7\0\xFF\xFF"));
  ExpectSurvivesDamage<Mfer>(bytes, bytes.size(), 10000, bytes.size());
  for (const SharedRecording& file : SharedRecordings("mfer")) ExpectSurvivesDamage<Mfer>(file.bytes, 50, 200, 500);
  EXPECT_LT(MostMemoryMb(), 500);
}

}  // namespace
}  // namespace ecg

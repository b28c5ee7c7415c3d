#include "ecg/signal/contec.h"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/damaged_recording.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string File(const std::vector<std::vector<uint16_t>>& rows) {
  std::string bytes = std::string("0000050\0\0\0", 10) + "2021-05-01 13:14:15" + std::string(3, '\0') + "Name";
  bytes.resize(40, '\0');
  bytes += std::string("\x01\x41\x50", 3);
  for (const std::vector<uint16_t>& row : rows) {
    for (const uint16_t value : row) bytes.append(reinterpret_cast<const char*>(&value), 2);
  }
  return bytes + std::string(37, '\x55');
}

absl::StatusOr<Recording> Read(const std::string& bytes) { return Contec::Read({.path = "", .bytes = bytes}); }

TEST(ContecTest, ReadsRealFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<Contec>("contec") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(ContecTest, ReadsRowsUpToOneOfZeros) {
  constexpr uint16_t kNone = 0x6800;
  const std::string bytes = File({{2048, 2049, 2046, kNone, kNone, kNone, kNone, kNone},
                                  {2050, kNone, 2048, kNone, kNone, kNone, kNone, kNone},
                                  {0, 0, 0, 0, 0, 0, 0, 0},
                                  {9, 9, 9, 9, 9, 9, 9, 9}});
  EXPECT_TRUE(Contec::Recognises({.path = "", .bytes = bytes}));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->recorded_at, "2021-05-01T13:14:15");
  EXPECT_EQ(recording->sex, "male");
  EXPECT_EQ(recording->age_years, 65);
  const Strip& strip = recording->strips[0];
  EXPECT_EQ(strip.sampling_frequency_hz, 800);
  ASSERT_EQ(strip.channels.size(), 3u);
  EXPECT_EQ(strip.channels[1].name, "III");
  EXPECT_THAT(strip.channels[0].mv, ElementsAre(0, .01f));
  EXPECT_TRUE(std::isnan(strip.channels[1].mv[1]));
  EXPECT_THAT(recording->notes, ElementsAre("row 3 of 4 is zero, and ends the recording",
                                            "left out, as no electrode was attached: V2, V3, V4, V5, V6"));
}

TEST(ContecTest, SaysWhatIsMissingOrWrong) {
  const std::string bytes = File({{1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 8}});
  EXPECT_THAT(Read("0000050").status().message(), HasSubstr("no time at byte 10"));
  EXPECT_THAT(Read(bytes.substr(0, 90)).status().message(), HasSubstr("no samples in 90 bytes"));
  EXPECT_THAT(Read(bytes.substr(0, bytes.size() - 1))->notes, ElementsAre(HasSubstr("the file is cut short")));
  EXPECT_THAT(Read(File({{0, 0, 0, 0, 0, 0, 0, 0}})).status().message(), HasSubstr("no lead has samples"));
}

TEST(ContecTest, SurvivesDamage) {
  const std::string bytes = File({{1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 3, 4, 5, 6, 7, 8}});
  ExpectSurvivesDamage<Contec>(bytes, bytes.size(), 5000, bytes.size());
  for (const SharedRecording& file : SharedRecordings("contec")) ExpectSurvivesDamage<Contec>(file.bytes, 50, 200, 600);
  EXPECT_LT(MostMemoryMb(), 500);
}

}  // namespace
}  // namespace ecg

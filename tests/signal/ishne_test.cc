#include "ecg/signal/ishne.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/file/crc_ccitt.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/damaged_recording.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Number>
void Put(std::string* bytes, size_t at, Number number) {
  bytes->replace(at, sizeof(Number), reinterpret_cast<const char*>(&number), sizeof(Number));
}

// File returns a file of the leads II and V1 in steps of 2 and 5 uV, with a block of 10 bytes in front of the samples.
std::string File(const std::vector<int16_t>& samples, bool with_crc = true) {
  std::string head(532, '\0');
  head.replace(0, 8, "ISHNE1.0");
  Put<int32_t>(&head, 10, 10);
  Put<int32_t>(&head, 14, samples.size() / 2);
  Put<int32_t>(&head, 18, 522);
  Put<int32_t>(&head, 22, 532);
  Put<int16_t>(&head, 128, 2);
  const int16_t dates[] = {2, 5, 1951, 1, 5, 2021, 1, 6, 2021, 13, 14, 15, 2, 6, 11};
  for (size_t i = 0; i < std::size(dates); ++i) Put(&head, 132 + 2 * i, dates[i]);
  for (size_t i = 2; i < 12; ++i) Put<int16_t>(&head, 158 + 2 * i, -9);
  Put<int16_t>(&head, 206, 2000);
  Put<int16_t>(&head, 208, 5000);
  head.replace(232, 8, "Recorder");
  Put<int16_t>(&head, 272, 200);
  if (with_crc) Put<uint16_t>(&head, 8, CrcCcitt(absl::string_view(head).substr(10)));
  for (const int16_t sample : samples) head.append(reinterpret_cast<const char*>(&sample), 2);
  return head;
}

absl::StatusOr<Recording> Read(const std::string& bytes) { return Ishne::Read({.path = "", .bytes = bytes}); }

TEST(IshneTest, ReadsRealFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<Ishne>("ishne") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(IshneTest, ReadsAFile) {
  const std::string bytes = File({1, 2, 3, -32768});
  EXPECT_TRUE(Ishne::Recognises({.path = "", .bytes = bytes}));
  const absl::StatusOr<Recording> recording = Read(bytes);
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_THAT(recording->notes, IsEmpty());
  EXPECT_EQ(recording->recorded_at, "2021-05-01T13:14:15");
  EXPECT_EQ(recording->sex, "female");
  EXPECT_EQ(recording->age_years, 69);
  EXPECT_EQ(recording->machine, "Recorder");
  const Strip& strip = recording->strips[0];
  EXPECT_EQ(strip.sampling_frequency_hz, 200);
  EXPECT_EQ(strip.channels[0].name, "II");
  EXPECT_EQ(strip.channels[1].name, "V1");
  EXPECT_THAT(strip.channels[0].mv, ElementsAre(.002f, .006f));
  EXPECT_EQ(strip.channels[1].mv[0], .01f);
  EXPECT_TRUE(std::isnan(strip.channels[1].mv[1])) << "a lead fault";
}

TEST(IshneTest, SaysWhatIsMissingOrWrong) {
  const auto error = [](const std::string& bytes) { return std::string(Read(bytes).status().message()); };
  EXPECT_THAT(error("ANN  1.0"), HasSubstr("no ISHNE1.0"));
  EXPECT_THAT(error(File({1, 2}).substr(0, 100)), HasSubstr("522 bytes expected, 100 found"));
  EXPECT_THAT(error(File({})), HasSubstr("should be at byte 532, the file has 532"));
  std::string bytes = File({1, 2});
  bytes[158] = 0;
  bytes[300] = 1;
  EXPECT_THAT(Read(bytes)->notes, ElementsAre(HasSubstr("it was changed, or is damaged")));
  EXPECT_EQ(Read(bytes)->strips[0].channels[0].name, "lead 1");
  Put<int16_t>(&bytes, 206, -9);
  EXPECT_THAT(error(bytes), HasSubstr("the step of lead 1 is -9 nV"));
  EXPECT_THAT(Read(File({1, 2}, false))->notes, ElementsAre("the header states no checksum"));
  EXPECT_THAT(Read(File({1, 2, 3, 4, 5, 6}).substr(0, 540))->notes,
              ElementsAre("the header states 3 samples; the file holds 2 of each lead"));
}

TEST(IshneTest, SurvivesDamage) {
  const std::string bytes = File({1, 2, 3, 4, 5, 6, 7, 8});
  ExpectSurvivesDamage<Ishne>(bytes, bytes.size(), 5000, bytes.size());
  for (const SharedRecording& file : SharedRecordings("ishne")) ExpectSurvivesDamage<Ishne>(file.bytes, 50, 200, 600);
  EXPECT_LT(MostMemoryMb(), 500);
}

}  // namespace
}  // namespace ecg

#include "ecg/signal/rdt.h"

#include <string>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/signal/damaged_recording.h"
#include "tests/signal/shared_recordings.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kFile("\x02\x00\xE8\x03\x01\x00\xFE\xFF\x03\x00\x04\x00", 12);

absl::StatusOr<Recording> Read(const std::string& bytes) { return Rdt::Read({.path = "a.rdt", .bytes = bytes}); }

TEST(RdtTest, ReadsRealFilesAsOtherReadersDo) {
  if (ExpectSharedRecordings<Rdt>("rdt") == 0) GTEST_SKIP() << "ECG_SHARED_DIR is not set";
}

TEST(RdtTest, ReadsAFileThatItsExtensionMarks) {
  EXPECT_TRUE(Rdt::Recognises({.path = "a.RDT", .bytes = kFile}));
  EXPECT_FALSE(Rdt::Recognises({.path = "a.dat", .bytes = kFile}));
  const absl::StatusOr<Recording> recording = Read(kFile);
  ASSERT_TRUE(recording.ok()) << recording.status();
  EXPECT_EQ(recording->strips[0].sampling_frequency_hz, 1000);
  EXPECT_THAT(recording->strips[0].channels[0].mv, ElementsAre(.001f, .003f));
  EXPECT_THAT(recording->strips[0].channels[1].mv, ElementsAre(-.002f, .004f));
  EXPECT_THAT(recording->notes, ElementsAre(HasSubstr("a step is taken as 1 uV")));
}

TEST(RdtTest, SaysWhatIsMissingOrWrong) {
  EXPECT_THAT(Read("abcdefgh").status().message(), HasSubstr("25185 channels and 25699 Hz found"));
  EXPECT_THAT(Read(kFile.substr(0, 6)).status().message(), HasSubstr("no samples"));
  EXPECT_THAT(Read(kFile.substr(0, 10))->notes, ElementsAre(HasSubstr("1 uV"), HasSubstr("cut short")));
}

TEST(RdtTest, SurvivesDamage) {
  ExpectSurvivesDamage<Rdt>(kFile, kFile.size(), 3000, kFile.size());
  for (const SharedRecording& file : SharedRecordings("rdt")) ExpectSurvivesDamage<Rdt>(file.bytes, 50, 200, 40);
  EXPECT_LT(MostMemoryMb(), 500);
}

}  // namespace
}  // namespace ecg

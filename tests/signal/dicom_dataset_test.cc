#include "ecg/signal/dicom_dataset.h"

#include <bit>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

// Bytes returns a text of pairs of hexadecimal digits as bytes; what stands between quotes is text.
std::string Bytes(absl::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] == '\'') {
      for (++i; text[i] != '\''; ++i) bytes += text[i];
      continue;
    }
    bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
    ++i;
  }
  return bytes;
}

constexpr absl::string_view kUidLittle = "0800 1600 'UI' 1A00 '1.2.840.10008.5.1.4.1.1.9.' ";

TEST(DicomDatasetTest, ParsesExplicitElements) {
  const std::string bytes = Bytes(std::string(kUidLittle) +
                                  "3A00 0500 'US' 0200 0C00  3A00 1000 'UL' 0400 10270000  3A00 1A00 'DS' 0400 '500 '");
  const absl::StatusOr<DicomFile> file = DicomFile::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->error(), "");
  EXPECT_EQ(file->dataset().Text(kDicomSopClassUid), "1.2.840.10008.5.1.4.1.1.9.");
  EXPECT_EQ(file->dataset().Whole(DicomTag(0x3A, 0x05)), 12u);
  EXPECT_EQ(file->dataset().Whole(DicomTag(0x3A, 0x10)), 10000u);
  EXPECT_EQ(file->dataset().Number(DicomTag(0x3A, 0x1A)), 500);
  EXPECT_EQ(file->dataset().Find(DicomTag(0x3A, 0x1B)), nullptr);
}

TEST(DicomDatasetTest, ParsesBigEndianElements) {
  const std::string bytes =
      Bytes("0008 0016 'UI' 001A '1.2.840.10008.5.1.4.1.1.9.'  003A 0005 'US' 0002 000C  003A 0010 'UL' 0004 00002710");
  const absl::StatusOr<DicomFile> file = DicomFile::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->dataset().order(), std::endian::big);
  EXPECT_EQ(file->dataset().Whole(DicomTag(0x3A, 0x05)), 12u);
  EXPECT_EQ(file->dataset().Whole(DicomTag(0x3A, 0x10)), 10000u);
}

TEST(DicomDatasetTest, ParsesImplicitSequencesOfStatedAndUndefinedSize) {
  const std::string number = "3A00 0500 02000000 0C00 ";  // 10 bytes
  const std::string uid = "0800 1600 1A000000 '1.2.840.10008.5.1.4.1.1.9.' ";
  for (const std::string& sequence :
       {"0054 0001 12000000 FEFF00E0 0A000000 " + number,
        "0054 0001 FFFFFFFF FEFF00E0 FFFFFFFF " + number + "FEFF0DE0 00000000 FEFFDDE0 00000000 "}) {
    const std::string bytes = Bytes(uid + sequence + "0054 1010 04000000 01020304");
    const absl::StatusOr<DicomFile> file = DicomFile::Parse(bytes);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_EQ(file->error(), "");
    ASSERT_EQ(file->dataset().Items(DicomTag(0x5400, 0x100)).size(), 1u);
    EXPECT_EQ(file->dataset().Items(DicomTag(0x5400, 0x100))[0].Whole(DicomTag(0x3A, 0x05)), 12u);
    EXPECT_EQ(file->dataset().Value(DicomTag(0x5400, 0x1010)).size(), 4u);
  }
}

TEST(DicomDatasetTest, KeepsWhatStandsBeforeDamageAndSaysWhereItIs) {
  const std::string bytes = Bytes(std::string(kUidLittle) + "3A00 0500 'US' 0200 0C00  3A00 1000 'UL' FF00 10");
  const absl::StatusOr<DicomFile> file = DicomFile::Parse(bytes);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->dataset().Whole(DicomTag(0x3A, 0x05)), 12u);
  EXPECT_EQ(file->error(), "byte 44: element (003A,0010) has 255 bytes, of which 1 are there");
  EXPECT_THAT(DicomFile::Parse("hello").status().message(), HasSubstr("no DICM at byte 128"));
}

}  // namespace
}  // namespace ecg

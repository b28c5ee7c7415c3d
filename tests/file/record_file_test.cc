#include "ecg/file/record_file.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(RecordFileTest, MasksTheCheckValueOfTheAlgorithm) {
  // RFC 3720, appendix B.4: the CRC-32C of 32 zeros is 0x8A9136AA; of "123456789" it is 0xE3069283.
  const auto mask = [](uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u; };
  EXPECT_EQ(MaskedCrc32c(std::string(32, '\0')), mask(0x8A9136AA));
  EXPECT_EQ(MaskedCrc32c("123456789"), mask(0xE3069283));
  EXPECT_EQ(MaskedCrc32c(""), mask(0));
}

class RecordWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::path(testing::TempDir()) / "records";
    std::filesystem::remove(path_);
  }
  std::filesystem::path path_;
};

TEST_F(RecordWriterTest, WritesEachRecordAtOnceAndInOrder) {
  RecordWriter writer = RecordWriter::Create(path_).value();
  for (const std::string& payload : {std::string("first"), std::string(), std::string(100'000, 'x')}) {
    ASSERT_EQ(writer.Append(payload), absl::OkStatus());
    const std::string bytes = ReadFile(path_).value();  // the writer is still open
    const ParsedRecords records = ParseRecords(bytes);
    EXPECT_EQ(records.end, absl::OkStatus());
    EXPECT_EQ(records.payloads.back(), payload);
    EXPECT_EQ(records.bytes, bytes.size());
  }
  EXPECT_EQ(std::filesystem::file_size(path_), 3 * 16 + 5 + 100'000);
}

TEST_F(RecordWriterTest, RefusesAFileThatIsThere) {
  ASSERT_EQ(WriteFile(path_, "something"), absl::OkStatus());
  EXPECT_THAT(std::string(RecordWriter::Create(path_).status().message()), HasSubstr(path_.string()));
  EXPECT_EQ(ReadFile(path_).value(), "something");
}

TEST(ParseRecordsTest, ReadsTheWholeRecordsOfAFileThatWasCutOffAnywhere) {
  const std::string first = RecordOf("first"), bytes = first + RecordOf("second");
  for (size_t size = first.size() + 1; size < bytes.size(); ++size) {
    const ParsedRecords records = ParseRecords(absl::string_view(bytes).substr(0, size));
    EXPECT_THAT(records.payloads, ElementsAre("first")) << size;
    EXPECT_EQ(records.bytes, first.size());
    EXPECT_TRUE(absl::IsOutOfRange(records.end)) << records.end;
    EXPECT_THAT(std::string(records.end.message()), HasSubstr("the record at byte 21 is cut off"));
  }
  EXPECT_THAT(ParseRecords(bytes).payloads, ElementsAre("first", "second"));
  EXPECT_TRUE(ParseRecords("").payloads.empty());
}

TEST(ParseRecordsTest, NoticesEveryChangedByte) {
  const std::string bytes = RecordOf("first");
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string changed = bytes;
    changed[i] ^= 0x10;
    const ParsedRecords records = ParseRecords(changed);
    EXPECT_TRUE(records.payloads.empty()) << i;
    EXPECT_TRUE(absl::IsDataLoss(records.end)) << records.end;
  }
}

TEST(ParseRecordsTest, RefusesALengthThatNoFileHas) {
  std::string length(8, '\xFF');
  std::string bytes = length;
  const uint32_t crc = MaskedCrc32c(length);
  for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<char>(crc >> (8 * i)));
  EXPECT_TRUE(absl::IsOutOfRange(ParseRecords(bytes + "payload").end));
}

}  // namespace
}  // namespace ecg

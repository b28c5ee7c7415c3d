#include "ecg/file/csv_reader.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// The line and the fields of each row.
std::vector<std::pair<int, std::vector<std::string>>> RowsOf(CsvReader reader) {
  std::vector<std::pair<int, std::vector<std::string>>> rows;
  while (reader.Next()) {
    rows.emplace_back(reader.line(), std::vector<std::string>());
    for (size_t column = 0; column < reader.header().columns.size(); ++column) {
      rows.back().second.push_back(reader.at(static_cast<int>(column)));
    }
  }
  EXPECT_EQ(reader.status(), absl::OkStatus());
  return rows;
}

TEST(CsvReaderTest, ReturnsOneRowAtATimeWithTheLineWhereItStarts) {
  EXPECT_THAT(RowsOf(CsvReader::Parse("a,b\n\"1\n1\",x\n\n\n2,\"\ny\n\"\r\n3,z", "t.csv").value()),
              ElementsAre(Pair(2, ElementsAre("1\n1", "x")), Pair(6, ElementsAre("2", "\ny\n")),
                          Pair(9, ElementsAre("3", "z"))));
}

TEST(CsvReaderTest, ReadsRowsThatEndWithACarriageReturnOnly) {
  EXPECT_THAT(RowsOf(CsvReader::Parse("a,b\r1,2\r3,4\r", "t.csv").value()),
              ElementsAre(Pair(1, ElementsAre("1", "2")), Pair(1, ElementsAre("3", "4"))));
}

TEST(CsvReaderTest, HasNoRowsWhereTheTableIsAHeader) {
  EXPECT_TRUE(RowsOf(*CsvReader::Parse("a,b\n", "t.csv")).empty());
}

TEST(CsvReaderTest, ReadsAFileThatIsLongerThanOnePieceOfIt) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "long.csv";
  std::string text = "\xEF\xBB\xBFid,\"" + std::string(100'000, 'h') + "\"\n";
  for (int row = 0; row < 5000; ++row)
    text += std::to_string(row) + ",\"a \"\"b\"\",\n" + std::string(row % 97, 'c') + "\"\n";
  text += "5000," + std::string(200'000, 'd');
  ASSERT_EQ(WriteFile(path, text), absl::OkStatus());
  CsvReader reader = CsvReader::Open(path).value();
  ASSERT_THAT(reader.header().columns, ElementsAre("id", std::string(100'000, 'h')));
  for (int row = 0; row < 5000; ++row) {
    ASSERT_TRUE(reader.Next());
    ASSERT_EQ(reader.line(), 2 + 2 * row);
    ASSERT_EQ(reader.at(0), std::to_string(row));
    ASSERT_EQ(reader.at(1), "a \"b\",\n" + std::string(row % 97, 'c'));
  }
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.at(1), std::string(200'000, 'd'));
  EXPECT_FALSE(reader.Next());
  EXPECT_EQ(reader.status(), absl::OkStatus());
}

TEST(CsvReaderTest, ReturnsTheRowsBeforeAnErrorAndStopsThere) {
  CsvReader reader = CsvReader::Parse("a,b\n1,2\n3,4,5\n6,7\n", "t.csv").value();
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.Number(1).value(), 2);
  EXPECT_THAT(std::string(reader.ErrorAt(1, "too small").message()), "t.csv:2: column \"b\": too small");
  EXPECT_FALSE(reader.Next());
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("t.csv:3: 3 fields, where the header has 2"));
  EXPECT_FALSE(reader.Next()) << "nor does it go on behind the error";
}

TEST(CsvReaderTest, CanBeMovedBetweenRows) {
  CsvReader first = CsvReader::Parse("a\n1\n2\n", "t.csv").value();
  ASSERT_TRUE(first.Next());
  CsvReader second = std::move(first);
  EXPECT_EQ(second.at(0), "1");
  ASSERT_TRUE(second.Next());
  EXPECT_EQ(second.at(0), "2");
}

TEST(CsvReaderTest, NamesAFileThatIsNotThere) {
  const absl::Status status = CsvReader::Open("/no/such/file.csv").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot read /no/such/file.csv"));
}

}  // namespace
}  // namespace ecg

#include "ecg/file/csv.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(CsvTest, ReadsQuotedFieldsWithCommasQuotesAndLineBreaks) {
  const CsvTable table = CsvTable::Parse("id,text\n1,\"a, \"\"b\"\"\nc\"\n2,plain\n", "t.csv").value();
  EXPECT_THAT(table.header(), ElementsAre("id", "text"));
  ASSERT_EQ(table.rows(), 2);
  EXPECT_EQ(table.at(0, 1), "a, \"b\"\nc");
  EXPECT_EQ(table.at(1, 1), "plain");
}

TEST(CsvTest, ReadsNumbersAndSaysWhereThereIsNone) {
  const CsvTable table = CsvTable::Parse("a,b\n1.5,x\n", "t.csv").value();
  EXPECT_EQ(table.Number(0, 0).value(), 1.5);
  EXPECT_EQ(std::string(table.Number(0, 1).status().message()), "t.csv:2: column \"b\": \"x\" is not a number");
}

TEST(CsvTest, KnowsTheLineThatEachRowStartsIn) {
  const CsvTable table = CsvTable::Parse("a,b\n\"1\n1\",x\n\n\n2,\"\ny\n\"\r\n3,z", "t.csv").value();
  ASSERT_EQ(table.rows(), 3);
  EXPECT_EQ(table.line(0), 2);
  EXPECT_EQ(table.line(1), 6);
  EXPECT_EQ(table.line(2), 9);
}

TEST(CsvTest, KeepsTheSpacesOfAField) {
  const CsvTable table = CsvTable::Parse("a,b\n  x ,\" y \"\n", "t.csv").value();
  EXPECT_EQ(table.at(0, 0), "  x ");
  EXPECT_EQ(table.at(0, 1), " y ");
}

TEST(CsvTest, AcceptsWindowsLineEndsAByteOrderMarkAndAMissingLastLineEnd) {
  const CsvTable table = CsvTable::Parse(
                             "\xEF\xBB\xBF"
                             "a,b\r\n1,2\r\n3,4",
                             "t.csv")
                             .value();
  EXPECT_THAT(table.header(), ElementsAre("a", "b"));
  ASSERT_EQ(table.rows(), 2);
  EXPECT_EQ(table.at(1, 1), "4");
}

TEST(CsvTest, KeepsEmptyFieldsAndAnEmptyColumnName) {
  const CsvTable table = CsvTable::Parse(",b,c\n,,\n", "t.csv").value();
  EXPECT_EQ(table.Column("").value(), 0);
  ASSERT_EQ(table.rows(), 1);
  EXPECT_EQ(table.at(0, 2), "");
}

TEST(CsvTest, ListsTheColumnsWhenOneIsMissing) {
  const CsvTable table = CsvTable::Parse("ecg_id,age\n", "t.csv").value();
  EXPECT_EQ(table.Column("age").value(), 1);
  const absl::Status status = table.Column("fold").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("t.csv: no column \"fold\"; the columns are \"ecg_id\", \"age\""));
}

TEST(CsvTest, NamesTheLineOfARowWithAnotherNumberOfFields) {
  const absl::Status status = CsvTable::Parse("a,b\n1,\"x\ny\"\n1,2,3\n", "t.csv").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("t.csv:4: 3 fields, where the header has 2"));
}

TEST(CsvTest, NamesTheLineWhereAnOpenQuoteBegan) {
  const absl::Status status = CsvTable::Parse("a,b\n1,2\n3,\"never closed\n5,6\n", "t.csv").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("t.csv:3: "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("quote"));
}

TEST(CsvTest, SpeaksOfTheSeparatorWhereItIsNoComma) {
  const auto error = [](const std::string& text) {
    return std::string(CsvTable::Parse(text, "t.csv").status().message());
  };
  EXPECT_THAT(error("ecg_id;scp_codes;strat_fold\n1;\"{'NORM': 100.0, 'SR': 0.0}\";1\n"),
              HasSubstr("t.csv:1: the columns are separated by semicolons, commas expected"));
  EXPECT_THAT(error("\xEF\xBB\xBF\r\n;description;\"a, b\"\r\nNORM;1,0;\r\n"), HasSubstr("separated by semicolons"));
  EXPECT_THAT(error("sep=;\na;b\n"), HasSubstr("separated by semicolons"));
  EXPECT_THAT(error("Recording\tFirst_label\nA0001\t1\n"), HasSubstr("t.csv:1: the columns are separated by tabs"));
  EXPECT_THAT(error(std::string("\xFF\xFE"
                                "a\0,\0b\0\n\0",
                                10)),
              HasSubstr("t.csv: the table is in UTF-16"));
  EXPECT_TRUE(CsvTable::Parse("a,b;c\n1,2;3\n", "t.csv").ok()) << "a comma and a semicolon";
  EXPECT_TRUE(CsvTable::Parse("\"a;b\"\n1\n", "t.csv").ok()) << "one column";
}

TEST(CsvTest, TakesSemicolonsOrTabsWhereAnySeparatorWillDo) {
  const CsvTable semicolons = CsvTable::Parse("a;b (x, y);c\n1,5;2,3;4\n", "t.csv", CsvSeparators::kAny).value();
  EXPECT_EQ(semicolons.at(0, 1), "2,3");
  EXPECT_EQ(semicolons.Number(0, 0).value(), 1.5);
  EXPECT_EQ(CsvTable::Parse("a\tb\n1\t2\n", "t.csv", CsvSeparators::kAny).value().at(0, 1), "2");
  const CsvTable commas = CsvTable::Parse("a,b\n\"1,5\",2\n", "t.csv", CsvSeparators::kAny).value();
  EXPECT_FALSE(commas.Number(0, 0).ok()) << "1,5 may be 1500 there";
}

TEST(CsvTest, RefusesAQuoteInTheMiddleOfAField) {
  EXPECT_THAT(std::string(CsvTable::Parse("a,b\n1,x\"y\n", "t.csv").status().message()), HasSubstr("t.csv:2: "));
}

TEST(CsvTest, RefusesAnEmptyFileAndAMissingOne) {
  EXPECT_THAT(std::string(CsvTable::Parse("", "t.csv").status().message()), HasSubstr("t.csv: the table is empty"));
  EXPECT_EQ(CsvTable::Read("/no/such/file.csv").status().code(), absl::StatusCode::kNotFound);
}

TEST(CsvTest, ReadsBackWhatItWrites) {
  const std::vector<std::string> header = {"a", "b, c", "d"};
  const std::vector<std::string> row = {"", "say \"no\"", "two\r\nlines"};
  std::string text;
  AppendCsvRow(header, &text);
  EXPECT_EQ(text, "a,\"b, c\",d\n");
  AppendCsvRow(row, &text);
  const CsvTable table = CsvTable::Parse(text, "t.csv").value();
  EXPECT_EQ(table.header(), header);
  ASSERT_EQ(table.rows(), 1);
  for (int column = 0; column < 3; ++column) EXPECT_EQ(table.at(0, column), row[column]);
}

TEST(CsvTest, WritesARowOfOneEmptyFieldThatIsNotABlankLine) {
  std::string text = "a\n";
  AppendCsvRow({""}, &text);
  EXPECT_EQ(CsvTable::Parse(text, "t.csv").value().rows(), 1);
}

}  // namespace
}  // namespace ecg

#include "ecg/corpus/scp_codes.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

std::string Error(const std::string& text) { return std::string(ParseScpCodes(text).status().message()); }

TEST(ScpCodesTest, ReadsStatementsAndLikelihoods) {
  const std::vector<ScpCode> codes = ParseScpCodes("{'NORM': 100.0, 'NST_': 0.0,\"1AVB\":35}").value();
  ASSERT_EQ(codes.size(), 3u);
  EXPECT_EQ(codes[0].statement, "NORM");
  EXPECT_EQ(codes[0].likelihood, 100);
  EXPECT_EQ(codes[1].statement, "NST_");
  EXPECT_EQ(codes[1].likelihood, 0);
  EXPECT_EQ(codes[2].statement, "1AVB");
  EXPECT_EQ(codes[2].likelihood, 35);
}

TEST(ScpCodesTest, AllowsWhatPythonAllows) {
  EXPECT_THAT(ParseScpCodes(" { } ").value(), IsEmpty());
  EXPECT_EQ(ParseScpCodes("{\n  'NORM' : 1e2 ,\n}\n").value()[0].likelihood, 100);
  EXPECT_EQ(ParseScpCodes("{'it is \"so\"': -1}").value()[0].statement, "it is \"so\"");
}

TEST(ScpCodesTest, SaysWhatItExpectedAndWhere) {
  EXPECT_EQ(Error(""), "character 1: \"{\" expected, but the text ends");
  EXPECT_EQ(Error("['NORM']"), "character 1: \"{\" expected, \"['NORM']\" found");
  EXPECT_EQ(Error("{NORM: 1}"), "character 2: a statement in quotes, or \"}\" expected, \"NORM: 1}\" found");
  EXPECT_EQ(Error("{'NORM"), "character 7: the end of the statement expected, but the text ends");
  EXPECT_THAT(Error("{'NO\\'RM': 1}"), StartsWith("character 5: the end of the statement expected"));
  EXPECT_EQ(Error("{'NORM' 1}"), "character 9: \":\" expected, \"1}\" found");
  EXPECT_EQ(Error("{'NORM': x}"), "character 10: a number expected, \"x}\" found");
  EXPECT_EQ(Error("{'NORM': 1e999}"), "character 10: a number expected, \"1e999}\" found");
  EXPECT_EQ(Error("{'NORM': "), "character 10: a number expected, but the text ends");
  EXPECT_EQ(Error("{'NORM': 1 'SR': 0}"), "character 12: \",\" or \"}\" expected, \"'SR': 0}\" found");
  EXPECT_EQ(Error("{'NORM': 1"), "character 11: \",\" or \"}\" expected, but the text ends");
  EXPECT_EQ(Error("{'NORM': 1} or 2"), "character 13: the end expected, \"or 2\" found");
  EXPECT_EQ(Error("{'NORM': 1, , }"), "character 13: a statement in quotes, or \"}\" expected, \", }\" found");
}

TEST(ScpCodesTest, RefusesAStatementThatComesTwice) {
  EXPECT_EQ(Error("{'SR': 0, 'SR': 100}"), "character 11: a second \"SR\"");
}

TEST(ScpCodesTest, EndsAtAByteOfZero) {
  EXPECT_THAT(Error(std::string("{\0'SR': 0}", 10)), StartsWith("character 2: a statement in quotes"));
}

}  // namespace
}  // namespace ecg

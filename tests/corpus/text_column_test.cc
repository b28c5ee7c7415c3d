#include "ecg/corpus/text_column.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(TextColumnTest, ReturnsWhatWasAddedAndEmptyTextsToo) {
  TextColumn column;
  EXPECT_EQ(column.characters(), 0u);
  for (const char* text : {"", "a", "", "größer"}) column.Add(text);
  column.Add(std::string(1000, 'x'));
  ASSERT_EQ(column.size(), 5u);
  EXPECT_EQ(column[0], "");
  EXPECT_EQ(column[1], "a");
  EXPECT_EQ(column[2], "");
  EXPECT_EQ(column[3], "größer");
  EXPECT_EQ(column[4], std::string(1000, 'x'));
}

TEST(TextIndexTest, FindsTheFirstOfEqualTextsWhileTheColumnGrows) {
  TextColumn column;
  TextIndex index(column);
  for (int i = 0; i < 10'000; ++i) {
    column.Add(std::to_string(i % 3000));
    EXPECT_EQ(index.Add(i), i % 3000);
  }
  EXPECT_EQ(index.Find("2999"), 2999);
  EXPECT_EQ(index.Find("3000"), std::nullopt);
}

TEST(TextIndexTest, KnowsOnlyTheTextsThatWereAddedToIt) {
  TextColumn column;
  for (const char* text : {"a", "b", "a"}) column.Add(text);
  TextIndex index(column);
  EXPECT_EQ(index.Find("a"), std::nullopt);
  EXPECT_EQ(index.Add(2), 2);
  EXPECT_EQ(index.Add(0), 2);
  EXPECT_EQ(index.Find("b"), std::nullopt);
}

}  // namespace
}  // namespace ecg

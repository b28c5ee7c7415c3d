#include "ecg/corpus/text_list_column.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TextListColumnTest, KeepsTheOrderAndTheRepetitionsOfAListAndEachTextOnce) {
  TextListColumn column;
  column.Add(std::vector<std::string>{"SR", "NORM", "SR"});
  column.Add(std::vector<std::string>{});
  column.Add(std::vector<std::string>{"AFIB", "NORM"});
  ASSERT_EQ(column.size(), 3u);
  EXPECT_THAT(column[0], ElementsAre("SR", "NORM", "SR"));
  EXPECT_THAT(column[1], IsEmpty());
  EXPECT_THAT(column[2], ElementsAre("AFIB", "NORM"));
  EXPECT_THAT(column.texts(), ElementsAre("SR", "NORM", "AFIB"));
  EXPECT_THAT(column.codes(2), ElementsAre(2, 1));
  EXPECT_EQ(column.first(2), 3u);
}

}  // namespace
}  // namespace ecg

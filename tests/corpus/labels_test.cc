#include "ecg/corpus/labels.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ecg/corpus/text_list_column.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LabelsTest, SortsClassesByCodePointAndLeavesRecordsWithoutALabelOut) {
  const Labels labels = MakeLabels({{"b", "_"}, {}, {"A"}, {"b", "b"}, {"1"}});
  EXPECT_THAT(labels.classes, ElementsAre("1", "A", "_", "b"));
  EXPECT_THAT(labels.records, ElementsAre(0, 2, 3, 4));
  ASSERT_EQ(labels.rows(), 4);
  EXPECT_THAT(labels.row(0), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(labels.row(1), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(labels.row(2), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(labels.row(3), ElementsAre(1, 0, 0, 0));
}

TEST(LabelsTest, IsEmptyWhenNoRecordHasALabel) {
  const Labels labels = MakeLabels({{}, {}});
  EXPECT_THAT(labels.classes, IsEmpty());
  EXPECT_EQ(labels.rows(), 0);
}

// Labels with 130 classes, which take three words of 64 bits, and two rows.
Labels ManyClasses() {
  Labels labels;
  for (int k = 0; k < 130; ++k) labels.classes.push_back(std::to_string(1000 + k));
  std::vector<uint8_t> row(130);
  row[0] = row[63] = row[64] = row[129] = 1;
  labels.Add(7, row);
  labels.Add(9);
  labels.Set(1, 128);
  return labels;
}

TEST(LabelsTest, HoldMoreClassesThanAWordHasBits) {
  const Labels labels = ManyClasses();
  EXPECT_THAT(labels.records, ElementsAre(7, 9));
  ASSERT_EQ(labels.row(0).size(), 130u);
  std::vector<int> first, second;
  for (int k = 0; k < 130; ++k) {
    if (labels.row(0)[k] == 1) first.push_back(k);
    if (labels.row(1)[k] == 1) second.push_back(k);
  }
  EXPECT_THAT(first, ElementsAre(0, 63, 64, 129));
  EXPECT_THAT(second, ElementsAre(128));
  EXPECT_EQ(std::vector<uint8_t>(labels.row(0).begin(), labels.row(0).end())[129], 1);
  const Labels kept = KeepRows(labels, [](int record) { return record == 9; });
  EXPECT_THAT(kept.records, ElementsAre(9));
  EXPECT_EQ(kept.row(0)[128], 1);
  EXPECT_EQ(kept.row(0)[129], 0);
}

TEST(LabelsTest, AreTrainedOnTheirTargetsOrOnLikelihoodsOfThem) {
  Labels labels = ManyClasses();
  EXPECT_EQ(labels.training_targets(0)[129], 1);
  const auto likelihoods_of = [](int record) {
    return std::map<std::string, float>{{"1000", 0.25f}, {"1129", 0.5f}, {"1128", record == 9 ? 0.75f : 1}};
  };
  SetLikelihoods(likelihoods_of, labels);
  const std::vector<float> first = labels.training_targets(0), second = labels.training_targets(1);
  ASSERT_EQ(first.size(), 130u);
  EXPECT_EQ(first[0], 0.25f);
  EXPECT_EQ(first[63], 0) << "it is not named";
  EXPECT_EQ(first[128], 0) << "the record does not have it";
  EXPECT_EQ(first[129], 0.5f);
  EXPECT_EQ(second[128], 0.75f);
  const Labels kept = KeepRows(labels, [](int record) { return record == 9; });
  EXPECT_EQ(kept.training_targets(0)[128], 0.75f);
}

TEST(LabelsTest, IgnoreNamesThatAreNoClassAndKeepRecordsWithNoneWhereTheyShould) {
  TextListColumn lists;
  for (const std::vector<std::string>& names : {std::vector<std::string>{"x", "b"}, {"x"}, {}}) lists.Add(names);
  const Labels all = MakeLabels(lists, {"b", "a"}, /*with_none=*/true);
  EXPECT_THAT(all.classes, ElementsAre("a", "b"));
  EXPECT_THAT(all.records, ElementsAre(0, 1, 2));
  EXPECT_THAT(all.row(0), ElementsAre(0, 1));
  EXPECT_THAT(all.row(1), ElementsAre(0, 0));
  EXPECT_THAT(MakeLabels(lists, {"b", "a"}, /*with_none=*/false).records, ElementsAre(0));
}

}  // namespace
}  // namespace ecg

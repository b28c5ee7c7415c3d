#include "ecg/corpus/labels.h"

#include "ecg/corpus/corpus.h"
#include "ecg/corpus/split.h"
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

Corpus CorpusOfFolds(const std::vector<int>& folds) {
  Corpus corpus;
  for (const int fold : folds) corpus.records.emplace_back().fold = fold;
  return corpus;
}

TEST(SplitTest, PutsTheRowsOfAFoldWhereTheFoldBelongs) {
  const Corpus corpus = CorpusOfFolds({10, 9, 1, 2, 9, 3});
  const Labels labels = MakeLabels({{"a"}, {"a"}, {}, {"a"}, {"a"}, {"a"}});  // rows: records 0, 1, 3, 4, 5
  const Split split = SplitByFold(corpus, labels, /*validation_fold=*/9, /*test_fold=*/10);
  EXPECT_THAT(split.train, ElementsAre(2, 4));
  EXPECT_THAT(split.validation, ElementsAre(1, 3));
  EXPECT_THAT(split.test, ElementsAre(0));
}

TEST(SplitTest, DropsTheRowsOfRecordsThatAreNotKept) {
  const Corpus corpus = CorpusOfFolds({10, 9, 1, 2, 9, 3});
  const Labels labels = MakeLabels({{"a"}, {"a"}, {}, {"a"}, {"a"}, {"a"}});
  const Split split =
      KeepRecords(SplitByFold(corpus, labels, 9, 10), labels, [](int record) { return record != 3 && record != 0; });
  EXPECT_THAT(split.train, ElementsAre(4));
  EXPECT_THAT(split.validation, ElementsAre(1, 3));
  EXPECT_THAT(split.test, IsEmpty());
}

}  // namespace
}  // namespace ecg

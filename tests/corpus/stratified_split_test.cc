#include "ecg/corpus/stratified_split.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/text_list_column.h"
#include "ecg/synthetic/demo_records.h"
#include "ecg/synthetic/demo_signs.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Labels as they occur together in PTB-XL.
Labels SomeLabels(int records) {
  TextListColumn labels;
  for (const DemoRecord& record : DrawDemoRecords(records, /*seed=*/1)) {
    std::vector<std::string> names;
    for (const int sign : record.statements) {
      if (kDemoSigns[sign].code != "SR") names.emplace_back(kDemoSigns[sign].code);  // some records have none at all
    }
    labels.Add(names);
  }
  return MakeLabels(labels, {labels.texts().begin(), labels.texts().end()}, /*with_none=*/true);
}

std::vector<int> Count(const Labels& labels, const std::vector<int>& rows) {
  std::vector<int> counts(labels.classes.size());
  for (const int row : rows) {
    for (size_t k = 0; k < counts.size(); ++k) counts[k] += labels.row(row)[k];
  }
  return counts;
}

std::vector<int> AllRows(const Labels& labels) {
  std::vector<int> rows(labels.rows());
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(StratifiedSplitTest, PutsEachRowIntoOnePart) {
  const Labels labels = SomeLabels(777);
  const Split split = StratifiedSplit(labels, 1);
  std::vector<int> rows;
  for (const std::vector<int>* part : {&split.train, &split.validation, &split.test}) {
    EXPECT_TRUE(std::is_sorted(part->begin(), part->end()));
    rows.insert(rows.end(), part->begin(), part->end());
  }
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(rows, AllRows(labels));
}

TEST(StratifiedSplitTest, IsWithinOneRowOfTheSharesWhereClassesDoNotOverlap) {
  std::vector<std::vector<std::string>> names;
  for (int row = 0; row < 1000; ++row) names.push_back({absl::StrCat(row % 100 < 3 ? "rare" : "class ", row % 7)});
  const Labels labels = MakeLabels(names);
  const std::vector<int> total = Count(labels, AllRows(labels));
  const Split split = StratifiedSplit(labels, 1);
  for (const auto& [part, share] : {std::pair{&split.train, 0.8}, {&split.validation, 0.1}, {&split.test, 0.1}}) {
    const std::vector<int> counts = Count(labels, *part);
    for (size_t k = 0; k < counts.size(); ++k) {
      EXPECT_NEAR(counts[k], share * total[k], 1) << labels.classes[k] << ", share " << share;
    }
  }
}

TEST(StratifiedSplitTest, IsCloseToTheSharesOfOverlappingClasses) {
  const Labels labels = SomeLabels(3000);
  const std::vector<int> total = Count(labels, AllRows(labels));
  double squares = 0, count = 0;
  for (const uint64_t seed : {1, 2, 3, 4, 5}) {
    const Split split = StratifiedSplit(labels, seed);
    for (const auto& [part, share] : {std::pair{&split.train, 0.8}, {&split.validation, 0.1}, {&split.test, 0.1}}) {
      EXPECT_NEAR(static_cast<double>(part->size()), share * 3000, 20);
      const std::vector<int> counts = Count(labels, *part);
      for (size_t k = 0; k < counts.size(); ++k) {
        EXPECT_TRUE(counts[k] > 0 || total[k] < 20) << labels.classes[k] << ", seed " << seed;
        squares += std::pow(counts[k] - share * total[k], 2);
        ++count;
      }
    }
  }
  EXPECT_LT(std::sqrt(squares / count), 1.8) << "of a random split it would be about 3";
}

TEST(StratifiedSplitTest, DependsOnTheSeed) {
  const Labels labels = SomeLabels(500);
  EXPECT_EQ(StratifiedSplit(labels, 1).test, StratifiedSplit(labels, 1).test);
  const std::vector<int> first = StratifiedSplit(labels, 1).test, second = StratifiedSplit(labels, 2).test;
  std::vector<int> both;
  std::set_intersection(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(both));
  EXPECT_LT(both.size(), first.size() / 2);
}

TEST(StratifiedSplitTest, IsTheSameOnEveryMachine) {
  Labels labels = {.classes = {"A"}};
  for (int row = 0; row < 20; ++row) labels.Add(row, std::vector<int>{row % 2});
  const Split split = StratifiedSplit(labels, 1);
  EXPECT_THAT(split.train, SizeIs(16));
  EXPECT_THAT(split.validation, ElementsAre(4, 7));
  EXPECT_THAT(split.test, ElementsAre(6, 13));
}

}  // namespace
}  // namespace ecg

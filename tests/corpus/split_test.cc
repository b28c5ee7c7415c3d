#include "ecg/corpus/split.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Corpus CorpusOfFolds(const std::vector<int>& folds) {
  Corpus corpus;
  for (const int fold : folds) corpus.records.Add({.fold = fold});
  return corpus;
}

TEST(SplitTest, PutsTheRowsOfAFoldWhereTheFoldBelongs) {
  const Corpus corpus = CorpusOfFolds({10, 9, 1, 2, 9, 3});
  const Labels labels = MakeLabels({{"a"}, {"a"}, {}, {"a"}, {"a"}, {"a"}});  // rows: records 0, 1, 3, 4, 5
  const Split split = SplitByFold(corpus, labels, {.validation = 9, .first_test = 10, .last_test = 10});
  EXPECT_THAT(split.train, ElementsAre(2, 4));
  EXPECT_THAT(split.validation, ElementsAre(1, 3));
  EXPECT_THAT(split.test, ElementsAre(0));
}

std::vector<int> Folds(const absl::StatusOr<HeldOutFolds>& held_out) {
  return {held_out->validation, held_out->first_test, held_out->last_test};
}

TEST(SplitTest, TestsEveryOtherFoldAndValidatesOnTheOneBefore) {
  EXPECT_THAT(Folds(HoldOutFolds(10, 0, 1)), ElementsAre(9, 10, 10));
  EXPECT_THAT(Folds(HoldOutFolds(10, 0, 5)), ElementsAre(1, 2, 2));
  EXPECT_THAT(Folds(HoldOutFolds(5, 0, 2)), ElementsAre(2, 3, 3));
  EXPECT_THAT(std::string(HoldOutFolds(10, 0, 6).status().message()),
              HasSubstr("data.split is 6, but the 10 folds make 5 splits"));
}

TEST(SplitTest, TestsEachFoldOnceInACrossValidation) {
  EXPECT_THAT(Folds(HoldOutFolds(10, 5, 1)), ElementsAre(8, 9, 10));
  EXPECT_THAT(Folds(HoldOutFolds(10, 5, 5)), ElementsAre(10, 1, 2)) << "no fold is before the first";
  for (const auto& [folds, splits] : {std::pair{10, 5}, {10, 10}, {10, 3}, {5, 5}, {5, 2}, {7, 4}, {3, 3}}) {
    std::vector<int> tests(folds);
    for (int split = 1; split <= splits; ++split) {
      const absl::StatusOr<HeldOutFolds> held_out = HoldOutFolds(folds, splits, split);
      ASSERT_TRUE(held_out.ok()) << held_out.status();
      for (int fold = held_out->first_test; fold <= held_out->last_test; ++fold) ++tests[fold - 1];
      EXPECT_TRUE(held_out->validation >= 1 && held_out->validation <= folds);
      EXPECT_TRUE(held_out->validation < held_out->first_test || held_out->validation > held_out->last_test);
    }
    EXPECT_THAT(tests, Each(1)) << folds << " folds in " << splits << " splits";
  }
}

TEST(SplitTest, RefusesACrossValidationThatTheFoldsDoNotAllow) {
  for (const auto& [folds, splits] : {std::pair{10, 1}, {10, 11}, {2, 2}, {3, 2}}) {
    EXPECT_THAT(std::string(HoldOutFolds(folds, splits, 1).status().message()),
                HasSubstr(absl::StrCat("cross_validation is ", splits, ", but there are ", folds, " folds")));
  }
  EXPECT_THAT(std::string(HoldOutFolds(10, 5, 6).status().message()),
              HasSubstr("data.split is 6, but the 10 folds make 5 splits"));
}

TEST(SplitTest, DropsTheRowsOfRecordsThatAreNotKept) {
  const Corpus corpus = CorpusOfFolds({10, 9, 1, 2, 9, 3});
  const Labels labels = MakeLabels({{"a"}, {"a"}, {}, {"a"}, {"a"}, {"a"}});
  const HeldOutFolds held_out = {.validation = 9, .first_test = 10, .last_test = 10};
  const Split split =
      KeepRecords(SplitByFold(corpus, labels, held_out), labels, [](int record) { return record != 3 && record != 0; });
  EXPECT_THAT(split.train, ElementsAre(4));
  EXPECT_THAT(split.validation, ElementsAre(1, 3));
  EXPECT_THAT(split.test, IsEmpty());
}

// Seven records, of which the second has no label, and thus no row.
class SharedPatientsTest : public testing::Test {
 protected:
  SharedPatientsTest() {
    for (const char* patient : {"p1", "p2", "p2", "", "p3", "", "p1"}) {
      corpus_.records.Add({.patient_id = patient});
    }
    labels_.classes = {"x"};
    for (const int record : {0, 2, 3, 4, 5, 6}) labels_.Add(record, std::vector<int>{1});
  }

  Corpus corpus_;
  Labels labels_;
};

TEST_F(SharedPatientsTest, FindsAPatientWithRecordsInTwoParts) {
  const std::vector<SharedPatient> shared =
      SharedPatients(corpus_, labels_, {.train = {0, 1}, .validation = {2, 3}, .test = {4, 5}});
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_EQ(shared[0].patient_id, "p1");
  EXPECT_EQ(shared[0].first_record, 0);
  EXPECT_STREQ(shared[0].first_part, "train");
  EXPECT_EQ(shared[0].second_record, 6);
  EXPECT_STREQ(shared[0].second_part, "test");
}

TEST_F(SharedPatientsTest, FindsAPatientOfValidationAndTest) {
  const std::vector<SharedPatient> shared =
      SharedPatients(corpus_, labels_, {.train = {1}, .validation = {0}, .test = {5}});
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_STREQ(shared[0].first_part, "validation");
  EXPECT_STREQ(shared[0].second_part, "test");
}

TEST_F(SharedPatientsTest, DoesNotMindAPatientWithSeveralRecordsInOnePartOrOneThatIsNotStated) {
  EXPECT_TRUE(SharedPatients(corpus_, labels_, {.train = {0, 2, 5}, .validation = {1, 4}, .test = {3}}).empty());
  EXPECT_TRUE(SharedPatients(corpus_, labels_, {}).empty());
}

}  // namespace
}  // namespace ecg

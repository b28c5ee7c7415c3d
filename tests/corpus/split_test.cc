#include "ecg/corpus/split.h"

#include <string>
#include <vector>

#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// Seven records, of which the second has no label, and thus no row.
class SplitTest : public testing::Test {
 protected:
  SplitTest() {
    for (const char* patient : {"p1", "p2", "p2", "", "p3", "", "p1"}) {
      corpus_.records.Add({.patient_id = patient});
    }
    labels_.classes = {"x"};
    for (const int record : {0, 2, 3, 4, 5, 6}) labels_.Add(record, std::vector<int>{1});
  }

  Corpus corpus_;
  Labels labels_;
};

TEST_F(SplitTest, FindsAPatientWithRecordsInTwoParts) {
  const std::vector<SharedPatient> shared =
      SharedPatients(corpus_, labels_, {.train = {0, 1}, .validation = {2, 3}, .test = {4, 5}});
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_EQ(shared[0].patient_id, "p1");
  EXPECT_EQ(shared[0].first_record, 0);
  EXPECT_STREQ(shared[0].first_part, "train");
  EXPECT_EQ(shared[0].second_record, 6);
  EXPECT_STREQ(shared[0].second_part, "test");
}

TEST_F(SplitTest, FindsAPatientOfValidationAndTest) {
  const std::vector<SharedPatient> shared =
      SharedPatients(corpus_, labels_, {.train = {1}, .validation = {0}, .test = {5}});
  ASSERT_EQ(shared.size(), 1u);
  EXPECT_STREQ(shared[0].first_part, "validation");
  EXPECT_STREQ(shared[0].second_part, "test");
}

TEST_F(SplitTest, DoesNotMindAPatientWithSeveralRecordsInOnePartOrOneThatIsNotStated) {
  EXPECT_TRUE(SharedPatients(corpus_, labels_, {.train = {0, 2, 5}, .validation = {1, 4}, .test = {3}}).empty());
  EXPECT_TRUE(SharedPatients(corpus_, labels_, {}).empty());
}

}  // namespace
}  // namespace ecg

#include "ecg/corpus/target_versus_normal.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/labels.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

spec::TargetVersusNormal Question(const std::string& statement, const std::string& normal) {
  spec::TargetVersusNormal question;
  question.set_statement(statement);
  question.set_normal(normal);
  return question;
}

const Labels& SomeLabels() {
  static const Labels labels = MakeLabels({{"NORM"}, {}, {"AFIB", "LVH"}, {"LVH"}, {"NORM", "AFIB"}});
  return labels;
}

TEST(TargetVersusNormalTest, PrefersTheStatementToNormalAndNormalToOther) {
  const absl::StatusOr<Labels> labels = TargetVersusNormalLabels(SomeLabels(), Question("AFIB", "NORM"));
  ASSERT_TRUE(labels.ok()) << labels.status();
  EXPECT_THAT(labels->classes, ElementsAre("NORM", "AFIB", "other"));
  EXPECT_THAT(labels->records, ElementsAre(0, 2, 3, 4));
  EXPECT_THAT(labels->row(0), ElementsAre(1, 0, 0));
  EXPECT_THAT(labels->row(1), ElementsAre(0, 1, 0));
  EXPECT_THAT(labels->row(2), ElementsAre(0, 0, 1));
  EXPECT_THAT(labels->row(3), ElementsAre(0, 1, 0));
}

TEST(TargetVersusNormalTest, ListsTheStatementsWhenACodeIsNotAmongThem) {
  EXPECT_EQ(std::string(TargetVersusNormalLabels(SomeLabels(), Question("STE_", "NORM")).status().message()),
            "data.target_versus_normal.statement is \"STE_\", which is no statement of this corpus and task; the "
            "statements are AFIB, "
            "LVH, NORM");
  EXPECT_THAT(std::string(TargetVersusNormalLabels(SomeLabels(), Question("LVH", "Normal")).status().message()),
              HasSubstr("data.target_versus_normal.normal is \"Normal\""));
}

}  // namespace
}  // namespace ecg

#include "ecg/report/group_scores.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "ecg/random/random.h"
#include "ecg/score/named_score.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// Records of two classes, of which the network knows those of "male" with the error `male`, and all others with
// `other`.
struct Made {
  std::vector<std::string> classes = {"A", "B"}, groups;
  std::vector<uint8_t> targets;
  std::vector<float> probabilities;

  Made(double male, double other, int records) {
    Random random({11});
    for (int i = 0; i < records; ++i) {
      groups.push_back(i % 2 == 0 ? "male" : "female");
      for (int k = 0; k < 2; ++k) {
        targets.push_back(random.Below(3) == 0);
        const double error = groups.back() == "male" ? male : other;
        probabilities.push_back(static_cast<float>((targets.back() + error * random.Uniform()) / (1 + error)));
      }
    }
  }
  Predictions predictions() const { return {classes, targets, probabilities}; }
};

TEST(GroupScoresTest, TellsASignificantDifference) {
  const Made made(/*male=*/5, /*other=*/1.2, 400);
  const auto groups =
      GroupScores(made.predictions(), made.groups, "macro ROC-AUC", {.resamples = 200, .seed = 1}).value();
  ASSERT_EQ(groups.size(), 2);
  EXPECT_EQ(groups[0].name, "female");
  EXPECT_EQ(groups[0].records, 200);
  EXPECT_GT(groups[0].sample->score, groups[1].sample->score);
  EXPECT_TRUE(groups[0].against_others->significant());
  EXPECT_GT(groups[0].against_others->low, 0);
  EXPECT_DOUBLE_EQ(groups[0].against_others->difference, -groups[1].against_others->difference);
}

TEST(GroupScoresTest, IsNotSignificantForEqualGroups) {
  const Made made(3, 3, 400);
  const auto groups =
      GroupScores(made.predictions(), made.groups, "macro ROC-AUC", {.resamples = 200, .seed = 1}).value();
  for (const GroupScore& group : groups) EXPECT_FALSE(group.against_others->significant());
}

TEST(GroupScoresTest, ComparesOnlyClassesThatBothSidesHave) {
  Made made(1, 1, 100);
  // No woman has B.
  for (size_t record = 0; record < made.groups.size(); ++record) {
    if (made.groups[record] == "female") made.targets[2 * record + 1] = 0;
  }
  const auto groups =
      GroupScores(made.predictions(), made.groups, "macro ROC-AUC", {.resamples = 20, .seed = 1}).value();
  EXPECT_EQ(groups[0].sample->classes, 1);
  EXPECT_EQ(groups[1].sample->classes, 2);
  EXPECT_EQ(groups[1].against_others->classes, 1);
}

TEST(GroupScoresTest, DoesNotCompareFewRecordsAndLeavesOutThoseWithoutAGroup) {
  Made made(1, 1, 100);
  for (size_t record = 0; record < made.groups.size(); ++record) {
    if (record > 21 && made.groups[record] == "female") made.groups[record] = "";
  }
  const auto groups =
      GroupScores(made.predictions(), made.groups, "macro ROC-AUC", {.resamples = 20, .seed = 1}).value();
  EXPECT_EQ(groups[0].records, 11);
  EXPECT_EQ(groups[1].records, 50);
  EXPECT_FALSE(groups[0].against_others.has_value());
  EXPECT_FALSE(groups[1].against_others.has_value());
  EXPECT_EQ(GroupScores(made.predictions(), {"male"}, "macro ROC-AUC", {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ecg

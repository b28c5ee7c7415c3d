#include "ecg/score/scores.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "ecg/score/ranked_predictions.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ecg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RankedPredictions Ranked(const std::vector<uint8_t>& targets, const std::vector<double>& predictions,
                         const std::vector<std::string>& names) {
  return RankedPredictions::Create(targets, predictions, names).value();
}

TEST(ScoresTest, AgreesWithScikitLearn) {
  const char* shared = std::getenv("ECG_SHARED_DIR");
  if (shared == nullptr) GTEST_SKIP() << "set ECG_SHARED_DIR to a folder with parity/metrics.json to run this test";
  std::ifstream file(std::string(shared) + "/parity/metrics.json");
  ASSERT_TRUE(file.good());
  for (const nlohmann::json& parity : nlohmann::json::parse(file)) {
    SCOPED_TRACE(parity["kind"].get<std::string>());
    std::vector<uint8_t> targets;
    std::vector<double> predictions;
    for (const nlohmann::json& row : parity["targets"]) targets.insert(targets.end(), row.begin(), row.end());
    for (const nlohmann::json& row : parity["probabilities"]) {
      predictions.insert(predictions.end(), row.begin(), row.end());
    }
    const size_t classes = parity["targets"][0].size();
    const Scores scores =
        ComputeScores(Ranked(targets, predictions, std::vector<std::string>(classes, "class"))).value();
    for (size_t c = 0; c < classes; ++c) {
      EXPECT_NEAR(scores.per_class[c].roc_auc.value(), parity["roc_auc_per_class"][c], 1e-12) << c;
      EXPECT_NEAR(scores.per_class[c].average_precision.value(), parity["average_precision_per_class"][c], 1e-12) << c;
      EXPECT_NEAR(scores.per_class[c].f1_youden.value(), parity["f1_at_youden_threshold_per_class"][c], 1e-12) << c;
    }
    EXPECT_NEAR(scores.macro_roc_auc, parity["macro_roc_auc"], 1e-12);
    EXPECT_NEAR(scores.macro_f1_at_half, parity["macro_f1_at_half"], 1e-12);
  }
}

TEST(ScoresTest, LeavesOutOfTheMeanWhatHasNoPositiveOrNoNegativeAndNamesIt) {
  // Three records; the first class separates them wholly, the second has no positive, the third no negative.
  const Scores scores = ComputeScores(Ranked({1, 0, 1,  //
                                              0, 0, 1,  //
                                              0, 0, 1},
                                             {0.9, 0.3, 0.6,  //
                                              0.1, 0.2, 0.7,  //
                                              0.2, 0.1, 0.8},
                                             {"NORM", "AFIB", "SR"}))
                            .value();
  EXPECT_THAT(scores.left_out, ElementsAre("AFIB", "SR"));
  EXPECT_EQ(scores.macro_roc_auc, 1);
  EXPECT_EQ(scores.macro_average_precision, 1);
  EXPECT_EQ(scores.macro_f1_at_half, 1);
  ASSERT_EQ(scores.per_class.size(), 3u);
  EXPECT_EQ(scores.per_class[1].name, "AFIB");
  EXPECT_EQ(scores.per_class[1].positives, 0);
  EXPECT_EQ(scores.per_class[1].negatives, 3);
  EXPECT_FALSE(scores.per_class[1].roc_auc.has_value());
  EXPECT_FALSE(scores.per_class[1].average_precision.has_value());
  EXPECT_FALSE(scores.per_class[2].f1_youden.has_value());
  EXPECT_FALSE(scores.per_class[2].f1_at_half.has_value());
}

TEST(ScoresTest, SaysSoWhenNoClassCanBeScored) {
  const absl::StatusOr<Scores> scores = ComputeScores(Ranked({1, 0, 1, 0}, {0.9, 0.3, 0.6, 0.1}, {"NORM", "AFIB"}));
  EXPECT_EQ(scores.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(scores.status().message()), HasSubstr("none of 2 classes can be scored"));
}

TEST(ScoresTest, RefusesWhatCannotBeRanked) {
  const std::vector<std::string> names = {"NORM", "AFIB"};
  const auto message = [&names](const std::vector<uint8_t>& targets, const std::vector<float>& predictions) {
    return std::string(RankedPredictions::Create(targets, predictions, names).status().message());
  };
  EXPECT_THAT(message({1, 0, 1}, {0.5, 0.5, 0.5}), HasSubstr("3 targets and 3 predictions of 2 classes"));
  EXPECT_THAT(message({1, 0}, {0.5, 0.5, 0.5, 0.5}), HasSubstr("2 targets and 4 predictions"));
  EXPECT_THAT(message({}, {}), HasSubstr("no record"));
  EXPECT_THAT(message({1, 0, 1, 0}, {0.5, 0.5, 0.5, std::numeric_limits<float>::quiet_NaN()}),
              HasSubstr("the prediction of record 1 (counted from 0), class AFIB, is not a number"));
  EXPECT_THAT(message({1, 2, 1, 0}, {0.5, 0.5, 0.5, 0.5}), HasSubstr("the target of record 0 (counted from 0), class "
                                                                     "AFIB, is 2: expected 0 or 1"));
}

TEST(ScoresTest, GivesFloatsTheScoresOfTheSameDoubles) {
  const std::vector<uint8_t> targets = {1, 0, 0, 1, 1, 0};
  const std::vector<float> floats = {0.9f, 0.3f, 0.9f, 0.1f, 0.5f, 0.5f};
  const std::vector<std::string> names = {"NORM"};
  const Scores from_floats = ComputeScores(RankedPredictions::Create(targets, floats, names).value()).value();
  const Scores from_doubles = ComputeScores(Ranked(targets, {floats.begin(), floats.end()}, names)).value();
  EXPECT_EQ(from_floats.macro_roc_auc, from_doubles.macro_roc_auc);
  EXPECT_EQ(from_floats.macro_f1_youden, from_doubles.macro_f1_youden);
  EXPECT_EQ(from_floats.fmax, from_doubles.fmax);
}

}  // namespace
}  // namespace ecg

#include "ecg/score/named_score.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "proto/run.pb.h"

namespace ecg {
namespace {

class NamedScoreTest : public testing::Test {
 protected:
  // The second and third records are right, the last is not: it is NORM in truth and "other" by a hair.
  const std::vector<std::string> classes_ = {"NORM", "AFIB", "other"};
  const std::vector<uint8_t> targets_ = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0};
  const std::vector<float> probabilities_ = {.8, .1, .1, .1, .8, .1, .2, .2, .6, .6, .3, .1};
  const Predictions predictions_ = {classes_, targets_, probabilities_};
};

TEST_F(NamedScoreTest, MacroF1IsTheMeanOverClassesAndIsReportedBesideAccuracy) {
  const run::Scores scores = MacroF1Score::Report(predictions_).value();
  EXPECT_EQ(scores.score_name(), "macro F1");
  EXPECT_DOUBLE_EQ(scores.score(), (2.0 / 3 + 2.0 / 3 + 1) / 3);
  EXPECT_DOUBLE_EQ(scores.score(), MacroF1Score::Score(predictions_).value().mean);
  EXPECT_DOUBLE_EQ(scores.accuracy(), 0.75);
  EXPECT_DOUBLE_EQ(scores.per_class(1).f1(), 2.0 / 3);
}

TEST_F(NamedScoreTest, RecordsOfASingleClassHaveMacroF1ButNoRocAuc) {
  const std::vector<uint8_t> all_afib = {0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0};
  const Predictions predictions = {classes_, all_afib, probabilities_};
  const run::Scores scores = MacroF1Score::Report(predictions).value();
  EXPECT_DOUBLE_EQ(scores.score(), MacroF1Score::Score(predictions).value().mean);
  EXPECT_DOUBLE_EQ(scores.accuracy(), 0.25);
  EXPECT_FALSE(scores.has_macro_roc_auc());
  ASSERT_EQ(scores.per_class_size(), 3);
  EXPECT_EQ(scores.per_class(1).name(), "AFIB");
  EXPECT_EQ(scores.per_class(1).positives(), 4);
}

TEST_F(NamedScoreTest, MacroRocAucIsTheMeanOverClasses) {
  // AFIB: 0.8 and 0.3 against 0.1 and 0.2; "other": 0.6 against 0.1 twice; NORM: 0.8 against 0.1, 0.2 and 0.6.
  const run::Scores scores = MacroRocAucScore::Report(predictions_).value();
  EXPECT_EQ(scores.score_name(), "macro ROC-AUC");
  EXPECT_DOUBLE_EQ(scores.score(), 1);
  EXPECT_DOUBLE_EQ(scores.score(), MacroRocAucScore::Score(predictions_).value().mean);
}

TEST_F(NamedScoreTest, AScoreIsFoundByTheNameThatARunGivesIt) {
  EXPECT_DOUBLE_EQ(SampleScore("macro F1", predictions_, {.seed = 1}).value().score,
                   MacroF1Score::Score(predictions_).value().mean);
  const ScoreSample sample = SampleScore("macro ROC-AUC", predictions_, {.resamples = 20, .seed = 1}).value();
  EXPECT_DOUBLE_EQ(sample.score, 1);
  EXPECT_EQ(sample.interval.scores.size(), 20u);
}

TEST_F(NamedScoreTest, ASampleCountsTheClassesThatCanBeScored) {
  EXPECT_EQ(SampleScore("macro F1", predictions_, {}).value().classes, 3);
  EXPECT_EQ(SampleScore("macro ROC-AUC", predictions_, {}).value().classes, 3);
  // Nobody has, or is predicted to have, a fourth and fifth class.
  const std::vector<std::string> classes = {"NORM", "AFIB", "other", "SVTAC", "PSVT"};
  std::vector<uint8_t> targets;
  std::vector<float> probabilities;
  for (size_t record = 0; record < 4; ++record) {
    targets.insert(targets.end(), targets_.begin() + 3 * record, targets_.begin() + 3 * (record + 1));
    targets.insert(targets.end(), {0, 0});
    probabilities.insert(probabilities.end(), probabilities_.begin() + 3 * record,
                         probabilities_.begin() + 3 * (record + 1));
    probabilities.insert(probabilities.end(), {0, 0});
  }
  const Predictions predictions = {classes, targets, probabilities};
  for (const std::string name : {"macro F1", "macro ROC-AUC"}) {
    const ScoreSample sample = SampleScore(name, predictions, {}).value();
    EXPECT_EQ(sample.classes, 3) << name;
    EXPECT_DOUBLE_EQ(sample.score, SampleScore(name, predictions_, {}).value().score) << name;
  }
}

TEST_F(NamedScoreTest, ANameThatNoScoreHasIsToldWhichThereAre) {
  const absl::Status status = SampleScore("accuracy", predictions_, {}).status();
  EXPECT_NE(status.message().find("\"accuracy\"; there are macro ROC-AUC, macro F1 and pretext score"),
            std::string::npos)
      << status;
}

}  // namespace
}  // namespace ecg

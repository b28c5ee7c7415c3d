#include "ecg/sweep/results.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/run/predictions.h"
#include "ecg/spec/check.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/settings.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/parse_sweep.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<SweepExperiment>& Experiments() {
  static const auto* const experiments = new std::vector<SweepExperiment>{
      {"small", "", ParseExperiment("data { ptb_xl {} } model { resnet {} } training { multi_label {} }", "").value()}};
  return *experiments;
}

Plan PlanOf(const std::string& axes) {
  const spec::Sweep sweep =
      ParseSweep(absl::StrCat("experiment { name: \"small\" }\n", axes), "x", Experiments()).value();
  std::vector<Problem> problems;
  return MakePlan(sweep, Experiments(), {}, &problems);
}

// A run with these scores, whose test score was `spread` higher or lower on every other resample.
FinishedRun Done(double validation, double test, double spread) {
  FinishedRun run;
  run.score_name = "macro ROC-AUC";
  run.validation_score = validation;
  run.test.score = test;
  for (int i = 0; i < 100; ++i) run.test.interval.scores.push_back(i % 2 == 0 ? test - spread : test + spread);
  run.test.interval.low = test - spread;
  run.test.interval.high = test + spread;
  return run;
}

TEST(ResultsTest, AverageRankAndSaySignificantDifferences) {
  const Plan plan = PlanOf(R"(
    axis { name: "net" group { name: "a" } group { name: "b" set: "model.resnet.feature_dim=64" }
           group { name: "c" set: "model.resnet.feature_dim=32" } baseline: "a" }
    axis { name: "task" field: "data.ptb_xl.task" value: ["ALL", "FORM"] use: COLUMN }
    axis { name: "split" field: "data.split" value: ["1", "2"] use: AVERAGED })");
  Results results("sweep", plan);
  for (const PlannedRun& run : plan.runs) {
    if (run.values[1] == "FORM" && (run.values[0] == "c" || run.values[2] == "2")) continue;
    // b is ahead of a on all resamples; c's score swings so much that it is significantly different from neither.
    const double score = (run.values[0] == "b" ? 0.8 : 0.7) + (run.values[2] == "2" ? 0.04 : 0);
    ASSERT_TRUE(results.Add(run, Done(0.5, score, run.values[0] == "c" ? 0.3 : 0.01)).ok());
  }
  const std::string text = results.Markdown();
  EXPECT_THAT(text, HasSubstr("8 of 12 runs are finished.\n"));
  EXPECT_THAT(text, HasSubstr("| net | ALL | FORM |\n| --- | --- | --- |\n"
                              "| a | 0.7200 ± 0.0283 (0.7100 to 0.7300) | 0.7000 (0.6900 to 0.7100), 1 of 2 runs |\n"
                              "| b | 0.8200 ± 0.0283 (0.8100 to 0.8300) | 0.8000 (0.7900 to 0.8100), 1 of 2 runs |\n"
                              "| c | 0.7200 ± 0.0283 (0.4200 to 1.0200) | not yet |\n"));
  EXPECT_THAT(text, HasSubstr("Mean ± standard deviation over split. In parentheses the 5% and 95% quantiles"));
  EXPECT_THAT(text,
              HasSubstr("## Ranking of ALL\n\n"
                        "| rank | net | macro ROC-AUC | behind the first | not significantly different from |\n"
                        "| --- | --- | --- | --- | --- |\n"
                        "| 1 | b | 0.8200 ± 0.0283 (0.8100 to 0.8300) |  | rank 3 |\n"
                        "| 2 | a | 0.7200 ± 0.0283 (0.7100 to 0.7300) | 0.1000 (0.1000 to 0.1000) | rank 3 |\n"
                        "| 3 | c | 0.7200 ± 0.0283 (0.4200 to 1.0200) | 0.1000 (-0.1900 to 0.3900) | rank 1, 2 |\n"));
  EXPECT_THAT(text, HasSubstr("## Difference from the baseline of ALL\n\n"
                              "| net | macro ROC-AUC | significant |\n| --- | --- | --- |\n"
                              "| b | +0.1000 (+0.1000 to +0.1000) | yes |\n"
                              "| c | +0.0000 (-0.2900 to +0.2900) | no |\n"));
  EXPECT_THAT(text, Not(HasSubstr("Difference from the baseline of FORM")));
  // A mean over fewer runs than another's is not ranked.
  EXPECT_THAT(text, Not(HasSubstr("Ranking of FORM")));
}

TEST(ResultsTest, ChooseByTheValidationScoreAndReportTheTestScoreOfTheChosenRunsOnly) {
  const Plan plan = PlanOf(R"(
    axis { name: "rate" field: "training.optimizer.learning_rate" value: ["0.01", "0.001"] use: CHOSEN }
    axis { name: "split" field: "data.split" value: ["1", "2"] use: AVERAGED })");
  ASSERT_EQ(plan.runs.size(), 4);
  const SweepFolder folder(testing::TempDir());
  const std::filesystem::path chosen = folder.path() / "chosen.textproto";
  Results results("sweep", plan);
  // 0.001 validates better in the mean, and tests worse.
  ASSERT_TRUE(results.Add(plan.runs[0], Done(0.70, 0.9, 0.01)).ok());
  ASSERT_TRUE(results.Add(plan.runs[1], Done(0.72, 0.9, 0.01)).ok());
  ASSERT_TRUE(results.Add(plan.runs[2], Done(0.60, 0.8, 0.01)).ok());
  ASSERT_TRUE(results.Write(folder).ok());
  EXPECT_FALSE(std::filesystem::exists(chosen)) << "a choice among some could be another than among all";
  EXPECT_THAT(results.Markdown(), HasSubstr("The best is chosen when all of them are finished."));
  ASSERT_TRUE(results.Add(plan.runs[3], Done(0.90, 0.8, 0.01)).ok());
  ASSERT_TRUE(results.Write(folder).ok());

  const std::string text = ReadFile(folder.results_md()).value();
  EXPECT_THAT(text, HasSubstr("| rate | validation macro ROC-AUC |  |\n| --- | --- | --- |\n| 0.01 | 0.7100 |  |\n"
                              "| 0.001 | 0.7500 | chosen |\n"));
  EXPECT_THAT(text, HasSubstr("## Test macro ROC-AUC\n\n0.8000 ± 0.0000 (0.7900 to 0.8100)\n"));
  EXPECT_THAT(text, Not(HasSubstr("0.9000")));
  EXPECT_EQ(ReadFile(folder.results_csv()).value(),
            "rate,split,experiment,score,validation,test,test_low,test_high,epochs,best_epoch,seconds\n"
            "0.01,1,small,macro ROC-AUC,0.7,,,,0,0,0.0\n"
            "0.01,2,small,macro ROC-AUC,0.72,,,,0,0,0.0\n"
            "0.001,1,small,macro ROC-AUC,0.6,0.8,0.79,0.81,0,0,0.0\n"
            "0.001,2,small,macro ROC-AUC,0.9,0.8,0.79,0.81,0,0,0.0\n");
  const spec::Experiment settings = ReadSettings(chosen.string()).value();
  EXPECT_EQ(settings.training().optimizer().learning_rate(), 0.001);
  EXPECT_FALSE(settings.has_data()) << "what was averaged over is no setting";
}

TEST(ResultsTest, AverageRunsWithDifferentNumbersOfResamples) {
  const Plan plan = PlanOf(R"(
    axis { name: "net" group { name: "a" } group { name: "b" set: "model.resnet.feature_dim=64" } }
    axis { name: "resamples" field: "evaluation.bootstrap.resamples" value: ["100", "40"] use: AVERAGED })");
  Results results("sweep", plan);
  for (const PlannedRun& run : plan.runs) {
    FinishedRun done = Done(0.5, run.values[0] == "a" ? 0.7 : 0.8, 0.01);
    done.bootstrap.resamples = run.values[1] == "40" ? 40 : 100;
    done.test.interval.scores.resize(done.bootstrap.resamples);
    ASSERT_TRUE(results.Add(run, std::move(done)).ok());
  }
  EXPECT_THAT(results.Markdown(), HasSubstr("| a | 0.7000 ± 0.0000 (0.6900 to 0.7100) |\n"
                                            "| b | 0.8000 ± 0.0000 (0.7900 to 0.8100) |\n"));
}

TEST(ResultsTest, NameEachResultOfOneRowByItsColumn) {
  const Plan plan = PlanOf(R"(
    axis { name: "net" group { name: "a" } }
    axis { name: "task" field: "data.ptb_xl.task" value: ["ALL", "FORM"] use: COLUMN })");
  Results results("sweep", plan);
  for (const PlannedRun& run : plan.runs) ASSERT_TRUE(results.Add(run, Done(0.5, 0.7, 0.01)).ok());
  const SweepFolder folder(std::filesystem::path(testing::TempDir()) / "columns");
  std::filesystem::create_directories(folder.path());
  ASSERT_TRUE(results.Write(folder).ok());
  const std::string page = ReadFile(folder.path() / "results.html").value();
  EXPECT_THAT(page, AllOf(HasSubstr("\"label\":\"ALL\""), HasSubstr("\"label\":\"FORM\"")));
}

// A run of one class that tested three copies of `records`, of which those with a capital are positive, with these
// probabilities.
FinishedRun Tested(const std::string& name, const std::vector<std::string>& records,
                   const std::vector<float>& probabilities) {
  FinishedRun run = Done(0.5, 0.5, 0);
  run.predictions = std::filesystem::path(testing::TempDir()) / absl::StrCat(name, ".csv");
  std::vector<uint8_t> targets;
  std::vector<std::string> thrice;
  std::vector<float> of_thrice;
  for (const char* copy : {"1", "2", "3"}) {
    for (size_t i = 0; i < records.size(); ++i) {
      thrice.push_back(records[i] + copy);
      targets.push_back(absl::ascii_isupper(records[i][0]));
      of_thrice.push_back(probabilities[i]);
    }
  }
  EXPECT_TRUE(WritePredictions(run.predictions, thrice, {"x"}, targets, of_thrice).ok());
  return run;
}

constexpr char kCrossValidated[] = R"(
    axis { name: "net" group { name: "a" } group { name: "b" set: "model.resnet.feature_dim=64" } }
    axis { name: "split" field: "data.split" value: ["1", "2"] use: POOLED }
    axis { name: "seed" field: "runtime.seed" value: ["1", "2"] use: AVERAGED }
    order: "seed")";

TEST(ResultsTest, ScoreThePooledPredictionsOfACrossValidation) {
  const Plan plan = PlanOf(kCrossValidated);
  Results results("sweep", plan);
  for (const PlannedRun& run : plan.runs) {
    const bool first = run.values[1] == "1", good = run.values[0] == "b";
    if (run.values[2] == "2" && !good && !first) continue;
    // The second network gives lower probabilities, so that b's is above that of C; but they are not comparable. Of the
    // pairs within a split the bad one gets one of three wrong.
    const std::vector<std::string> records =
        first ? std::vector<std::string>{"A", "b"} : std::vector<std::string>{"C", "d", "e"};
    const std::vector<float> probabilities =
        first ? std::vector<float>{0.6f, 0.5f} : std::vector<float>{0.3f, 0.2f, good ? 0.1f : 0.4f};
    ASSERT_TRUE(results.Add(run, Tested(run.name, records, probabilities)).ok());
  }
  const std::string text = results.Markdown();
  EXPECT_THAT(text, HasSubstr("7 of 8 runs are finished.\n"));
  EXPECT_THAT(text, HasSubstr("| a | 0.6667 ("));
  EXPECT_THAT(text, HasSubstr("), 1 of 2 pools |\n| b | 1.0000 ± 0.0000 (1.0000 to 1.0000) |\n"));
  EXPECT_THAT(text, HasSubstr("Predictions pooled over split. Mean ± standard deviation over seed."));
  EXPECT_THAT(text, Not(HasSubstr("Ranking"))) << "one of two pools is not comparable with two";
}

TEST(ResultsTest, RefuseToPoolRunsThatTestTheSameRecord) {
  const Plan plan = PlanOf(kCrossValidated);
  Results results("sweep", plan);
  const std::vector<const PlannedRun*> pool = PoolOf(plan, plan.runs[0]);
  ASSERT_EQ(pool.size(), 2);
  ASSERT_TRUE(results.Add(*pool[0], Tested("one", {"A", "b"}, {0.6f, 0.5f})).ok());
  EXPECT_THAT(results.Add(*pool[1], Tested("other", {"A", "d"}, {0.6f, 0.5f})).ToString(),
              AllOf(HasSubstr("one.csv: both test the record A1"), HasSubstr("cross_validation")));
}

}  // namespace
}  // namespace ecg

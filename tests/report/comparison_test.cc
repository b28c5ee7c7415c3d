#include "ecg/report/comparison.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/random/random.h"
#include "ecg/run/predictions.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/named_score.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

constexpr BootstrapOptions kOptions = {.resamples = 200, .seed = 1};

// Predictions of `records` records for the classes A and B that tell positives from negatives the better, the larger
// `skill` is.
PredictionTable Predict(int records, double skill, uint64_t seed) {
  PredictionTable table;
  table.classes = {"A", "B"};
  for (int record = 0; record < records; ++record) {
    table.records.push_back(absl::StrCat("r", record));
    Random truth({1, static_cast<uint64_t>(record)}), noise({seed, static_cast<uint64_t>(record)});
    for (int k = 0; k < 2; ++k) {
      table.targets.push_back(truth.Uniform() < 0.3);
      table.probabilities.push_back(noise.Uniform() + skill * table.targets.back());
    }
  }
  return table;
}

// The same with records in the reverse order, and classes too.
PredictionTable Reversed(const PredictionTable& table) {
  PredictionTable reversed = table;
  std::ranges::reverse(reversed.records);
  std::ranges::reverse(reversed.classes);
  std::ranges::reverse(reversed.targets);
  std::ranges::reverse(reversed.probabilities);
  return reversed;
}

TEST(ComparisonTest, FindsTheBetterRun) {
  const Comparison comparison = Compare(Predict(300, 0.9, 2), Predict(300, 0.2, 3), "macro ROC-AUC", kOptions).value();
  EXPECT_GT(comparison.difference, 0.2);
  EXPECT_LT(comparison.low, comparison.difference);
  EXPECT_GT(comparison.high, comparison.difference);
  EXPECT_TRUE(comparison.significant());
  const Comparison equal = Compare(Predict(300, 0.5, 2), Predict(300, 0.5, 3), "macro ROC-AUC", kOptions).value();
  EXPECT_FALSE(equal.significant());
}

TEST(ComparisonTest, IsSharperThanTwoIntervalsBecauseItIsPaired) {
  const PredictionTable a = Predict(300, 0.5, 2);
  PredictionTable b = a;
  for (size_t i = 0; i < b.probabilities.size(); ++i) b.probabilities[i] += 0.02 * b.targets[i];
  const Comparison comparison = Compare(b, a, "macro ROC-AUC", kOptions).value();
  const ScoreSample alone = SampleScore("macro ROC-AUC", {a.classes, a.targets, a.probabilities}, kOptions).value();
  EXPECT_TRUE(comparison.significant());
  EXPECT_LT(5 * (comparison.high - comparison.low), alone.interval.high - alone.interval.low);
}

TEST(ComparisonTest, MatchesRecordsAndClassesByName) {
  const PredictionTable a = Predict(300, 0.9, 2), b = Predict(300, 0.2, 3);
  const Comparison straight = Compare(a, b, "macro ROC-AUC", kOptions).value();
  const Comparison crossed = Compare(a, Reversed(b), "macro ROC-AUC", kOptions).value();
  EXPECT_EQ(crossed.difference, straight.difference);
  EXPECT_EQ(crossed.low, straight.low);

  PredictionTable fewer = b;  // the first 100 records
  fewer.records.resize(100);
  fewer.targets.resize(200);
  fewer.probabilities.resize(200);
  const Comparison shared = Compare(a, Reversed(fewer), "macro ROC-AUC", kOptions).value();
  EXPECT_EQ(shared.records, 100);
  EXPECT_EQ(shared.classes, 2);
}

TEST(ComparisonTest, CountsTheClassesThatCanBeScored) {
  PredictionTable a = Predict(100, 0.9, 2);
  for (size_t i = 1; i < a.targets.size(); i += 2) a.targets[i] = 0;  // no record has B
  EXPECT_EQ(Compare(a, a, "macro ROC-AUC", kOptions).value().classes, 1);
}

TEST(ComparisonTest, RefusesRunsThatShareNothingOrDisagree) {
  const PredictionTable a = Predict(50, 0.5, 2);
  PredictionTable b = a;
  for (std::string& record : b.records) record += "x";
  EXPECT_THAT(std::string(Compare(a, b, "macro ROC-AUC", kOptions).status().message()),
              HasSubstr("no test record in common"));
  b = a;
  b.classes = {"C", "D"};
  EXPECT_THAT(std::string(Compare(a, b, "macro ROC-AUC", kOptions).status().message()),
              HasSubstr("no class in common"));
  b = a;
  b.targets[7] = !b.targets[7];
  EXPECT_THAT(std::string(Compare(a, b, "macro ROC-AUC", kOptions).status().message()),
              HasSubstr("record r3 has B in one and not in the other"));
}

TEST(ComparisonTest, ScoresMultiClassRunsByMacroF1) {
  const auto predict = [](double skill, uint64_t seed) {
    PredictionTable table = Predict(200, 0, seed);
    for (size_t i = 0; i < table.targets.size(); ++i) {
      if (i % 2 == 1) table.targets[i] = !table.targets[i - 1];  // each record has exactly one of the two classes
      table.probabilities[i] += skill * table.targets[i];
    }
    return table;
  };
  const PredictionTable a = predict(0.9, 2), b = predict(0.1, 3);
  EXPECT_TRUE(Compare(a, b, "macro F1", kOptions).value().significant());
  EXPECT_THAT(std::string(Compare(a, b, "luck", kOptions).status().message()),
              HasSubstr("no score is called \"luck\""));
}

TEST(PredictionsTest, AreReadAsTheyWereWritten) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "predictions.csv";
  PredictionTable table = Predict(20, 0.5, 2);
  table.classes[1] = "b,\"B\"";
  ASSERT_TRUE(WritePredictions(path, table.records, table.classes, table.targets, table.probabilities).ok());
  const PredictionTable read = ReadPredictions(path).value();
  EXPECT_EQ(read.records, table.records);
  EXPECT_EQ(read.classes, table.classes);
  EXPECT_EQ(read.targets, table.targets);
  EXPECT_EQ(read.probabilities, table.probabilities);
  ASSERT_TRUE(WriteFile(path, "record,target_A,probability_B\n1,0,0.5\n").ok());
  EXPECT_THAT(std::string(ReadPredictions(path).status().message()), HasSubstr("does not have the columns"));
  ASSERT_TRUE(WriteFile(path, "record,target_A,probability_A\n1,0,x\n").ok());
  EXPECT_THAT(std::string(ReadPredictions(path).status().message()),
              HasSubstr("predictions.csv:2: column \"probability_A\": expected a number, found \"x\""));
}

}  // namespace
}  // namespace ecg

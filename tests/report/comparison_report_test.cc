#include "ecg/report/comparison_report.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ecg {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TEST(ComparisonReportTest, HasResultsPairsAndChoices) {
  ComparisonReport report = {.title = "a <b>", .score_name = "macro ROC-AUC", .axes = {"optimizer"}};
  report.results.push_back({.label = "adam", .values = {"adam"}, .score = 0.9, .low = 0.85, .high = 0.95});
  report.results.push_back(
      {.label = "sgd", .values = {"sgd"}, .score = 0.8, .low = 0.7, .high = 0.85, .validation = 0.81});
  report.pairs.push_back({0, 1, {.difference = 0.1, .low = 0.05, .high = 0.15, .differences = {}}});
  report.choices.push_back({"", {"rate"}, {{{"0.1"}, 0.7, true}, {{"0.2"}, {}, false}}});
  const json data = ComparisonData(report);
  EXPECT_EQ(data["results"][0]["validation"], nullptr);
  EXPECT_EQ(data["results"][1]["validation"], 0.81);
  EXPECT_EQ(data["pairs"][0], json({0, 1, 0.1, 0.05, 0.15, true}));
  EXPECT_EQ(data["choices"][0]["settings"][1]["score"], nullptr);
  EXPECT_THAT(ComparisonPage(report), HasSubstr("<title>a &lt;b&gt;</title>"));
}

}  // namespace
}  // namespace ecg

#include "ecg/report/run_list.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Three runs: a good one, a worse one, and one that is not finished.
class RunListTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "run_list_test";
    std::filesystem::remove_all(folder_);
    Make("resnet/good", R"({"dataset": "ptbxl", "synthetic": true, "epochs": 20, "device": "cpu",
        "timing": {"training_seconds": 90}, "spec": {"training": {"epochs": 20, "optimizer": {"adam": {}}}},
        "test": {"score": 0.91, "score_name": "macro ROC-AUC", "bootstrap": {"low": 0.89, "high": 0.93}}})");
    Make("resnet/worse", R"({"dataset": "ptbxl", "epochs": 5, "spec": {"training": {"epochs": 5}},
        "test": {"score": 0.8, "score_name": "macro ROC-AUC"}})");
    Make("unfinished", "");
  }

  void Make(const std::string& name, const std::string& json) {
    std::filesystem::create_directories(folder_ / name);
    std::ofstream(folder_ / name / "spec.textproto") << "# a spec";
    if (!json.empty()) std::ofstream(folder_ / name / "run.json") << json;
  }

  std::filesystem::path folder_;
};

TEST_F(RunListTest, FindsRunsInAnyDepthFinishedOrNot) {
  const std::vector<ListedRun> runs = ListRuns(folder_);
  ASSERT_EQ(runs.size(), 3);
  const std::string table = RunTable(runs);
  EXPECT_THAT(table, StartsWith("run"));
  EXPECT_THAT(table, HasSubstr("macro ROC-AUC 0.9100 (0.8900 to 0.9300)"));
  EXPECT_THAT(table, HasSubstr("ptbxl synthetic"));
  EXPECT_THAT(table, HasSubstr("not finished"));
}

TEST_F(RunListTest, FiltersByTheRunAndByItsSpec) {
  const auto count = [&](const std::string& condition) {
    int count = 0;
    for (const ListedRun& run : ListRuns(folder_)) count += Holds(run, condition).value();
    return count;
  };
  EXPECT_EQ(count("dataset=ptbxl"), 2);
  EXPECT_EQ(count("training.epochs=20"), 1);
  EXPECT_EQ(count("training.epochs=20.0"), 1);
  EXPECT_EQ(count("synthetic=true"), 1);
  EXPECT_EQ(count("training.no_such_field=1"), 0);
  EXPECT_THAT(Holds(ListRuns(folder_)[0], "epochs").status().message(), HasSubstr("expected PATH=VALUE"));
}

TEST_F(RunListTest, SortsTheGreatestFirstAndWhatLacksTheValueLast) {
  std::vector<ListedRun> runs = ListRuns(folder_);
  SortRuns("test.score", runs);
  EXPECT_EQ(runs[0].folder.filename(), "good");
  EXPECT_EQ(runs[1].folder.filename(), "worse");
  EXPECT_EQ(runs[2].folder.filename(), "unfinished");
}

TEST_F(RunListTest, WritesCsvAndJson) {
  std::vector<ListedRun> runs = ListRuns(folder_);
  SortRuns("test.score", runs);
  EXPECT_THAT(RunCsv(runs), StartsWith("run,when,corpus,score,epochs,minutes,device\n"));
  const nlohmann::json json = nlohmann::json::parse(RunsJson(runs));
  EXPECT_EQ(json[0]["test"]["score"], 0.91);
  EXPECT_EQ(json[2]["finished"], false);
}

TEST_F(RunListTest, WritesJsonOfAFolderWhoseNameIsNoUtf8) {
  Make("caf\xe9", "");
  const nlohmann::json json = nlohmann::json::parse(RunsJson(ListRuns(folder_ / "caf\xe9")));
  EXPECT_EQ(json[0]["folder"].get<std::string>(), folder_.string() + "/caf\uFFFD");
}

}  // namespace
}  // namespace ecg

#include "ecg/report/run_report.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/random/random.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/named_score.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "ecg/synthetic/demo.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRecords = 60;
constexpr char kMultiLabel[] = "data { ptb_xl {} } model { resnet {} } training { multi_label {} }";
constexpr char kMultiClass[] =
    "data { ptb_xl {} target_versus_normal { statement: \"AFIB\" normal: \"NORM\" } } model { resnet {} } training { "
    "multi_class {} }";

// The folder of a run that knows some of its classes.
class RunReportTest : public testing::Test {
 protected:
  RunReportTest() : folder_(std::filesystem::path(testing::TempDir()) / "run_report_test" / "a run") {
    std::filesystem::remove_all(folder_.path());
    EXPECT_TRUE(MakeDirectories(folder_.path()).ok());
  }

  // corpus returns the folder of synthetic records, which all tests share.
  static const std::filesystem::path& corpus() {
    static const auto* const folder = [] {
      auto* path = new std::filesystem::path(std::filesystem::path(testing::TempDir()) / "corpus");
      std::filesystem::remove_all(*path);
      EXPECT_TRUE(MakeDemo({.records = kRecords, .seed = 1}, *path).ok());
      return path;
    }();
    return *folder;
  }

  // Predict makes predictions of `classes`: each record has one of the first two, and every fifth the third.
  void Predict(std::vector<std::string> classes) {
    table_ = {};
    table_.classes = std::move(classes);
    Random random({7});
    for (int record = 0; record < kRecords; ++record) {
      table_.records.push_back(absl::StrCat(record + 1));
      for (size_t k = 0; k < table_.classes.size(); ++k) {
        const bool has = k < 2 ? record % 2 == static_cast<int>(k) : k == 2 && record % 5 == 0;
        table_.targets.push_back(has);
        table_.probabilities.push_back(static_cast<float>(0.3 * has + 0.7 * random.Uniform()));
      }
    }
  }

  // WriteRun writes the files of a finished run with the predictions.
  void WriteRun(const char* spec, const std::filesystem::path& data_dir) {
    const spec::Experiment experiment = Resolve(ParseExperiment(spec, "spec").value());
    ASSERT_TRUE(WriteFile(folder_.spec(), ToText(experiment)).ok());
    ASSERT_TRUE(WriteFile(folder_.history(),
                          "epoch,train_loss,train_score,validation_loss,validation_score,learning_rate\n"
                          "1,5,,6,0.6,0.001\n2,4,0.8,5,0.7,0.001\n")
                    .ok());
    ASSERT_TRUE(
        WritePredictions(folder_.predictions(), table_.records, table_.classes, table_.targets, table_.probabilities)
            .ok());
    run::Run run;
    run.set_name("mine");
    run.set_dataset("ptbxl");
    run.set_data_dir(data_dir.string());
    run.set_synthetic(true);
    *run.mutable_spec() = experiment;
    const Predictions predictions = {table_.classes, table_.targets, table_.probabilities};
    const auto scores = experiment.training().has_multi_class() ? MacroF1Score::Report(predictions)
                                                                : MacroRocAucScore::Report(predictions);
    if (scores.ok()) *run.mutable_test() = *scores;
    ASSERT_TRUE(WriteFile(folder_.run(), RunJson(run).value()).ok());
  }

  json Data() const { return RunReportData(folder_.path(), {.resamples = 20, .drawn_records = 2}).value(); }

  const RunFolder folder_;
  PredictionTable table_;
};

TEST_F(RunReportTest, HasScoresCurvesGroupsAndDrawingsOfARun) {
  Predict({"NORM", "IMI", "SR"});
  WriteRun(kMultiLabel, corpus());
  const json data = Data();
  EXPECT_EQ(data["notes"], json::array());
  EXPECT_EQ(data["title"], "mine");
  EXPECT_TRUE(data["synthetic"]);
  EXPECT_EQ(data["score"]["name"], "macro ROC-AUC");
  EXPECT_EQ(data["history"]["train_score"], json({nullptr, 0.8}));
  ASSERT_EQ(data["classes"].size(), 3);
  const json& norm = data["classes"][0];
  EXPECT_EQ(norm["description"], "normal ECG");
  EXPECT_EQ(norm["positives"], kRecords / 2);
  EXPECT_GT(norm["roc_auc"], 0.5);
  EXPECT_LE(norm["low"], norm["roc_auc"]);
  EXPECT_EQ(norm["threshold"], 0.5) << "there is no model with thresholds";
  EXPECT_EQ(norm["curve"]["sensitivity"].back(), 1);
  EXPECT_EQ(data["calibration"]["raw"]["predictions"], 3 * kRecords);
  EXPECT_EQ(data["confusion"]["names"], json({"NORM", "MI"})) << "SR is no diagnostic statement";
  EXPECT_EQ(data["confusion"]["records"], kRecords);
  ASSERT_EQ(data["groups"].size(), 2);
  EXPECT_EQ(data["groups"][0]["name"], "Sex");
  ASSERT_EQ(data["worst"].size(), 2);
  EXPECT_THAT(data["worst"][0]["svg"].get<std::string>(), HasSubstr("<svg"));
  EXPECT_GE(data["worst"][0]["loss"], data["worst"][1]["loss"]);
  EXPECT_THAT(data["command"].get<std::string>(), HasSubstr("bazel run //examples:mine -- "));
  EXPECT_THAT(data["command"].get<std::string>(), HasSubstr(absl::StrCat("'", folder_.spec().string(), "'")))
      << "the folder has a space in its name";
}

TEST_F(RunReportTest, LeavesOutWhatAClassWithoutAPositiveHasNot) {
  Predict({"NORM", "IMI", "SR", "AFIB"});
  for (int record = 1; record < kRecords; ++record) table_.targets[4 * record + 2] = 0;
  WriteRun(kMultiLabel, corpus());
  const json classes = Data()["classes"];
  EXPECT_EQ(classes[2]["positives"], 1);
  EXPECT_TRUE(classes[2]["roc_auc"].is_number());
  EXPECT_TRUE(classes[2].contains("curve"));
  EXPECT_EQ(classes[3]["positives"], 0);
  EXPECT_EQ(classes[3]["roc_auc"], nullptr);
  EXPECT_EQ(classes[3]["low"], nullptr);
  EXPECT_FALSE(classes[3].contains("curve"));
}

TEST_F(RunReportTest, SaysThatPredictionsAreNotNumbers) {
  Predict({"NORM", "IMI"});
  table_.probabilities[5] = std::nanf("");
  WriteRun(kMultiLabel, corpus());
  const json data = Data();
  EXPECT_THAT(data["notes"].dump(), HasSubstr("is not a number"));
  EXPECT_FALSE(data.contains("classes"));
  EXPECT_TRUE(data.contains("history"));
}

TEST_F(RunReportTest, SaysThatTheCorpusIsGone) {
  Predict({"NORM", "IMI"});
  WriteRun(kMultiLabel, "/nowhere/at/all");
  const json data = Data();
  EXPECT_THAT(data["notes"].dump(), HasSubstr("The corpus is no longer in /nowhere/at/all"));
  EXPECT_FALSE(data.contains("groups"));
  EXPECT_FALSE(data["worst"][0].contains("svg"));
  EXPECT_EQ(data["classes"].size(), 2);
}

TEST_F(RunReportTest, HasTheConfusionOfAChoiceAmongClasses) {
  Predict({"AFIB", "NORM"});
  WriteRun(kMultiClass, corpus());
  const json data = Data();
  EXPECT_EQ(data["score"]["name"], "macro F1");
  EXPECT_EQ(data["confusion"]["names"], json({"AFIB", "NORM"}));
  EXPECT_FALSE(data["confusion"]["superclasses"]);
  EXPECT_FALSE(data["classes"][0].contains("threshold")) << "the most probable class is chosen";
  EXPECT_TRUE(data["classes"][0]["f1"].is_number());
}

TEST_F(RunReportTest, IsMadeOfARunThatIsNotFinished) {
  Predict({"NORM", "IMI"});
  WriteRun(kMultiLabel, corpus());
  std::filesystem::remove(folder_.run());
  std::filesystem::remove(folder_.predictions());
  const json data = Data();
  EXPECT_FALSE(data["finished"]);
  EXPECT_THAT(data["notes"].dump(), HasSubstr("not finished"));
  EXPECT_EQ(data["history"]["epoch"], json({1, 2}));
  EXPECT_FALSE(data.contains("score"));
  EXPECT_TRUE(RunReport(folder_.path()).ok());
}

TEST_F(RunReportTest, RefusesAFolderWithoutARun) {
  const auto data = RunReportData(folder_.path());
  EXPECT_EQ(data.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(data.status().message()), HasSubstr("there is no run in"));
}

TEST_F(RunReportTest, ShowsNamesWithHtmlAsTheyAre) {
  const std::string name = "</script><img src=x onerror=alert(1)>";
  Predict({"NORM", "IMI", name});
  WriteRun(kMultiLabel, corpus());
  const std::string page = RunReport(folder_.path(), {.resamples = 5, .drawn_records = 0}).value();
  EXPECT_THAT(page, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cimg src=x"));
  EXPECT_EQ(Data()["classes"][2]["name"], name);
}

}  // namespace
}  // namespace ecg

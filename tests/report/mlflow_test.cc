#include "ecg/report/mlflow.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "ecg/file/file.h"
#include "ecg/report/run_list.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class MlflowTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / "mlflow_test";
    std::filesystem::remove_all(folder_);
    Make("runs/resnet/1", R"({"name": "resnet", "epochs": 2, "synthetic": true, "parameters": 10,
        "spec": {"description": "two\nlines", "training": {"epochs": 2, "augmentation": [{"mixup": {"alpha": 0.5}}]}},
        "test": {"score": 0.75, "score_name": "macro ROC-AUC", "bootstrap": {"low": 0.5}, "per_class": [
          {"name": "AFIB", "roc_auc": 0.9}, {"name": "a/b", "roc_auc": 0.8}, {"name": "a+b", "roc_auc": 0.7},
          {"name": "..", "roc_auc": 0.6}, {"name": "é≥", "roc_auc": 0.5}, {"name": ")" +
                              std::string(400, 'x') + R"(", "roc_auc": 0.4}]}})");
  }

  void Make(const std::string& name, const std::string& json) {
    std::filesystem::create_directories(folder_ / name);
    std::ofstream(folder_ / name / "spec.textproto")
        << "data { ptb_xl {} } model { resnet {} } training { multi_label {} epochs: 2 }";
    std::ofstream(folder_ / name / "history.csv")
        << "epoch,train_loss,validation_score,seconds\n1,9.5,,10\n2,8.5,0.7,20\n";
    if (!json.empty()) std::ofstream(folder_ / name / "run.json") << json;
  }

  // Writes the runs below `name` and returns the folder of the last.
  std::filesystem::path Write(const std::string& name) const {
    std::filesystem::path place;
    for (const ListedRun& run : ListRuns(folder_ / name)) {
      const absl::StatusOr<std::string> id = WriteMlflowRun(run, folder_ / "mlruns");
      EXPECT_TRUE(id.ok()) << id.status();
      for (const auto& entry : std::filesystem::directory_iterator(folder_ / "mlruns")) {
        if (std::filesystem::exists(entry.path() / *id)) place = entry.path() / *id;
      }
    }
    return place;
  }

  static std::string Read(const std::filesystem::path& file) {
    const absl::StatusOr<std::string> text = ReadFile(file);
    return text.ok() ? *text : text.status().ToString();
  }

  static std::vector<std::string> NamesIn(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
    return names;
  }

  std::filesystem::path folder_;
};

TEST_F(MlflowTest, WritesAPointForEachEpochAtItsTime) {
  const std::filesystem::path run = Write("runs/resnet/1");
  const std::string losses = Read(run / "metrics/train_loss");
  const std::vector<std::string> first = absl::StrSplit(losses.substr(0, losses.find('\n')), ' ');
  const std::vector<std::string> second = absl::StrSplit(losses.substr(losses.find('\n') + 1), ' ');
  EXPECT_THAT(first, ElementsAre(SizeIs(13), "9.5", "1"));
  EXPECT_THAT(second, ElementsAre(SizeIs(13), "8.5", "2\n"));
  EXPECT_EQ(std::stoll(second[0]) - std::stoll(first[0]), 20'000) << "the second epoch took 20 s";
  EXPECT_THAT(Read(run / "metrics/validation_score"), EndsWith(" 0.69999999999999996 2\n")) << "epoch 1 has none";
}

TEST_F(MlflowTest, WritesSpecResultsTagsAndFiles) {
  const std::filesystem::path run = Write("runs/resnet/1");
  EXPECT_EQ(Read(run / "params/training.epochs"), "2");
  EXPECT_EQ(Read(run / "params/training.augmentation.0.mixup.alpha"), "0.5");
  EXPECT_THAT(Read(run / "metrics/test.score"), EndsWith(" 0.75 2\n"));
  EXPECT_THAT(Read(run / "metrics/test.bootstrap.low"), EndsWith(" 0.5 2\n"));
  EXPECT_EQ(Read(run / "tags/mlflow.runName"), "1");
  EXPECT_EQ(Read(run / "tags/mlflow.note.content"), "two\nlines");
  EXPECT_EQ(Read(run / "tags/ecg.synthetic"), "true");
  EXPECT_THAT(NamesIn(run / "artifacts"), UnorderedElementsAre("spec.textproto", "run.json", "history.csv"));
  EXPECT_THAT(Read(run / "meta.yaml"), AllOf(HasSubstr("status: 3\n"), HasSubstr("run_name: \"1\"\n")));
  EXPECT_THAT(Read(run.parent_path() / "meta.yaml"), HasSubstr("name: \"resnet\"\n"));
}

TEST_F(MlflowTest, GivesEachClassAFileWhateverItsName) {
  const std::filesystem::path run = Write("runs/resnet/1");
  std::vector<std::string> names = NamesIn(run / "metrics/test.roc_auc");
  EXPECT_THAT(names, SizeIs(6));
  std::ranges::sort(names, {}, &std::string::size);
  EXPECT_LE(names.back().size() + std::string("test.roc_auc/").size(), 250);
  EXPECT_THAT(Read(run / "metrics/test.roc_auc/a_b"), HasSubstr(" 0.8"));
  EXPECT_THAT(Read(run / "metrics/test.roc_auc/a_b_2"), HasSubstr(" 0.69999999999999996"));
  EXPECT_THAT(Read(run / "metrics/test.roc_auc/_.."), HasSubstr(" 0.59999999999999998"));
  EXPECT_THAT(Read(run / "metrics/test.roc_auc/__"), HasSubstr(" 0.5"));
}

TEST_F(MlflowTest, CutsLongValuesOffWithinWhatMlflowTakes) {
  std::string text = "x";
  for (int i = 0; i < 4000; ++i) text += "é";
  Make("runs/long/1", R"({"name": "long", "spec": {"description": ")" + text + "\"}}");
  const std::filesystem::path run = Write("runs/long/1");
  EXPECT_EQ(Read(run / "params/description"), text.substr(0, 5999)) << "not within a character";
}

TEST_F(MlflowTest, ReplacesARunThatIsWrittenAgain) {
  const std::filesystem::path run = Write("runs/resnet/1");
  std::ofstream(run / "tags/old") << "gone";
  EXPECT_EQ(Write("runs/resnet/1"), run);
  EXPECT_FALSE(std::filesystem::exists(run / "tags/old"));
  EXPECT_THAT(NamesIn(run.parent_path()), UnorderedElementsAre("meta.yaml", run.filename().string()));
  EXPECT_THAT(NamesIn(folder_ / "mlruns"), SizeIs(1));
}

TEST_F(MlflowTest, UsesTheExperimentThatMlflowMade) {
  std::filesystem::create_directories(folder_ / "mlruns/7");
  std::ofstream(folder_ / "mlruns/7/meta.yaml") << "experiment_id: '7'\nlifecycle_stage: active\nname: resnet\n";
  EXPECT_EQ(Write("runs/resnet/1").parent_path(), folder_ / "mlruns/7");
}

TEST_F(MlflowTest, WritesAnUnfinishedRunAsRunning) {
  Make("runs/resnet/2", "");
  const std::filesystem::path run = Write("runs/resnet/2");
  EXPECT_THAT(Read(run / "meta.yaml"), AllOf(HasSubstr("status: 1\n"), HasSubstr("end_time: null\n")));
  EXPECT_THAT(Read(run.parent_path() / "meta.yaml"), HasSubstr("name: \"resnet\"\n"));
  EXPECT_EQ(Read(run / "params/training.epochs"), "2");
}

TEST_F(MlflowTest, MovesARunThatHasFinishedToItsExperiment) {
  Make("runs/sweep/learning_rate=0.01", "");
  const std::filesystem::path running = Write("runs/sweep");
  Make("runs/sweep/learning_rate=0.01", R"({"name": "resnet", "spec": {"training": {"epochs": 2}}})");
  const std::filesystem::path finished = Write("runs/sweep");
  EXPECT_EQ(finished.filename(), running.filename());
  EXPECT_NE(finished.parent_path(), running.parent_path());
  EXPECT_FALSE(std::filesystem::exists(running));
  EXPECT_THAT(Read(finished / "meta.yaml"), HasSubstr("status: 3\n"));
  EXPECT_THAT(NamesIn(finished.parent_path()), UnorderedElementsAre("meta.yaml", finished.filename().string()));
}

TEST_F(MlflowTest, NamesTheFileThatCannotBeRead) {
  std::ofstream(folder_ / "runs/resnet/1/history.csv") << "epoch,seconds,train_loss\n1,10,much\n";
  const std::string message(WriteMlflowRun(ListRuns(folder_ / "runs")[0], folder_ / "mlruns").status().message());
  EXPECT_THAT(message, AllOf(HasSubstr("history.csv:2"), HasSubstr("\"much\" is not a number")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "mlruns")) << "nothing should be half written";
}

}  // namespace
}  // namespace ecg

#include "ecg/ensemble/make_ensemble.h"

#include <onnx/onnx_pb.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/predict/predictor.h"
#include "ecg/report/run_list.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/calibration.h"
#include "ecg/score/mean_of_members.h"
#include "ecg/signal/signal.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/ensemble/made_member.h"
#include "tests/predict/made_signal.h"

namespace ecg {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Of = MembersMean::Of;

class EnsembleTest : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Add({.seed = 1});
    Add({.seed = 2});
  }

  // Add makes one more run.
  std::filesystem::path Add(const MadeMember& member) {
    runs_.push_back(folder_ / absl::StrCat("run", runs_.size() + 1));
    EXPECT_EQ(MakeMember(runs_.back(), member), absl::OkStatus());
    return runs_.back();
  }

  // Refusal returns why no ensemble is made of the runs, and fails if anything is left of it.
  std::string Refusal() const {
    const absl::Status status = MakeEnsemble(runs_, ensemble_).status();
    EXPECT_FALSE(status.ok());
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
      EXPECT_THAT(entry.path().filename().string(), HasSubstr("run")) << "is left";
    }
    return std::string(status.message());
  }

  const std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "make_ensemble_test";
  const std::filesystem::path ensemble_ = folder_ / "ensemble";
  std::vector<std::filesystem::path> runs_;
};

TEST_F(EnsembleTest, PredictsTheTestRecordsByTheMeanOfItsMembers) {
  const MadeEnsemble made = MakeEnsemble(runs_, ensemble_).value();
  EXPECT_THAT(made.notes, IsEmpty());
  const auto read = [](const std::filesystem::path& run) {
    return ReadPredictions(RunFolder(run).predictions()).value();
  };
  const PredictionTable first = read(runs_[0]), second = read(runs_[1]), mean = read(ensemble_);
  EXPECT_EQ(mean.records, first.records);
  EXPECT_EQ(mean.targets, first.targets);
  for (size_t i = 0; i < mean.probabilities.size(); ++i) {
    const double expected = (static_cast<double>(first.probabilities[i]) + second.probabilities[i]) / 2;
    EXPECT_EQ(mean.probabilities[i], static_cast<float>(expected));
  }
  const run::Run run = ReadRun(RunFolder(ensemble_).run()).value();
  EXPECT_GT(run.test().score(), 0.5);
  EXPECT_LT(run.test().bootstrap().low(), run.test().score());
  EXPECT_EQ(run.test().score_name(), "macro ROC-AUC");
  EXPECT_EQ(run.parameters(), 200);
  ASSERT_EQ(run.members_size(), 2);
  EXPECT_EQ(run.members(1).run(), runs_[1].string());
  EXPECT_THAT(run.members(1).sha256(), SizeIs(64));
}

TEST_F(EnsembleTest, PredictsASignalByTheMeanOfWhatEachMemberPredictsToTheLastDigit) {
  Add({.seed = 3});
  std::vector<Signal> signals;
  for (int number = 0; number < 6; ++number) signals.push_back(MadeSignal(number, 600 + 50 * number));
  std::vector<std::vector<Prediction>> of_members;
  for (const std::filesystem::path& run : runs_) {
    of_members.push_back(Predictor::Load(run).value().PredictAll(signals).value());
  }
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_).ok());
  // The runs are not needed any more.
  for (const std::filesystem::path& run : runs_) std::filesystem::remove_all(run);
  const Predictor ensemble = Predictor::Load(ensemble_).value();
  const std::vector<Prediction> predictions = ensemble.PredictAll(signals).value();
  for (size_t i = 0; i < signals.size(); ++i) {
    EXPECT_NE(of_members[0][i].probabilities, of_members[1][i].probabilities);
    for (size_t k = 0; k < 5; ++k) {
      double sum = 0;
      for (const auto& member : of_members) sum += member[i].probabilities[k];
      EXPECT_EQ(predictions[i].probabilities[k], static_cast<float>(sum / 3));
    }
    EXPECT_EQ(ensemble.Predict(signals[i]).value(), predictions[i].probabilities);
    // How unlike the training records it is, is what the first member says.
    EXPECT_EQ(predictions[i].unlikeness->distance, of_members[0][i].unlikeness->distance);
  }
}

TEST_F(EnsembleTest, TakesTheMeanOfTheLogitsWhereItIsTold) {
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_, Of::kLogit).ok());
  const Signal signal = MadeSignal(1);
  const std::vector<float> first = Predictor::Load(runs_[0])->Predict(signal).value();
  const std::vector<float> second = Predictor::Load(runs_[1])->Predict(signal).value();
  const std::vector<float> mean = Predictor::Load(ensemble_)->Predict(signal).value();
  for (size_t k = 0; k < 5; ++k) EXPECT_NEAR(Logit(mean[k]), (Logit(first[k]) + Logit(second[k])) / 2, 1e-5);
  const PredictionTable table = ReadPredictions(RunFolder(ensemble_).predictions()).value();
  const PredictionTable of_first = ReadPredictions(RunFolder(runs_[0]).predictions()).value();
  const PredictionTable of_second = ReadPredictions(RunFolder(runs_[1]).predictions()).value();
  EXPECT_NEAR(Logit(table.probabilities[7]), (Logit(of_first.probabilities[7]) + Logit(of_second.probabilities[7])) / 2,
              1e-5);
}

TEST_F(EnsembleTest, ExplainsByTheMeanOfWhatItsMembersExplain) {
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_).ok());
  const Signal signal = MadeSignal(2, 300);
  const Explanation first = Predictor::Load(runs_[0])->Explain(signal, 1).value();
  const Explanation second = Predictor::Load(runs_[1])->Explain(signal, 1).value();
  const Explanation mean = Predictor::Load(ensemble_)->Explain(signal, 1).value();
  EXPECT_DOUBLE_EQ(mean.logit, (first.logit + second.logit) / 2);
  ASSERT_EQ(mean.contributions.size(), first.contributions.size());
  for (const size_t i : {0, 500, 3000}) {
    EXPECT_NEAR(mean.contributions[i], (first.contributions[i] + second.contributions[i]) / 2, 1e-6);
  }
}

TEST_F(EnsembleTest, ChoosesItsThresholdsOnTheMeanOfTheValidationPredictions) {
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_).ok());
  const PredictionTable mean = ReadPredictions(RunFolder(ensemble_).validation_predictions()).value();
  const ClassCalibration expected = Calibrate({mean.classes, mean.targets, mean.probabilities}).value();
  const ModelMetadata model = Predictor::Load(ensemble_)->model();
  ASSERT_EQ(model.thresholds.size(), 5);
  for (size_t k = 0; k < 5; ++k) {
    EXPECT_NEAR(model.thresholds[k], expected.thresholds[k], 1e-8);
    EXPECT_NEAR(model.temperatures[k], expected.temperatures[k], 1e-7);
  }
  EXPECT_TRUE(ReadRun(RunFolder(ensemble_).run())->validation().has_score());
}

TEST_F(EnsembleTest, HasNoThresholdsWhereAMemberDidNotKeepItsValidationPredictions) {
  std::filesystem::remove(RunFolder(runs_[1]).validation_predictions());
  const MadeEnsemble made = MakeEnsemble(runs_, ensemble_).value();
  EXPECT_THAT(made.notes, ElementsAre(AllOf(HasSubstr("no thresholds"), HasSubstr(runs_[1].string()))));
  EXPECT_THAT(Predictor::Load(ensemble_)->model().thresholds, IsEmpty());
  EXPECT_TRUE(made.run.test().has_score());
}

TEST_F(EnsembleTest, HasNoTestScoreWhereItsMembersWereTestedOnOtherRecords) {
  // Five records are test records of all, which is not said to be a test.
  Add({.seed = 3, .first_record = 25});
  const MadeEnsemble made = MakeEnsemble(runs_, ensemble_).value();
  EXPECT_THAT(made.notes, Contains(AllOf(HasSubstr("no test score"), HasSubstr(runs_[0].string()),
                                         HasSubstr(runs_[2].string()), HasSubstr("5 are in both"))));
  EXPECT_THAT(made.notes, Contains(HasSubstr("no thresholds")));
  EXPECT_FALSE(std::filesystem::exists(RunFolder(ensemble_).predictions()));
  const run::Run run = ReadRun(RunFolder(ensemble_).run()).value();
  EXPECT_FALSE(run.test().has_score());
  EXPECT_THAT(run.test_not_scored(), HasSubstr("may be a training record"));
  const std::string page = ReadFile(RunFolder(ensemble_).report()).value();
  EXPECT_THAT(page, HasSubstr("There is no test score"));
  EXPECT_THAT(page, HasSubstr("bazel run //cli:ensemble"));
  EXPECT_TRUE(Predictor::Load(ensemble_)->Predict(MadeSignal(0)).ok());
}

TEST_F(EnsembleTest, HasNoTestScoreWhereARecordHasAnotherTarget) {
  const std::filesystem::path path = RunFolder(runs_[1]).predictions();
  PredictionTable table = ReadPredictions(path).value();
  table.targets[2 * 5 + 1] ^= 1;
  ASSERT_EQ(WritePredictions(path, table.records, table.classes, table.targets, table.probabilities), absl::OkStatus());
  EXPECT_THAT(MakeEnsemble(runs_, ensemble_)->notes, ElementsAre(HasSubstr("record 2 has another target of HYP")));
}

TEST_F(EnsembleTest, HasNoTestScoreWhereItsMembersWereTrainedOnOtherCorpora) {
  run::CorpusIdentity identity;
  for (const char* digest : {"a", "b"}) {
    identity.set_digest(digest);
    const RunFolder run(runs_[digest[0] - 'a']);
    ASSERT_EQ(run.Start(run.ReadSpec().value(), identity), absl::OkStatus());
  }
  EXPECT_THAT(MakeEnsemble(runs_, ensemble_)->notes, Contains(HasSubstr("not trained on the same corpus")));
}

TEST_F(EnsembleTest, MatchesTheRecordsOfItsMembersByTheirNames) {
  const std::filesystem::path path = RunFolder(runs_[1]).predictions();
  const PredictionTable table = ReadPredictions(path).value();
  PredictionTable reversed;
  for (size_t record = table.records.size(); record-- > 0;) {
    reversed.records.push_back(table.records[record]);
    for (size_t k = 0; k < 5; ++k) {
      reversed.targets.push_back(table.targets[record * 5 + k]);
      reversed.probabilities.push_back(table.probabilities[record * 5 + k]);
    }
  }
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_).ok());
  ASSERT_EQ(WritePredictions(path, reversed.records, table.classes, reversed.targets, reversed.probabilities),
            absl::OkStatus());
  ASSERT_TRUE(MakeEnsemble(runs_, folder_ / "other").ok());
  EXPECT_EQ(ReadFile(RunFolder(ensemble_).predictions()).value(),
            ReadFile(RunFolder(folder_ / "other").predictions()).value());
}

TEST_F(EnsembleTest, ReadsWindowsOfItsMembersOwnLengthsAndThenHasNoOnnx) {
  Add({.seed = 3, .crop_seconds = 5});
  const MadeEnsemble made = MakeEnsemble(runs_, ensemble_).value();
  EXPECT_THAT(made.notes, ElementsAre(AllOf(HasSubstr("no model.onnx"), HasSubstr("window lengths"))));
  EXPECT_FALSE(std::filesystem::exists(RunFolder(ensemble_).onnx()));
  const Predictor ensemble = Predictor::Load(ensemble_).value();
  EXPECT_EQ(ensemble.model().crop_samples, 500);
  EXPECT_TRUE(ensemble.Predict(MadeSignal(0, 500)).ok());
  EXPECT_THAT(ensemble.Predict(MadeSignal(0, 400)).status().message(), HasSubstr("reads windows of 5.00 s"));
}

TEST_F(EnsembleTest, HasOneOnnxModelWithItsOwnMetadata) {
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_).ok());
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(ReadFile(RunFolder(ensemble_).onnx()).value()));
  std::vector<std::pair<std::string, std::string>> metadata;
  for (const onnx::StringStringEntryProto& entry : model.metadata_props()) {
    metadata.emplace_back(entry.key(), entry.value());
  }
  EXPECT_THAT(metadata, Contains(std::pair<std::string, std::string>("members", "2")));
  EXPECT_THAT(metadata, Contains(std::pair<std::string, std::string>("members_mean", "probability")));
  EXPECT_THAT(metadata, Contains(std::pair<std::string, std::string>("name", "ensemble of 2: made")));
}

TEST_F(EnsembleTest, IsListedAsOneRun) {
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_).ok());
  const std::vector<ListedRun> listed = ListRuns(folder_);
  EXPECT_THAT(listed, SizeIs(3));
  for (const ListedRun& run : listed) EXPECT_TRUE(run.finished()) << run.folder;
}

TEST_F(EnsembleTest, RefusesOtherClassesAndNamesBothRunsAndTheFirstThatDiffers) {
  Add({.change = [](ModelMetadata& model) { model.classes[2] = "AFIB"; }});
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(runs_[0].string()), HasSubstr(runs_[2].string()),
                               HasSubstr("class number 3 is MI in the first and AFIB in the second")));
}

TEST_F(EnsembleTest, RefusesFewerClasses) {
  Add({.change = [](ModelMetadata& model) {
    model.classes.pop_back();
    model.temperatures.pop_back();
    model.thresholds.pop_back();
  }});
  EXPECT_THAT(Refusal(), HasSubstr("the first has 1 more, from STTC on"));
}

TEST_F(EnsembleTest, RefusesAnotherSamplingFrequency) {
  Add({.change = [](ModelMetadata& model) { model.sampling_frequency_hz = 500; }});
  EXPECT_THAT(Refusal(), HasSubstr("sampling frequencies differ: 100 Hz in the first and 500 Hz in the second"));
}

TEST_F(EnsembleTest, RefusesOtherLeads) {
  Add({.change = [](ModelMetadata& model) { std::swap(model.leads[0], model.leads[1]); }});
  EXPECT_THAT(Refusal(), HasSubstr("leads differ: lead number 1 is I in the first and II in the second"));
}

TEST_F(EnsembleTest, RefusesOneRunTwiceAndASingleRun) {
  runs_.push_back(runs_[0]);
  EXPECT_THAT(Refusal(), HasSubstr("are the same run"));
  runs_.resize(1);
  EXPECT_THAT(Refusal(), HasSubstr("two or more members"));
}

TEST_F(EnsembleTest, RefusesARunThatIsNotFinishedAndAFolderWithoutRun) {
  std::filesystem::remove(RunFolder(runs_[1]).run());
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("run2 is not finished: there is no run.json"), HasSubstr("--resume")));
  runs_[1] = folder_ / "run_nowhere";
  EXPECT_THAT(Refusal(), HasSubstr("there is no run in"));
}

TEST_F(EnsembleTest, RefusesAnEnsembleAsAMember) {
  ASSERT_TRUE(MakeEnsemble(runs_, folder_ / "run_of_two").ok());
  runs_.push_back(folder_ / "run_of_two");
  EXPECT_THAT(Refusal(), HasSubstr("holds an ensemble of several networks"));
}

TEST_F(EnsembleTest, RefusesAFolderThatIsThere) {
  ASSERT_TRUE(MakeEnsemble(runs_, ensemble_).ok());
  EXPECT_THAT(MakeEnsemble(runs_, ensemble_).status().message(), HasSubstr("is there already"));
}

TEST_F(EnsembleTest, LeavesNothingWhereItFailsHalfway) {
  // The weights of the members are kept before their graphs are merged.
  std::ofstream(RunFolder(runs_[1]).onnx()) << "no model";
  EXPECT_THAT(Refusal(), HasSubstr("model.onnx is damaged"));
}

}  // namespace
}  // namespace ecg

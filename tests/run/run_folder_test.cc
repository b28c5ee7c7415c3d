#include "ecg/run/run_folder.h"

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;

std::filesystem::path TestPath(const std::string& name) { return std::filesystem::path(testing::TempDir()) / name; }

spec::Experiment Smallest() {
  return ParseExperiment("data { ptb_xl {} } model { resnet { depth: RESNET_18 } } training { multi_label {} }", "test")
      .value();
}

TEST(RunFolderTest, KeepsTheSpecThatItWasStartedWithAndTakesNoSecondRun) {
  const RunFolder folder(TestPath("run"));
  EXPECT_TRUE(absl::IsNotFound(folder.ReadSpec().status()));
  ASSERT_TRUE(folder.CheckNew().ok());
  EXPECT_FALSE(std::filesystem::exists(folder.path()));
  run::CorpusIdentity corpus;
  corpus.set_digest("0123");
  EXPECT_TRUE(absl::IsNotFound(folder.ReadCorpus().status()));
  ASSERT_TRUE(folder.Start(Smallest(), corpus).ok());
  EXPECT_EQ(folder.ReadCorpus()->digest(), "0123");
  EXPECT_EQ(ToText(folder.ReadSpec().value()), ToText(Smallest()));
  EXPECT_THAT(std::string(folder.CheckNew().message()), HasSubstr("already holds a run. Pass --resume"));
}

TEST(RunFolderTest, RefusesAFolderWithoutARunOrAFileInItsPlace) {
  const RunFolder folder(TestPath("failed"));
  ASSERT_TRUE(MakeDirectories(folder.checkpoints()).ok());
  EXPECT_THAT(std::string(folder.CheckNew().message()), HasSubstr("checkpoints without a spec.textproto"));
  ASSERT_TRUE(WriteFile(TestPath("file"), "").ok());
  EXPECT_THAT(std::string(RunFolder(TestPath("file") / "run").CheckNew().message()),
              HasSubstr("is a file, not a folder"));
}

TEST(CheckSameExperimentTest, ARunMayBeResumedForLongerAndElsewhere) {
  spec::Experiment now = Smallest();
  now.mutable_training()->set_epochs(77);
  now.mutable_training()->mutable_early_stopping()->set_patience(3);
  now.mutable_evaluation()->mutable_bootstrap()->set_resamples(5);
  now.mutable_runtime()->set_device("cuda");
  now.mutable_data()->set_data_dir("/elsewhere");
  EXPECT_TRUE(CheckSameExperiment(Smallest(), now, /*depends_on_epochs=*/false).ok());
}

TEST(CheckSameExperimentTest, ALearningRateThatDependsOnTheNumberOfEpochsFixesIt) {
  spec::Experiment now = Smallest();
  now.mutable_training()->set_epochs(77);
  EXPECT_THAT(std::string(CheckSameExperiment(Smallest(), now, /*depends_on_epochs=*/true).message()),
              HasSubstr("training.epochs: "));
}

TEST(CheckSameExperimentTest, AnAverageOverTheLastEpochsFixesTheirNumber) {
  spec::Experiment before = Smallest();
  before.mutable_training()->mutable_averaged_weights()->set_last_epochs(5);
  spec::Experiment now = before;
  now.mutable_training()->set_epochs(77);
  EXPECT_FALSE(CheckSameExperiment(before, now, /*depends_on_epochs=*/false).ok());
}

TEST(CheckSameExperimentTest, ARunIsNotResumedWithAnotherExperiment) {
  spec::Experiment now = Smallest();
  now.mutable_training()->set_batch_size(17);
  const absl::Status status = CheckSameExperiment(Smallest(), now, /*depends_on_epochs=*/false);
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot resume a run with another spec"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("training.batch_size: 64 -> 17"));
}

}  // namespace
}  // namespace ecg

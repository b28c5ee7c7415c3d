#include "ecg/run/run_path.h"

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "ecg/file/file.h"
#include "ecg/run/run_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// RunPathTest types its commands in a new folder.
class RunPathTest : public testing::Test {
 protected:
  RunPathTest() { setenv("BUILD_WORKING_DIRECTORY", typed_in_.c_str(), /*overwrite=*/1); }

  const std::filesystem::path typed_in_ =
      std::filesystem::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(RunPathTest, ARunIsNamedForItsExperimentAndWhenItBegan) {
  const std::filesystem::path path = NewRunPath("resnet18_all");
  EXPECT_EQ(path.parent_path(), typed_in_ / "runs" / "resnet18_all");
  EXPECT_THAT(path.filename().string(), MatchesRegex("20[0-9]{6}-[0-9]{6}"));
}

TEST_F(RunPathTest, RunsThatBeginInTheSameSecondHaveFoldersOfTheirOwn) {
  const std::filesystem::path path = typed_in_ / "runs" / "20261201-120000";
  EXPECT_EQ(MakeNewFolder(path).value(), path);
  EXPECT_EQ(MakeNewFolder(path).value(), path.string() + "-2");
  EXPECT_EQ(MakeNewFolder(path).value(), path.string() + "-3");
  EXPECT_TRUE(std::filesystem::is_directory(path.string() + "-3"));
}

TEST_F(RunPathTest, AFolderThatCannotBeMadeIsAnError) {
  ASSERT_TRUE(MakeDirectories(typed_in_).ok());
  ASSERT_TRUE(WriteFile(typed_in_ / "runs", "").ok());
  EXPECT_THAT(std::string(MakeNewFolder(NewRunPath("resnet18_all")).status().message()),
              HasSubstr((typed_in_ / "runs").string()));
}

TEST_F(RunPathTest, TheLatestRunIsTheNewestFolderWithASpec) {
  EXPECT_TRUE(absl::IsNotFound(LatestRunPath("resnet18_all").status()));
  const std::filesystem::path runs = typed_in_ / "runs" / "resnet18_all";
  for (const char* time : {"20261130-235959", "20261201-000000", "20261202-000000"}) {
    ASSERT_TRUE(MakeDirectories(runs / time).ok());
  }
  EXPECT_THAT(std::string(LatestRunPath("resnet18_all").status().message()), HasSubstr(runs.string()));
  ASSERT_TRUE(WriteFile(RunFolder(runs / "20261130-235959").spec(), "").ok());
  ASSERT_TRUE(WriteFile(RunFolder(runs / "20261201-000000").spec(), "").ok());
  EXPECT_EQ(LatestRunPath("resnet18_all").value(), runs / "20261201-000000");
}

TEST_F(RunPathTest, TheLatestOfRunsThatBeganInTheSameSecondHasTheGreatestNumber) {
  const std::filesystem::path runs = typed_in_ / "runs" / "resnet18_all";
  for (const char* name : {"20261201-000000", "20261201-000000-9", "20261201-000000-10", "20261130-235959-11"}) {
    ASSERT_TRUE(MakeDirectories(runs / name).ok());
    ASSERT_TRUE(WriteFile(RunFolder(runs / name).spec(), "").ok());
  }
  EXPECT_EQ(LatestRunPath("resnet18_all").value(), runs / "20261201-000000-10");
}

TEST_F(RunPathTest, ARunInAFolderOfAnotherNameIsNotTheLatest) {
  const std::filesystem::path runs = typed_in_ / "runs" / "resnet18_all";
  for (const char* name : {"job-17", "20261201-000000", "20261202", "20261202-000000-best", "20261202-000000-2-3"}) {
    ASSERT_TRUE(MakeDirectories(runs / name).ok());
    ASSERT_TRUE(WriteFile(RunFolder(runs / name).spec(), "").ok());
  }
  EXPECT_EQ(LatestRunPath("resnet18_all").value(), runs / "20261201-000000");
}

}  // namespace
}  // namespace ecg

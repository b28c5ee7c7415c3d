#include "ecg/file/unfinished_folder.h"

#include <filesystem>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/file/file.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;

class UnfinishedFolderTest : public testing::Test {
 protected:
  void SetUp() override { fs::remove_all(folder_); }
  void TearDown() override { fs::remove_all(folder_); }

  const fs::path folder_ = fs::path(testing::TempDir()) / "unfinished_folder_test";
};

TEST_F(UnfinishedFolderTest, AppearsWhenItIsFinished) {
  absl::StatusOr<UnfinishedFolder> unfinished = UnfinishedFolder::Create(folder_ / "new" / "whole/");
  ASSERT_EQ(unfinished.status(), absl::OkStatus());
  ASSERT_EQ(WriteFile(unfinished->path() / "piece", "piece"), absl::OkStatus());
  EXPECT_FALSE(fs::exists(folder_ / "new" / "whole"));
  ASSERT_EQ(unfinished->Finish(), absl::OkStatus());
  EXPECT_EQ(ReadFile(folder_ / "new" / "whole" / "piece").value(), "piece");
}

TEST_F(UnfinishedFolderTest, LeavesNothingUnlessItIsFinished) {
  {
    const absl::StatusOr<UnfinishedFolder> unfinished = UnfinishedFolder::Create(folder_ / "whole");
    ASSERT_EQ(unfinished.status(), absl::OkStatus());
    ASSERT_EQ(WriteFile(unfinished->path() / "piece", "piece"), absl::OkStatus());
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(UnfinishedFolderTest, KeepsWhatIsThereAlready) {
  ASSERT_EQ(MakeDirectories(folder_ / "whole"), absl::OkStatus());
  ASSERT_EQ(WriteFile(folder_ / "whole" / "old", "old"), absl::OkStatus());
  absl::StatusOr<UnfinishedFolder> unfinished = UnfinishedFolder::Create(folder_ / "whole");
  ASSERT_EQ(unfinished.status(), absl::OkStatus());
  EXPECT_FALSE(unfinished->Finish().ok());
  EXPECT_EQ(ReadFile(folder_ / "whole" / "old").value(), "old");
}

}  // namespace
}  // namespace ecg

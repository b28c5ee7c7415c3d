#include "ecg/sweep/link_file.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(LinkFileTest, MakesAFileOnceAndLeavesNothingElse) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "link_once";
  ASSERT_TRUE(MakeDirectories(folder).ok());
  EXPECT_TRUE(LinkFile(folder / "a", "first").value());
  EXPECT_FALSE(LinkFile(folder / "a", "second").value());
  EXPECT_EQ(ReadFile(folder / "a").value(), "first");
  int files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++files;
  EXPECT_EQ(files, 1);
  EXPECT_TRUE(absl::IsNotFound(LinkFile(folder / "missing" / "a", "").status()));
}

TEST(LinkFileTest, LetsOneOfManyProcessesMakeAFile) {
  constexpr int kProcesses = 6, kFiles = 40;
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "link_many";
  ASSERT_TRUE(MakeDirectories(folder).ok());
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t id = fork();
    if (id == 0) {
      int made = 0;
      for (int i = 0; i < kFiles; ++i) {
        const absl::StatusOr<bool> one = LinkFile(folder / absl::StrCat(i), absl::StrCat("by ", p));
        if (!one.ok()) _exit(255);
        // What is there is whole, whoever made it.
        if (ReadFile(folder / absl::StrCat(i)).value_or("").size() != 4) _exit(255);
        made += *one;
      }
      _exit(made);
    }
    children.push_back(id);
  }
  int made = 0;
  for (const pid_t id : children) {
    int status = 0;
    waitpid(id, &status, 0);
    ASSERT_NE(WEXITSTATUS(status), 255);
    made += WEXITSTATUS(status);
  }
  EXPECT_EQ(made, kFiles);
}

}  // namespace
}  // namespace ecg

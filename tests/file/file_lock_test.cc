#include "ecg/file/file_lock.h"

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

TEST(FileLockTest, LetsTheSecondWaitUntilTheFirstIsDone) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "lock";
  std::optional<FileLock> first = FileLock::Acquire(path, "a test holds it").value();
  std::future<absl::Status> second =
      std::async(std::launch::async, [&] { return FileLock::Acquire(path, "a test holds it").status(); });
  EXPECT_EQ(second.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  first.reset();
  EXPECT_TRUE(second.get().ok());
  // Both are gone, so a third does not wait.
  EXPECT_TRUE(FileLock::Acquire(path, "a test holds it").ok());
}

TEST(FileLockTest, CanRefuseInsteadOfWaiting) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "try_lock";
  std::optional<FileLock> first = FileLock::TryAcquire(path, "a test holds it").value();
  EXPECT_EQ(FileLock::TryAcquire(path, "a test holds it").status(), absl::AlreadyExistsError("a test holds it"));
  first.reset();
  EXPECT_TRUE(FileLock::TryAcquire(path, "a test holds it").ok());
}

TEST(FileLockTest, SaysWhichFileCannotBeMade) {
  const absl::Status status = FileLock::Acquire("/no/such/folder/lock", "").status();
  EXPECT_EQ(status.message().substr(0, 36), "cannot lock /no/such/folder/lock: No");
}

}  // namespace
}  // namespace ecg

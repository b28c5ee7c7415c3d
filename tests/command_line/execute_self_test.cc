#include "ecg/command_line/execute_self.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "ecg/file/file.h"
#include "gtest/gtest.h"

namespace ecg {
namespace {

// Tells the program that it was started by a test, and where to write what its process is called.
constexpr char kResult[] = "EXECUTE_SELF_TEST_RESULT";

std::string CalledInChild() {
  const std::filesystem::path result = std::filesystem::path(testing::TempDir()) / "called";
  const pid_t child = fork();
  if (child == 0) {
    setenv(kResult, result.c_str(), /*overwrite=*/1);
    std::string name = "test", argument = "--some flag";
    char* argv[] = {name.data(), argument.data(), nullptr};
    ExecuteSelf(argv);
    _exit(1);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  return ReadFile(result).value();
}

TEST(ExecuteSelfTest, StartsTheProgramUnderItsOwnNameWithTheArguments) {
  // The kernel keeps 15 characters of a name.
  EXPECT_EQ(CalledInChild(), "execute_self_te\n--some flag");
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) {
  if (const char* result = std::getenv(ecg::kResult)) {
    return ecg::WriteFile(result, ecg::ReadFile("/proc/self/comm").value() + (argc > 1 ? argv[1] : "")).ok() ? 0 : 1;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

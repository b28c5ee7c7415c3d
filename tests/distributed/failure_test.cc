#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ecg/distributed/process_group.h"
#include "ecg/file/file.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/distributed/ranks.h"

namespace ecg {
namespace {

using testing::HasSubstr;
using Clock = std::chrono::steady_clock;

// Processes that fail are real ones. This process itself must not compute before it forks.
class FailureTest : public testing::Test {
 protected:
  // Outcome is how a process ended.
  struct Outcome {
    std::string error;  // of the group, or what the watch printed when it ended the process; empty where there was none
    double seconds = 0;
    bool ended_by_watch = false;
  };

  // RunAsProcesses calls work(group) as each of `size` ranks; afterwards it exchanges for good, unless that ended it.
  static std::vector<Outcome> RunAsProcesses(int size, const ProcessGroup::Options& options,
                                             const std::function<void(ProcessGroup&)>& work,
                                             const std::function<void(const std::vector<pid_t>&)>& meanwhile) {
    const int port = FreePort();
    const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / absl::StrCat("ranks", port);
    std::filesystem::create_directories(folder);
    std::vector<pid_t> children;
    for (int rank = 0; rank < size; ++rank) {
      const pid_t child = fork();
      if (child == 0) {
        if (std::freopen((folder / absl::StrCat(rank, ".stderr")).c_str(), "w", stderr) == nullptr) _exit(4);
        const auto group = ProcessGroup::Join(MembershipOf(rank, size, port), options);
        if (!group.ok()) _exit(3);
        std::ofstream(folder / absl::StrCat(rank, ".joined")) << "";
        try {
          work(**group);
          while (true) (*group)->Barrier();
        } catch (const PeerError& error) {
          std::ofstream(folder / absl::StrCat(rank, ".error")) << error.what();
        }
        _exit(0);
      }
      children.push_back(child);
    }
    for (int rank = 0; rank < size; ++rank) {
      while (!std::filesystem::exists(folder / absl::StrCat(rank, ".joined"))) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
    }
    const Clock::time_point start = Clock::now();
    meanwhile(children);
    std::vector<Outcome> outcomes(size);
    for (int rank = 0; rank < size; ++rank) {
      int status = 0;
      if (waitpid(children[rank], &status, 0) != children[rank]) continue;
      outcomes[rank].seconds = std::chrono::duration<double>(Clock::now() - start).count();
      outcomes[rank].ended_by_watch = WIFEXITED(status) && WEXITSTATUS(status) == 1;
      const char* const from = outcomes[rank].ended_by_watch ? ".stderr" : ".error";
      outcomes[rank].error = ReadFile(folder / absl::StrCat(rank, from)).value_or("");
    }
    return outcomes;
  }
};

TEST_F(FailureTest, ARankThatIsKilledIsNamedByTheOthers) {
  for (const int killed : {0, 2}) {
    const auto outcomes = RunAsProcesses(
        3, {.silence = std::chrono::seconds(10)}, [](ProcessGroup&) {},
        [killed](const std::vector<pid_t>& children) { kill(children[killed], SIGKILL); });
    for (int rank = 0; rank < 3; ++rank) {
      if (rank == killed) continue;
      EXPECT_THAT(outcomes[rank].error, HasSubstr(absl::StrCat("rank ", killed, " on "))) << rank;
      EXPECT_LT(outcomes[rank].seconds, 12);
    }
  }
}

TEST_F(FailureTest, ARankThatIsSuspendedIsNamedAfterTheTimeOfSilence) {
  pid_t suspended = 0;
  const auto outcomes = RunAsProcesses(
      3, {.silence = std::chrono::seconds(4)}, [](ProcessGroup&) {},
      [&](const std::vector<pid_t>& children) {
        suspended = children[1];
        kill(suspended, SIGSTOP);
        // The others wait in an exchange that does not end, and are ended with a message.
        int status = 0;
        for (const int rank : {0, 2}) {
          const Clock::time_point start = Clock::now();
          ASSERT_EQ(waitpid(children[rank], &status, 0), children[rank]);
          EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
          EXPECT_LT(Clock::now() - start, std::chrono::seconds(14));
        }
        kill(suspended, SIGCONT);
      });
  // Woken up, it learns that the others are gone.
  EXPECT_TRUE(outcomes[1].ended_by_watch || !outcomes[1].error.empty());
}

TEST_F(FailureTest, ARankThatHangsInItsOwnWorkIsNamedWhenPatienceEnds) {
  const auto outcomes = RunAsProcesses(
      2, {.silence = std::chrono::seconds(5), .patience = std::chrono::seconds(3)},
      [](ProcessGroup& group) {
        if (group.rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(60));
      },
      [](const std::vector<pid_t>&) {});
  EXPECT_THAT(outcomes[0].error, HasSubstr("rank 1 on "));
  EXPECT_THAT(outcomes[0].error, HasSubstr("is alive, but hangs"));
  EXPECT_LT(outcomes[0].seconds, 25);
  EXPECT_TRUE(outcomes[1].ended_by_watch);
}

TEST_F(FailureTest, TheErrorOfARankReachesTheOthers) {
  for (const int failing : {0, 1}) {
    const auto outcomes = RunAsProcesses(
        3, {.silence = std::chrono::seconds(10)},
        [failing](ProcessGroup& group) {
          if (group.rank() != failing) return;
          group.Fail("the disk is full");
          _exit(0);
        },
        [](const std::vector<pid_t>&) {});
    for (int rank = 0; rank < 3; ++rank) {
      if (rank == failing) continue;
      EXPECT_THAT(outcomes[rank].error, HasSubstr(absl::StrCat("rank ", failing, " on "))) << rank;
      EXPECT_THAT(outcomes[rank].error, HasSubstr("failed: the disk is full")) << rank;
    }
  }
}

}  // namespace
}  // namespace ecg

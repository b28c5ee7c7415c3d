#include "ecg/distributed/launch.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ecg/command_line/execute_self.h"
#include "ecg/distributed/free_port.h"

namespace ecg {
namespace {

constexpr std::chrono::seconds kGrace(30);

volatile sig_atomic_t received_signal = 0;

// Become turns this new process into the one of rank `rank`.
[[noreturn]] void Become(int rank, int count, int port, pid_t parent, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  for (const auto& [name, value] :
       {std::pair{"RANK", rank}, std::pair{"LOCAL_RANK", rank}, std::pair{"WORLD_SIZE", count},
        std::pair{"LOCAL_WORLD_SIZE", count}, std::pair{"MASTER_PORT", port}}) {
    setenv(name, std::to_string(value).c_str(), /*overwrite=*/1);
  }
  setenv("MASTER_ADDR", "127.0.0.1", /*overwrite=*/1);
  ExecuteSelf(argv);
  std::fprintf(stderr, "cannot start process %d: %s\n", rank, std::strerror(errno));
  _exit(127);
}

// Child is a process that was started.
struct Child {
  int rank;
  pid_t id;
};

void KillAll(const std::vector<Child>& children, int signal) {
  for (const Child& child : children) kill(child.id, signal);
}

// WaitForAll waits for `children`, and returns the exit status of the first that failed; else 0.
int WaitForAll(std::vector<Child> children) {
  using Clock = std::chrono::steady_clock;
  int failure = 0, passed_on = 0;
  Clock::time_point failed;
  while (!children.empty()) {
    if (received_signal != passed_on) KillAll(children, passed_on = received_signal);
    int status = 0;
    const pid_t ended = waitpid(-1, &status, WNOHANG);
    if (ended <= 0) {
      if (failure != 0 && Clock::now() - failed > kGrace) KillAll(children, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      continue;
    }
    const auto child = std::ranges::find(children, ended, &Child::id);
    if (child == children.end()) continue;
    if (WIFSIGNALED(status) && received_signal == 0) {
      std::fprintf(stderr, "process %d was killed by signal %d (%s)\n", child->rank, WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    }
    const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    children.erase(child);
    if (code == 0 || failure != 0) continue;
    failure = code;
    failed = Clock::now();
  }
  return failure;
}

}  // namespace

int LaunchProcesses(int count, char** argv) {
  const int port = FreePort();
  if (port == 0) {
    std::fprintf(stderr, "no port of 127.0.0.1 is free, where %d processes could meet\n", count);
    return 1;
  }
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action = {};
    action.sa_handler = [](int number) { received_signal = number; };
    sigaction(signal, &action, nullptr);
  }
  const pid_t parent = getpid();
  std::vector<Child> children;
  for (int rank = 0; rank < count; ++rank) {
    const pid_t id = fork();
    if (id == 0) Become(rank, count, port, parent, argv);
    if (id < 0) {
      std::fprintf(stderr, "cannot start process %d of %d: %s\n", rank, count, std::strerror(errno));
      KillAll(children, SIGTERM);
      WaitForAll(std::move(children));
      return 1;
    }
    children.push_back({rank, id});
  }
  return WaitForAll(std::move(children));
}

}  // namespace ecg

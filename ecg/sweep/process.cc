#include "ecg/sweep/process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/sweep/deadline.h"

namespace ecg {
namespace {

// How often a guard looks at its deadline.
constexpr timespec kLook = {.tv_sec = 0, .tv_nsec = 100'000'000};

// What runs between fork and exec, in a process that may have had several threads, allocates nothing and takes no lock.

[[noreturn]] void SayAndExit(int out) {
  const char* const reason = strerrordesc_np(errno);
  (void)!write(out, reason, strlen(reason));
  (void)!write(out, "\n", 1);
  _exit(127);
}

// Execute becomes the program.
[[noreturn]] void Execute(char* const* arguments, int in, int out, pid_t guard) {
  // A group of its own, so that the guard stops all of its processes.
  setpgid(0, 0);
  // Nobody could stop it any more.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != guard) _exit(127);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) signal(signal_number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execv(arguments[0], arguments);
  SayAndExit(STDERR_FILENO);
}

// EndAs ends this process as another with the wait status `status` did.
[[noreturn]] void EndAs(int status) {
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  const rlimit no_core = {};
  setrlimit(RLIMIT_CORE, &no_core);
  signal(WTERMSIG(status), SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  kill(getpid(), WTERMSIG(status));
  _exit(128 + WTERMSIG(status));
}

// Guard starts the program and waits for its end.
[[noreturn]] void Guard(char* const* arguments, int in, int out, pid_t parent, const Deadline* deadline) {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) {
    sigaddset(&watched, signal_number);
    // An ignored signal would not be waited for.
    signal(signal_number, SIG_DFL);
  }
  sigprocmask(SIG_SETMASK, &watched, nullptr);
  // A signal of the terminal, such as Ctrl-C, goes to the parent's group only, which then stops the others.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(127);
  const pid_t guard = getpid();
  const pid_t child = fork();
  if (child == 0) Execute(arguments, in, out, guard);
  if (child < 0) SayAndExit(out);
  setpgid(child, child);
  while (true) {
    siginfo_t ended = {};
    if (waitid(P_PID, child, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == child) {
      // What the program has started ends with it.
      kill(-child, SIGKILL);
      int status = 0;
      waitpid(child, &status, 0);
      EndAs(status);
    }
    if (getppid() != parent || (deadline != nullptr && deadline->Passed())) kill(-child, SIGKILL);
    const int signal_number = sigtimedwait(&watched, nullptr, &kLook);
    if (signal_number > 0 && signal_number != SIGCHLD) kill(-child, SIGTERM);
  }
}

}  // namespace

absl::StatusOr<Process> Process::Start(const std::vector<std::string>& command, const std::filesystem::path& log,
                                       const Deadline* deadline) {
  const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (out < 0) return ErrnoError("write", log);
  const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  // A signal that comes at once must not be taken by this program's handler in the guard.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t id = fork();
  if (id == 0) Guard(arguments.data(), in, out, parent, deadline);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  const absl::Status status = id < 0 ? ErrnoError("start", command[0]) : absl::OkStatus();
  close(out);
  close(in);
  if (!status.ok()) return status;
  return Process(id);
}

Process::Process(Process&& other) noexcept : id_(std::exchange(other.id_, 0)), failure_(std::move(other.failure_)) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(failure_, other.failure_);
  return *this;
}

Process::~Process() {
  if (id_ == 0) return;
  Stop();
  while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool Process::Ended() {
  int status = 0;
  if (id_ == 0) return true;
  const pid_t ended = waitpid(id_, &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return false;
  id_ = 0;
  if (WIFSIGNALED(status)) {
    failure_ = absl::StrCat("killed by signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")");
  } else if (WEXITSTATUS(status) != 0) {
    failure_ = absl::StrCat("exit status ", WEXITSTATUS(status));
  }
  return true;
}

void Process::Stop() const {
  if (id_ != 0) kill(id_, SIGTERM);
}

}  // namespace ecg

// process.h
//
// A child process whose output goes to a file.
//
//   ECG_ASSIGN_OR_RETURN(Process process, Process::Start({"/bin/ls", "-l"}, "log.txt"));
//   while (!process.Ended()) std::this_thread::sleep_for(std::chrono::seconds(1));
//   process.failure();   // "", "exit status 2" or "killed by signal 9 (Killed)"

#ifndef ECG_SWEEP_PROCESS_H_
#define ECG_SWEEP_PROCESS_H_

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"

namespace ecg {

// Process is one child process.
class Process {
 public:
  // Start runs `command`, a path and its arguments, and appends its output to the file `log`. The process is terminated
  // when this one ends, however that happens. Call it from the main thread.
  static absl::StatusOr<Process> Start(const std::vector<std::string>& command, const std::filesystem::path& log) {
    const int out = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (out < 0) return ErrnoError("write", log);
    const int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
    // Nothing is allocated after the fork.
    std::vector<char*> arguments;
    for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = getpid();
    const pid_t id = fork();
    if (id == 0) {
      // A signal of the terminal, such as Ctrl-C, goes to this program's group only, which then stops the others.
      setpgid(0, 0);
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      if (getppid() != parent) _exit(127);
      sigset_t none;
      sigemptyset(&none);
      sigprocmask(SIG_SETMASK, &none, nullptr);
      dup2(in, STDIN_FILENO);
      dup2(out, STDOUT_FILENO);
      dup2(out, STDERR_FILENO);
      execv(arguments[0], arguments.data());
      const char* reason = strerror(errno);
      (void)!write(STDERR_FILENO, reason, strlen(reason));
      _exit(127);
    }
    const absl::Status status = id < 0 ? ErrnoError("start", command[0]) : absl::OkStatus();
    close(out);
    close(in);
    if (!status.ok()) return status;
    return Process(id);
  }

  Process(Process&& other) noexcept : id_(std::exchange(other.id_, 0)), failure_(std::move(other.failure_)) {}
  Process& operator=(Process&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(failure_, other.failure_);
    return *this;
  }
  ~Process() {
    if (id_ == 0) return;
    Stop();
    waitpid(id_, nullptr, 0);
  }

  // Ended says whether the process has ended.
  bool Ended() {
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

  // Stop asks the process to terminate.
  void Stop() const {
    if (id_ != 0) kill(id_, SIGTERM);
  }

  // failure says how the process failed; empty where it did not.
  const std::string& failure() const { return failure_; }

 private:
  explicit Process(pid_t id) : id_(id) {}

  pid_t id_;  // 0 when it has ended
  std::string failure_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_PROCESS_H_

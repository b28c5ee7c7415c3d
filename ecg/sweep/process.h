// process.h
//
// A child process whose output goes to a file.
//
//   ECG_ASSIGN_OR_RETURN(Process process, Process::Start({"/bin/ls", "-l"}, "log.txt"));
//   while (!process.Ended()) std::this_thread::sleep_for(std::chrono::seconds(1));
//   process.failure();   // "", "exit status 2" or "killed by signal 9 (Killed)"

#ifndef ECG_SWEEP_PROCESS_H_
#define ECG_SWEEP_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/sweep/deadline.h"

namespace ecg {

// Process is one child process. Between it and this process there is a third, its guard, which only waits: it kills the
// process when this one ends, however that happens, and when the process's deadline passes because this one is stopped
// (as by SIGSTOP or Ctrl-Z) or hangs.
class Process {
 public:
  // Start runs `command`, a path and its arguments, and appends its output to the file `log`. The process is killed
  // once `deadline` passes, unless that is nullptr; it must outlive the Process. Call it from the main thread.
  static absl::StatusOr<Process> Start(const std::vector<std::string>& command, const std::filesystem::path& log,
                                       const Deadline* deadline = nullptr);

  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  // The process is asked to terminate, and waited for.
  ~Process();

  // Ended says whether the process has ended.
  bool Ended();

  // Stop asks the process to terminate.
  void Stop() const;

  // failure says how the process failed; empty where it did not.
  const std::string& failure() const { return failure_; }

 private:
  explicit Process(pid_t id) : id_(id) {}

  pid_t id_;  // of the guard; 0 when it has ended
  std::string failure_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_PROCESS_H_

// execute_self.h
//
// A program that starts anew in its own process, such as with another environment.

#ifndef ECG_COMMAND_LINE_EXECUTE_SELF_H_
#define ECG_COMMAND_LINE_EXECUTE_SELF_H_

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace ecg {

// ExecuteSelf replaces this process by its program, called with `argv`, which ends with a null pointer. It returns only
// where that fails, with errno.
inline void ExecuteSelf(char** argv) {
  // A process is called after the file that it is started by: by /proc/self/exe it would be called "exe" in top.
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (!error) execv(program.c_str(), argv);
  // The file has been removed or renamed.
  execv("/proc/self/exe", argv);
}

}  // namespace ecg

#endif  // ECG_COMMAND_LINE_EXECUTE_SELF_H_

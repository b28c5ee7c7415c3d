// command_line.h
//
// How every program of this project reads its flags, and ends: with 0, or with 1 and one line that begins with "error:
// ".
//
//   CLI::App app("Packs a corpus's signals into one file.");
//   app.add_option(...);
//   if (const std::optional<int> status = ParseFlags(app, argc, argv)) return *status;
//   return ExitStatus(Run(flags));

#ifndef ECG_COMMAND_LINE_COMMAND_LINE_H_
#define ECG_COMMAND_LINE_COMMAND_LINE_H_

#include <cstdio>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace ecg {

// ExitStatus prints the message of `status`, unless it is OK, and returns what the program ends with.
inline int ExitStatus(const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}

// ParseFlags fills in the flags of `app`. Where the program is to end at once, after --help or a wrong flag, it prints
// what there is to say and returns what to end with.
inline std::optional<int> ParseFlags(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    return ExitStatus(absl::InvalidArgumentError(std::string(error.what()) + "; --help lists the flags"));
  }
  return std::nullopt;
}

}  // namespace ecg

#endif  // ECG_COMMAND_LINE_COMMAND_LINE_H_

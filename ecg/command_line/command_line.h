// command_line.h
//
// The command line of every program of this project: flags, and the exit status 0, or 1 after a message that begins
// with "error: ".
//
//   int main(int argc, char** argv) {
//     std::string output_dir;
//     CLI::App app("Packs a corpus's signals into one file.");
//     app.add_option("--output_dir", output_dir, "The folder to make")->required();
//     if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
//     return ecg::ExitStatus(Run(output_dir));
//   }

#ifndef ECG_COMMAND_LINE_COMMAND_LINE_H_
#define ECG_COMMAND_LINE_COMMAND_LINE_H_

#include <cstdio>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"

namespace ecg {

// ExitStatus prints the message of `status`, unless it is OK, and returns the exit status of the program.
inline int ExitStatus(const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
  return 1;
}

// Repeatable makes each use of `option` add one value to its list, so that values that follow it are not taken too.
inline CLI::Option* Repeatable(CLI::Option* option) {
  return option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// ParseFlags parses the flags of `app`. After --help or a wrong flag it prints the help or the error and returns the
// exit status.
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

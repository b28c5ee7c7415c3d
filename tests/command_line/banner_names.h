// The names that the example in the banner of ecg/command_line/command_line.h uses and does not declare.

#ifndef TESTS_COMMAND_LINE_BANNER_NAMES_H_
#define TESTS_COMMAND_LINE_BANNER_NAMES_H_

#include <string>

#include "absl/status/status.h"

namespace ecg {

absl::Status Run(const std::string& output_dir);

}  // namespace ecg

#endif  // TESTS_COMMAND_LINE_BANNER_NAMES_H_

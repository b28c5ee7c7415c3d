// The names that the example in the banner of ecg/status/status_macros.h uses and does not declare.

#ifndef TESTS_STATUS_BANNER_NAMES_H_
#define TESTS_STATUS_BANNER_NAMES_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace ecg {

absl::StatusOr<std::string> ReadText(const std::string& path);
absl::Status CheckHeader(const std::string& text);

}  // namespace ecg

#endif  // TESTS_STATUS_BANNER_NAMES_H_

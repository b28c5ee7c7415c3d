// status_macros.h
//
// Returning an error to the caller in one line, with context.
//
//   absl::StatusOr<std::string> ReadHeader(const std::string& path) {
//     ECG_ASSIGN_OR_RETURN(std::string text, ReadText(path));
//     ECG_RETURN_IF_ERROR(WithContext(CheckHeader(text), path));
//     return text;
//   }
//
// Abseil does not publish such macros.

#ifndef ECG_STATUS_STATUS_MACROS_H_
#define ECG_STATUS_STATUS_MACROS_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ecg {

// WithContext returns `status` with its message behind "`context`: ", and an OK status as it is.
inline absl::Status WithContext(const absl::Status& status, absl::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(context, ": ", status.message()));
}

}  // namespace ecg

// ECG_RETURN_IF_ERROR returns the status that `expression` gives, unless it is OK.
#define ECG_RETURN_IF_ERROR(expression)                                              \
  do {                                                                               \
    if (absl::Status ecg_status = (expression); !ecg_status.ok()) return ecg_status; \
  } while (false)

// ECG_ASSIGN_OR_RETURN assigns the value of a StatusOr to `target` (which may be a declaration), or returns its status.
#define ECG_ASSIGN_OR_RETURN(target, expression) \
  ECG_ASSIGN_OR_RETURN_IMPL_(ECG_CONCATENATE_(ecg_status_or_, __LINE__), target, expression)

#define ECG_ASSIGN_OR_RETURN_IMPL_(status_or, target, expression) \
  auto status_or = (expression);                                  \
  if (!status_or.ok()) return status_or.status();                 \
  target = *std::move(status_or)

#define ECG_CONCATENATE_(left, right) ECG_CONCATENATE_IMPL_(left, right)
#define ECG_CONCATENATE_IMPL_(left, right) left##right

#endif  // ECG_STATUS_STATUS_MACROS_H_

// run_path.h
//
// Where the runs of an experiment are while no folder is named: in runs/NAME, each in a folder named for when it began.
//
//   ECG_ASSIGN_OR_RETURN(const std::filesystem::path path, MakeNewFolder(NewRunPath("resnet18_all")));
//   ECG_ASSIGN_OR_RETURN(const std::filesystem::path latest, LatestRunPath("resnet18_all"));

#ifndef ECG_RUN_RUN_PATH_H_
#define ECG_RUN_RUN_PATH_H_

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/run/run_folder.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// NewRunPath returns runs/NAME/TIME, in the folder where the command was typed.
inline std::filesystem::path NewRunPath(absl::string_view name) {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", std::localtime(&now));
  return UserPath("runs") / std::string(name) / text;
}

// MakeNewFolder makes the folder `path`, or where it is there, since another run began in the same second, one with a
// number behind its name. Returns which.
inline absl::StatusOr<std::filesystem::path> MakeNewFolder(const std::filesystem::path& path) {
  ECG_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
  std::filesystem::path made = path;
  for (int number = 2;; ++number) {
    std::error_code error;
    if (std::filesystem::create_directory(made, error)) return made;
    if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make the folder ", made.string()));
    made = absl::StrCat(path.string(), "-", number);
  }
}

// LatestRunPath returns the newest folder that NewRunPath gave and that holds a run.
inline absl::StatusOr<std::filesystem::path> LatestRunPath(absl::string_view name) {
  const std::filesystem::path folder = UserPath("runs") / std::string(name);
  std::filesystem::path latest;
  std::error_code error, ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (std::filesystem::exists(RunFolder(entry.path()).spec(), ignored)) latest = std::max(latest, entry.path());
  }
  if (latest.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no run in ", folder.string(), " to continue; name its folder with --output_dir"));
  }
  return latest;
}

}  // namespace ecg

#endif  // ECG_RUN_RUN_PATH_H_

// run_path.h
//
// Where the runs of an experiment are while no folder is named: in runs/NAME, each in a folder named for when it began.
//
//   ECG_ASSIGN_OR_RETURN(const std::filesystem::path path, MakeNewFolder(NewRunPath("resnet18_all")));
//   ECG_ASSIGN_OR_RETURN(const std::filesystem::path latest, LatestRunPath("resnet18_all"));

#ifndef ECG_RUN_RUN_PATH_H_
#define ECG_RUN_RUN_PATH_H_

#include <array>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
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

// BeginOf returns the day, the time and the number in a name that NewRunPath and MakeNewFolder gave, and zeros for any
// other name.
inline std::array<int, 3> BeginOf(absl::string_view name) {
  const std::vector<std::string> parts = absl::StrSplit(name, '-');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].size() != 8 || parts[1].size() != 6) return {};
  std::array<int, 3> begin = {};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!absl::SimpleAtoi(parts[i], &begin[i])) return {};
  }
  return begin;
}

// LatestRunPath returns the newest folder that NewRunPath and MakeNewFolder gave and that holds a run.
inline absl::StatusOr<std::filesystem::path> LatestRunPath(absl::string_view name) {
  const std::filesystem::path folder = UserPath("runs") / std::string(name);
  std::filesystem::path latest;
  std::array<int, 3> latest_begin = {};
  std::error_code error, ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::array<int, 3> begin = BeginOf(entry.path().filename().string());
    if (begin <= latest_begin || !std::filesystem::exists(RunFolder(entry.path()).spec(), ignored)) continue;
    latest = entry.path();
    latest_begin = begin;
  }
  if (latest.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no run in ", folder.string(), " to continue; name its folder with --output_dir"));
  }
  return latest;
}

}  // namespace ecg

#endif  // ECG_RUN_RUN_PATH_H_

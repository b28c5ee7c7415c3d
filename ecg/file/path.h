// path.h
//
// Paths as a user types them, and the folder for caches.
//
//   UserPath("~/ptbxl");           // "/home/me/ptbxl"
//   CacheDirectory() / "packed";   // "/home/me/.cache/ecg/packed"

#ifndef ECG_FILE_PATH_H_
#define ECG_FILE_PATH_H_

#include <cstdlib>
#include <filesystem>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace ecg {

// UserPath returns the path that a user meant by `typed`. `bazel run` starts a binary in another folder and puts the
// user's into $BUILD_WORKING_DIRECTORY, to which a relative path is relative. `~/` is the user's home, as in a shell,
// which does not expand it inside `--flag=~/folder`.
inline std::filesystem::path UserPath(absl::string_view typed) {
  const std::filesystem::path path(typed.begin(), typed.end());
  if (const char* home = std::getenv("HOME"); home != nullptr && absl::StartsWith(typed, "~/")) {
    return std::filesystem::path(home) / path.lexically_relative("~");
  }
  const char* working_directory = std::getenv("BUILD_WORKING_DIRECTORY");
  if (path.empty() || path.is_absolute() || working_directory == nullptr) return path;
  return std::filesystem::path(working_directory) / path;
}

// CacheDirectory returns the folder for files that can be computed again: `ecg` in $XDG_CACHE_HOME, or else in
// ~/.cache. It may not exist yet. A relative $XDG_CACHE_HOME is ignored (XDG Base Directory Specification).
inline std::filesystem::path CacheDirectory() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/') {
    return std::filesystem::path(cache) / "ecg";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    return std::filesystem::path(home) / ".cache" / "ecg";
  }
  return std::filesystem::temp_directory_path() / "ecg";
}

// CacheDirectory returns the folder that the user has `chosen`, or else that one.
inline std::filesystem::path CacheDirectory(absl::string_view chosen) {
  return chosen.empty() ? CacheDirectory() : UserPath(chosen);
}

}  // namespace ecg

#endif  // ECG_FILE_PATH_H_

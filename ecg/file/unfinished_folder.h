// unfinished_folder.h
//
// A folder that appears when it is complete: it is filled under another name beside its place, and then renamed.
//
//   ECG_ASSIGN_OR_RETURN(UnfinishedFolder folder, UnfinishedFolder::Create("/data/demo"));
//   ECG_RETURN_IF_ERROR(WriteFile(folder.path() / "notes.txt", "complete"));
//   ECG_RETURN_IF_ERROR(folder.Finish());

#ifndef ECG_FILE_UNFINISHED_FOLDER_H_
#define ECG_FILE_UNFINISHED_FOLDER_H_

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// UnfinishedFolder is removed with all that is in it, unless it is finished.
class UnfinishedFolder {
 public:
  // Create makes the folder that will be `finished`, and the parents of that.
  static absl::StatusOr<UnfinishedFolder> Create(const std::filesystem::path& finished) {
    static std::atomic<int> count = 0;
    UnfinishedFolder folder;
    folder.finished_ = std::filesystem::absolute(finished).lexically_normal();
    if (!folder.finished_.has_filename()) folder.finished_ = folder.finished_.parent_path();  // "folder/"
    folder.path_ = folder.finished_.parent_path() /
                   absl::StrCat(".", folder.finished_.filename().string(), ".tmp", getpid(), "-", count.fetch_add(1));
    ECG_RETURN_IF_ERROR(MakeDirectories(folder.path_));
    return folder;
  }

  UnfinishedFolder(UnfinishedFolder&& other) noexcept
      : path_(std::exchange(other.path_, {})), finished_(std::move(other.finished_)) {}
  ~UnfinishedFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

  // path returns the temporary path.
  const std::filesystem::path& path() const { return path_; }

  // Finish gives the folder its name, under which there must be nothing, or an empty folder.
  absl::Status Finish() {
    std::error_code error;
    std::filesystem::rename(path_, finished_, error);
    if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make the folder ", finished_.string()));
    path_.clear();
    return absl::OkStatus();
  }

 private:
  UnfinishedFolder() = default;

  std::filesystem::path path_, finished_;
};

}  // namespace ecg

#endif  // ECG_FILE_UNFINISHED_FOLDER_H_

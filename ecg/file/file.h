// file.h
//
// Reading whole files, and writing files atomically: a file is either complete or does not exist.
//
//   ECG_RETURN_IF_ERROR(WriteFile("run.json", "{}"));
//
//   ECG_ASSIGN_OR_RETURN(FileWriter writer, FileWriter::Create("signals.npy"));   // a long file, piece by piece
//   ECG_RETURN_IF_ERROR(writer.Append("first piece"));
//   ECG_RETURN_IF_ERROR(writer.Append("last piece"));
//   ECG_RETURN_IF_ERROR(writer.Commit());

#ifndef ECG_FILE_FILE_H_
#define ECG_FILE_FILE_H_

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ecg {

// ErrnoError returns the error that `action` failed on `path`, with the reason from errno.
absl::Status ErrnoError(absl::string_view action, const std::filesystem::path& path);

// MakeDirectories makes `directory` and its parents where they are missing.
absl::Status MakeDirectories(const std::filesystem::path& directory);

// ReadFile returns the bytes of `path`.
absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path);

// LinkOrCopy makes `to`, which is not there, the same file as `from` where they are on one file system, or else a copy.
absl::Status LinkOrCopy(const std::filesystem::path& from, const std::filesystem::path& to);

// WriteAll writes `bytes` to the open file `descriptor`, which errors call `path`.
absl::Status WriteAll(int descriptor, absl::string_view bytes, const std::filesystem::path& path);

// FileWriter writes a file under a temporary name beside `path`, and renames it when all of it is on disk. A writer
// that is destroyed before Commit removes the file.
class FileWriter {
 public:
  // Create opens the temporary file. The folder must exist.
  static absl::StatusOr<FileWriter> Create(const std::filesystem::path& path);

  FileWriter(FileWriter&& other) noexcept { *this = std::move(other); }
  FileWriter& operator=(FileWriter&& other) noexcept;
  ~FileWriter();

  // Append adds `bytes` at the end.
  absl::Status Append(absl::string_view bytes);

  // Commit syncs the file and renames it to its own name, in place of any older file there.
  absl::Status Commit();

 private:
  FileWriter() = default;

  std::filesystem::path path_;
  std::string temporary_;
  int descriptor_ = -1;
};

// WriteFile writes `bytes` to `path` atomically.
absl::Status WriteFile(const std::filesystem::path& path, absl::string_view bytes);

}  // namespace ecg

#endif  // ECG_FILE_FILE_H_

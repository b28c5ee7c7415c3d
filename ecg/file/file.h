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

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// ErrnoError returns the error that `action` failed on `path`, with the reason from errno.
inline absl::Status ErrnoError(absl::string_view action, const std::filesystem::path& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", action, " ", path.string()));
}

// MakeDirectories makes `directory` and its parents where they are missing.
inline absl::Status MakeDirectories(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make the folder ", directory.string()));
  }
  return absl::OkStatus();
}

// ReadFile returns the bytes of `path`.
inline absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return ErrnoError("read", path);
  std::string bytes;
  struct stat status;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) bytes.reserve(status.st_size);
  char buffer[1 << 16];
  ssize_t count;
  while ((count = read(descriptor, buffer, sizeof buffer)) != 0) {
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      absl::Status error = ErrnoError("read", path);
      close(descriptor);
      return error;
    }
    bytes.append(buffer, count);
  }
  close(descriptor);
  return bytes;
}

// FileWriter writes a file under a temporary name beside `path`, and renames it when all of it is on disk. A writer
// that is destroyed before Commit removes the file.
class FileWriter {
 public:
  // Create opens the temporary file. The folder must exist.
  static absl::StatusOr<FileWriter> Create(const std::filesystem::path& path) {
    FileWriter writer;
    writer.path_ = path;
    writer.temporary_ = path.string() + ".tmp" + std::to_string(getpid());
    writer.descriptor_ = open(writer.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (writer.descriptor_ < 0) return ErrnoError("write", path);
    return writer;
  }

  FileWriter(FileWriter&& other) noexcept { *this = std::move(other); }
  FileWriter& operator=(FileWriter&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(temporary_, other.temporary_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileWriter() {
    if (descriptor_ < 0) return;
    close(descriptor_);
    unlink(temporary_.c_str());
  }

  // Append adds `bytes` at the end.
  absl::Status Append(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("write", path_);
      bytes.remove_prefix(count);
    }
    return absl::OkStatus();
  }

  // Commit syncs the file and renames it to its own name, in place of any older file there.
  absl::Status Commit() {
    if (fsync(descriptor_) != 0) return ErrnoError("write", path_);
    if (close(std::exchange(descriptor_, -1)) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
      absl::Status error = ErrnoError("write", path_);
      unlink(temporary_.c_str());
      return error;
    }
    return absl::OkStatus();
  }

 private:
  FileWriter() = default;

  std::filesystem::path path_;
  std::string temporary_;
  int descriptor_ = -1;
};

// WriteFile writes `bytes` to `path` atomically.
inline absl::Status WriteFile(const std::filesystem::path& path, absl::string_view bytes) {
  ECG_ASSIGN_OR_RETURN(FileWriter writer, FileWriter::Create(path));
  ECG_RETURN_IF_ERROR(writer.Append(bytes));
  return writer.Commit();
}

}  // namespace ecg

#endif  // ECG_FILE_FILE_H_

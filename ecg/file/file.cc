#include "ecg/file/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/status/status_macros.h"

namespace ecg {

absl::Status ErrnoError(absl::string_view action, const std::filesystem::path& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot ", action, " ", path.string()));
}

absl::Status MakeDirectories(const std::filesystem::path& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make the folder ", directory.string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& path) {
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

absl::Status LinkOrCopy(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error;
  std::filesystem::create_hard_link(from, to, error);
  if (error) std::filesystem::copy_file(from, to, error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot copy ", from.string(), " to ", to.string()));
}

absl::Status WriteAll(int descriptor, absl::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t count = write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return ErrnoError("write", path);
    bytes.remove_prefix(count);
  }
  return absl::OkStatus();
}

absl::StatusOr<FileWriter> FileWriter::Create(const std::filesystem::path& path) {
  FileWriter writer;
  writer.path_ = path;
  writer.temporary_ = path.string() + ".tmp" + std::to_string(getpid());
  writer.descriptor_ = open(writer.temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (writer.descriptor_ < 0) return ErrnoError("write", path);
  return writer;
}

FileWriter& FileWriter::operator=(FileWriter&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

absl::Status FileWriter::Append(absl::string_view bytes) { return WriteAll(descriptor_, bytes, path_); }

absl::Status FileWriter::Commit() {
  if (fsync(descriptor_) != 0) return ErrnoError("write", path_);
  if (close(std::exchange(descriptor_, -1)) != 0 || rename(temporary_.c_str(), path_.c_str()) != 0) {
    absl::Status error = ErrnoError("write", path_);
    unlink(temporary_.c_str());
    return error;
  }
  return absl::OkStatus();
}

absl::Status WriteFile(const std::filesystem::path& path, absl::string_view bytes) {
  ECG_ASSIGN_OR_RETURN(FileWriter writer, FileWriter::Create(path));
  ECG_RETURN_IF_ERROR(writer.Append(bytes));
  return writer.Commit();
}

}  // namespace ecg

// file_lock.h
//
// One process at a time. The system releases the lock of a process that ends, however it ends.
//
//   ECG_ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire("cache/.lock", "the cache is being filled"));

#ifndef ECG_FILE_FILE_LOCK_H_
#define ECG_FILE_FILE_LOCK_H_

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"

namespace ecg {

// FileLock holds a lock until it is destroyed.
class FileLock {
 public:
  // Acquire takes the lock that goes by the file `path`, which it makes, empty, when it is missing, and which stays.
  // When another process holds the lock it prints to stderr that it waits because `reason`, and waits.
  static absl::StatusOr<FileLock> Acquire(const std::filesystem::path& path, absl::string_view reason) {
    FileLock lock;
    lock.descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock.descriptor_ < 0) return ErrnoError("lock", path);
    if (flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return lock;
    if (errno == EWOULDBLOCK) {
      std::fputs(absl::StrCat("waiting: ", reason, "\n").c_str(), stderr);
      while (flock(lock.descriptor_, LOCK_EX) != 0) {
        if (errno != EINTR) return ErrnoError("lock", path);
      }
      return lock;
    }
    return ErrnoError("lock", path);
  }

  // TryAcquire takes the lock, or fails at once with AlreadyExists where another process holds it: `reason` says what
  // that process does, and what to do.
  static absl::StatusOr<FileLock> TryAcquire(const std::filesystem::path& path, absl::string_view reason) {
    FileLock lock;
    lock.descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (lock.descriptor_ >= 0 && flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return lock;
    if (lock.descriptor_ >= 0 && errno == EWOULDBLOCK) return absl::AlreadyExistsError(reason);
    return ErrnoError("lock", path);
  }

  FileLock(FileLock&& other) noexcept { *this = std::move(other); }
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~FileLock() {
    if (descriptor_ >= 0) close(descriptor_);
  }

 private:
  FileLock() = default;

  int descriptor_ = -1;
};

}  // namespace ecg

#endif  // ECG_FILE_FILE_LOCK_H_

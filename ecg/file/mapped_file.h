// mapped_file.h
//
// A file's bytes seen through the page cache, so that a corpus larger than memory can be read at random.
//
//   ECG_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open("signals.npy"));
//   const absl::string_view header = file.bytes().substr(0, 128);

#ifndef ECG_FILE_MAPPED_FILE_H_
#define ECG_FILE_MAPPED_FILE_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/bus_error.h"
#include "ecg/file/file.h"

namespace ecg {

// MappedFile is a file mapped for reading. Its bytes stay valid, and at the same address, until it is destroyed; moving
// it does not move them. Reading them ends the program, with a message, where the file has become shorter since, or its
// disk fails (bus_error.h); what the last page holds behind the end of a shortened file reads as zeros.
class MappedFile {
 public:
  MappedFile() = default;

  // Open maps `path`, which must be a file: a folder, a pipe or a device cannot be mapped.
  static absl::StatusOr<MappedFile> Open(const std::filesystem::path& path) {
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return ErrnoError("read", path);
    struct stat status;
    MappedFile file;
    absl::Status error;
    if (fstat(descriptor, &status) != 0) {
      error = ErrnoError("read", path);
    } else if (!S_ISREG(status.st_mode)) {
      error = absl::InvalidArgumentError(absl::StrCat("cannot read ", path.string(), ": it is not a file"));
    } else if (status.st_size > 0) {
      void* address = mmap(nullptr, status.st_size, PROT_READ, MAP_SHARED, descriptor, 0);
      if (address == MAP_FAILED) {
        error = ErrnoError("map", path);
      } else {
        file.data_ = static_cast<const char*>(address);
        file.size_ = status.st_size;
        file.range_ = BusErrors::Watch(address, file.size_, path);
      }
    }
    close(descriptor);
    if (!error.ok()) return error;
    return file;
  }

  MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(range_, other.range_);
    return *this;
  }
  ~MappedFile() {
    if (data_ == nullptr) return;
    BusErrors::Unwatch(range_);
    munmap(const_cast<char*>(data_), size_);
  }

  absl::string_view bytes() const { return {data_, size_}; }

  // WillRead prefetches `piece` of bytes(), without waiting. It pays for random access: without it, the system also
  // reads ahead around each piece, as much as the disk's setting says (128 KiB by default, 8 MiB seen).
  void WillRead(absl::string_view piece) const {
    static const size_t page = sysconf(_SC_PAGESIZE);
    const size_t before = (piece.data() - data_) % page;  // advice begins with a page
    madvise(const_cast<char*>(piece.data()) - before, before + piece.size(), MADV_WILLNEED);
  }

  // Release drops the bytes from memory. They can be read as before, and are fetched again then.
  void Release() const {
    if (data_ != nullptr) madvise(const_cast<char*>(data_), size_, MADV_DONTNEED);
  }

 private:
  const char* data_ = nullptr;
  size_t size_ = 0;
  MappedRange* range_ = nullptr;
};

}  // namespace ecg

#endif  // ECG_FILE_MAPPED_FILE_H_

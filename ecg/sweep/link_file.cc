#include "ecg/sweep/link_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

std::string RandomName() {
  uint64_t bits = 0;
  while (getrandom(&bits, sizeof bits, 0) != sizeof bits) {
  }
  return absl::StrFormat("%016x", bits);
}

absl::StatusOr<bool> LinkFile(const std::filesystem::path& path, absl::string_view bytes) {
  struct stat status;
  if (lstat(path.c_str(), &status) == 0) return false;
  const std::filesystem::path own = path.parent_path() / absl::StrCat(".new-", RandomName());
  ECG_RETURN_IF_ERROR(WriteFile(own, bytes));
  const bool linked = link(own.c_str(), path.c_str()) == 0;
  const int error = errno;
  const bool counted = stat(own.c_str(), &status) == 0;
  const bool made = linked || (counted && status.st_nlink == 2);
  unlink(own.c_str());
  if (made || error == EEXIST) return made;
  errno = error;
  return ErrnoError("make (by a hard link, which the file system must support)", path);
}

void AskServer(const std::filesystem::path& folder) {
  DIR* const directory = opendir(folder.c_str());
  if (directory == nullptr) return;
  readdir(directory);
  closedir(directory);
}

}  // namespace ecg

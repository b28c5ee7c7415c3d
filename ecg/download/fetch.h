// fetch.h
//
// Downloading a file over an unreliable network: what was received is kept, also when the process is killed, and the
// download is resumed from there.
//
//   ECG_RETURN_IF_ERROR(FetchFile("https://example.org/corpus.zip", "corpus.zip"));

#ifndef ECG_DOWNLOAD_FETCH_H_
#define ECG_DOWNLOAD_FETCH_H_

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/download/http.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace ecg {

// FetchOptions are timeouts and retries.
struct FetchOptions {
  HttpTimeouts timeouts;
  // Tries in a row without progress before the download fails.
  int tries = 6;
  // The wait before the second such try. It doubles from try to try, up to a minute.
  std::chrono::milliseconds first_wait{1000};
};

// Retry calls `attempt` until it succeeds, fails permanently (see HttpGet), or has failed `options.tries` times in a
// row without an increase of `progress`. It prints to stderr why it waits.
inline absl::Status Retry(const FetchOptions& options, const std::function<absl::Status()>& attempt,
                          const std::function<int64_t()>& progress) {
  int64_t furthest = progress();
  std::chrono::milliseconds wait = options.first_wait;
  for (int tries = 1;; ++tries) {
    const absl::Status status = attempt();
    if (!absl::IsUnavailable(status)) return status;
    if (progress() > furthest) {
      furthest = progress();
      tries = 0;
      wait = options.first_wait;
    }
    if (tries >= options.tries) {
      return absl::UnavailableError(
          absl::StrCat(status.message(), "; gave up after ", tries, " tries. Run the same command again to resume"));
    }
    std::fprintf(stderr, "%s; trying again\n", std::string(status.message()).c_str());
    std::this_thread::sleep_for(wait);
    wait = std::min<std::chrono::milliseconds>(2 * wait, std::chrono::minutes(1));
  }
}

// FetchText returns the bytes at `url`, which must fit into memory.
inline absl::StatusOr<std::string> FetchText(const std::string& url, const FetchOptions& options = {}) {
  std::string text;
  const auto attempt = [&] {
    text.clear();
    return HttpGet(
        url, {}, options.timeouts, [](const HttpResponse&) { return absl::OkStatus(); },
        [&text](absl::string_view bytes) {
          text.append(bytes.data(), bytes.size());
          return absl::OkStatus();
        });
  };
  ECG_RETURN_IF_ERROR(Retry(options, attempt, [] { return 0; }));
  return text;
}

// PartialFile is a partly downloaded file: `PATH.part` holds its first bytes, and `PATH.part.source`, a line each, the
// URL, the server's validator for this version of the file, and the size of the whole. Once there are bytes, both stay
// when the process ends, and the next process resumes from them.
class PartialFile {
 public:
  // Open resumes what an earlier process downloaded of `url`, or starts from zero.
  static absl::StatusOr<PartialFile> Open(const std::filesystem::path& path, const std::string& url) {
    PartialFile file;
    file.path_ = path;
    file.url_ = url;
    file.descriptor_ = open(file.PartPath().c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file.descriptor_ < 0) return ErrnoError("write", file.PartPath());
    if (const absl::StatusOr<std::string> source = ReadFile(file.SourcePath()); source.ok()) {
      const std::vector<std::string> lines = absl::StrSplit(*source, '\n');
      if (lines.size() == 4 && lines[0] == url && absl::SimpleAtoi(lines[2], &file.total_)) {
        file.validator_ = lines[1];
        file.size_ = lseek(file.descriptor_, 0, SEEK_END);
      }
    }
    if (file.size_ == 0 || file.size_ > file.total_) ECG_RETURN_IF_ERROR(file.StartAt(0, -1, ""));
    return file;
  }

  PartialFile(PartialFile&& other) noexcept { *this = std::move(other); }
  PartialFile& operator=(PartialFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(url_, other.url_);
    std::swap(validator_, other.validator_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(size_, other.size_);
    std::swap(total_, other.total_);
    return *this;
  }
  ~PartialFile() {
    if (descriptor_ < 0) return;
    close(descriptor_);
    if (size_ > 0) return;
    unlink(PartPath().c_str());
    unlink(SourcePath().c_str());
  }

  int64_t size() const { return size_; }
  int64_t total() const { return total_; }  // -1 if unknown
  bool complete() const { return size_ == total_; }
  const std::string& validator() const { return validator_; }

  // StartAt keeps the first `size` bytes and sets size and validator of the whole file.
  absl::Status StartAt(int64_t size, int64_t total, const std::string& validator) {
    if (ftruncate(descriptor_, size) != 0 || lseek(descriptor_, size, SEEK_SET) != size) {
      return ErrnoError("write", PartPath());
    }
    size_ = size;
    total_ = total;
    validator_ = validator;
    return WriteFile(SourcePath(), absl::StrCat(url_, "\n", validator_, "\n", total_, "\n"));
  }

  absl::Status Append(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return ErrnoError("write", PartPath());
      bytes.remove_prefix(count);
      size_ += count;
    }
    return absl::OkStatus();
  }

  // Commit renames the complete file.
  absl::Status Commit() {
    if (fsync(descriptor_) != 0 || rename(PartPath().c_str(), path_.c_str()) != 0) return ErrnoError("write", path_);
    unlink(SourcePath().c_str());
    close(std::exchange(descriptor_, -1));
    return absl::OkStatus();
  }

 private:
  PartialFile() = default;

  std::filesystem::path PartPath() const { return path_.string() + ".part"; }
  std::filesystem::path SourcePath() const { return path_.string() + ".part.source"; }

  std::filesystem::path path_;
  std::string url_;
  std::string validator_;
  int descriptor_ = -1;
  int64_t size_ = 0;
  int64_t total_ = -1;
};

// FetchFile downloads `url` to `path`, whose folder must exist, with a progress bar. `check_room` is called with the
// number of remaining bytes (-1 if the server does not say) before the first of them is written; its error ends the
// download. On an error the downloaded part stays beside `path` for the next call.
inline absl::Status FetchFile(
    const std::string& url, const std::filesystem::path& path, const FetchOptions& options = {},
    const std::function<absl::Status(int64_t)>& check_room = [](int64_t) { return absl::OkStatus(); }) {
  ECG_ASSIGN_OR_RETURN(PartialFile file, PartialFile::Open(path, url));
  const auto attempt = [&]() -> absl::Status {
    if (file.complete()) return absl::OkStatus();  // an earlier process ended just before the rename
    std::optional<Progress> progress;
    const absl::Status status = HttpGet(
        url, {file.size(), file.validator()}, options.timeouts,
        [&](const HttpResponse& response) -> absl::Status {
          if (response.first > 0 && response.total != file.total()) {
            ECG_RETURN_IF_ERROR(file.StartAt(0, -1, ""));
            return absl::UnavailableError(absl::StrCat(url, ": the file has changed on the server"));
          }
          ECG_RETURN_IF_ERROR(check_room(response.total < 0 ? -1 : response.total - response.first));
          ECG_RETURN_IF_ERROR(file.StartAt(response.first, response.total, response.validator));
          progress.emplace("downloading", response.total, "bytes", response.first);
          return absl::OkStatus();
        },
        [&](absl::string_view bytes) -> absl::Status {
          ECG_RETURN_IF_ERROR(file.Append(bytes));
          progress->Advance(bytes.size());
          return absl::OkStatus();
        });
    if (absl::IsOutOfRange(status)) {
      ECG_RETURN_IF_ERROR(file.StartAt(0, -1, ""));
      return absl::UnavailableError(absl::StrCat(url, ": the file has become shorter on the server"));
    }
    ECG_RETURN_IF_ERROR(status);
    if (file.total() >= 0 && !file.complete()) {
      return absl::UnavailableError(absl::StrCat(url, ": ", file.size(), " bytes received, expected ", file.total()));
    }
    return absl::OkStatus();
  };
  ECG_RETURN_IF_ERROR(Retry(options, attempt, [&file] { return file.size(); }));
  return file.Commit();
}

}  // namespace ecg

#endif  // ECG_DOWNLOAD_FETCH_H_

// download.h
//
// Downloads a published corpus into a folder and verifies every file.
//
//   ECG_ASSIGN_OR_RETURN(CorpusSource source, FindCorpusSource("ptbxl", "1.0.3"));
//   ECG_ASSIGN_OR_RETURN(DownloadReport report, DownloadCorpus(source, {.output_dir = "/data/ptbxl"}));
//
// Temporary files beside the folder D: D.zip.part and D.zip.part.source (the part of the archive that is downloaded),
// D.zip, D.unpacking and an empty .D.lock. D.unpacking is renamed to D when all of it is verified, so D is complete or
// does not exist.

#ifndef ECG_DOWNLOAD_DOWNLOAD_H_
#define ECG_DOWNLOAD_DOWNLOAD_H_

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/download/checksums.h"
#include "ecg/download/corpus_source.h"
#include "ecg/download/fetch.h"
#include "ecg/download/unpack.h"
#include "ecg/file/file.h"
#include "ecg/file/file_lock.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// DownloadOptions are the options of DownloadCorpus.
struct DownloadOptions {
  std::filesystem::path output_dir;
  bool keep_archive = false;  // as OUTPUT_DIR.zip
  FetchOptions fetch;
};

// DownloadReport is the result of a download.
struct DownloadReport {
  int64_t files = 0;
  bool already_there = false;         // complete and verified before: nothing was fetched
  std::vector<std::string> left_out;  // files of the archive without a published digest
};

// CheckRoom fails unless the disk of the folder `directory` has `bytes` free.
inline absl::Status CheckRoom(const std::filesystem::path& directory, int64_t bytes) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory, error);
  if (error)
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot get the free space of ", directory.string()));
  if (bytes <= static_cast<int64_t>(space.available)) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrFormat("%s has %.2f GB free, but %.2f GB are needed; free some space, or choose another folder",
                      directory.string(), space.available / 1e9, bytes / 1e9));
}

// IsMountPoint tells whether another disk than that of the folder around it is mounted at `directory`.
inline bool IsMountPoint(const std::filesystem::path& directory) {
  struct stat own, around;
  return stat(directory.c_str(), &own) == 0 && stat((directory / "..").c_str(), &around) == 0 &&
         own.st_dev != around.st_dev;
}

// DownloadCorpus brings `source`, or the part of it below source.folder, into `options.output_dir`, which must be
// missing, empty, or already the wanted corpus; a link is the folder that it names. An archive OUTPUT_DIR.zip that is
// there already is used instead of downloading one. On an error the folder is as it was before; the downloaded part of
// the archive is kept for the next call, unless it is damaged.
inline absl::StatusOr<DownloadReport> DownloadCorpus(const CorpusSource& source, const DownloadOptions& options) {
  namespace fs = std::filesystem;
  fs::path output = fs::absolute(options.output_dir).lexically_normal();
  if (!output.has_filename()) output = output.parent_path();  // D/ is D
  // D.unpacking cannot be renamed to a link, nor to where a disk is mounted.
  std::error_code error, ignored;
  if (fs::is_symlink(output, ignored)) {
    const fs::path link = output;
    output = fs::canonical(link, error);
    if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot follow the link ", link.string()));
  }
  if (fs::is_directory(output, ignored) && fs::is_empty(output, ignored) && IsMountPoint(output)) {
    return absl::InvalidArgumentError(absl::StrCat("a disk is mounted at ", output.string(),
                                                   ", which a corpus cannot replace; name a folder in it, such as ",
                                                   (output / "corpus").string()));
  }
  const fs::path parent = output.parent_path();
  const fs::path archive = output.string() + ".zip";
  const fs::path unpacking = output.string() + ".unpacking";

  ECG_RETURN_IF_ERROR(MakeDirectories(parent));
  ECG_ASSIGN_OR_RETURN(const FileLock lock,
                       FileLock::Acquire(parent / ("." + output.filename().string() + ".lock"),
                                         "another process is downloading into " + output.string()));
  absl::StatusOr<std::string> list = FetchText(source.checksums_url, options.fetch);
  if (absl::IsNotFound(list.status())) {
    return absl::NotFoundError(absl::StrCat(list.status().message(), "; see ", source.page, " for what is published"));
  }
  ECG_RETURN_IF_ERROR(list.status());
  ECG_ASSIGN_OR_RETURN(Checksums checksums, ParseChecksums(*list, source.checksums_url));
  const auto is_outside = [&source](absl::string_view path) { return !absl::StartsWith(path, source.folder); };
  std::erase_if(checksums, [&](const auto& file) { return is_outside(file.first); });
  if (checksums.empty()) {
    return absl::DataLossError(absl::StrCat(source.checksums_url, " lists no file below ", source.folder, "; see ",
                                            source.page, " for what is published"));
  }
  DownloadReport report;
  report.files = checksums.size();

  const bool free_for_use = !fs::exists(output, ignored) ||  //
                            (fs::is_directory(output, ignored) && fs::is_empty(output, ignored));
  if (!free_for_use) {
    if (const absl::Status status = VerifyFiles(output, checksums); !status.ok()) {
      return absl::Status(status.code(),
                          absl::StrCat(output.string(), " is there, but is not ", source.title, " ", source.version,
                                       ": ", status.message(), ". Move it away, or choose another folder"));
    }
    report.already_there = true;
    return report;
  }

  // An archive that is there already, perhaps downloaded by other means, is used and not removed.
  const bool fetch = !fs::exists(archive, ignored);
  const bool remove_archive = fetch && !options.keep_archive;
  if (fetch) {
    const absl::Status status = FetchFile(source.archive_url, archive, options.fetch, [&](int64_t bytes) {
      return CheckRoom(parent, std::max<int64_t>(bytes, 0) + source.unpacked_bytes);
    });
    if (absl::IsNotFound(status)) {
      return absl::NotFoundError(absl::StrCat(status.message(), "; see ", source.page, " for what is published"));
    }
    ECG_RETURN_IF_ERROR(status);
  }

  fs::remove_all(unpacking, ignored);
  const auto finish = [&]() -> absl::Status {
    ECG_RETURN_IF_ERROR(MakeDirectories(unpacking));
    ECG_ASSIGN_OR_RETURN(report.left_out, Unpack(archive, unpacking, checksums,
                                                 [&parent](int64_t bytes) { return CheckRoom(parent, bytes); }));
    // The published list replaces the archive's own copy of it.
    std::erase(report.left_out, "SHA256SUMS.txt");
    std::erase_if(report.left_out, is_outside);
    ECG_RETURN_IF_ERROR(WriteFile(unpacking / "SHA256SUMS.txt", *list));
    sync();  // syncing tens of thousands of files one by one would take minutes
    if (rename(unpacking.c_str(), output.c_str()) != 0) return ErrnoError("write", output);
    return absl::OkStatus();
  };
  if (const absl::Status status = finish(); !status.ok()) {
    fs::remove_all(unpacking, ignored);
    if (!absl::IsDataLoss(status)) return status;
    if (remove_archive) fs::remove(archive, ignored);
    return absl::DataLossError(absl::StrCat(status.message(),
                                            remove_archive ? ". The archive is removed" : ". Delete that archive",
                                            ", run the same command again to download it again"));
  }
  if (remove_archive) fs::remove(archive, ignored);
  return report;
}

}  // namespace ecg

#endif  // ECG_DOWNLOAD_DOWNLOAD_H_

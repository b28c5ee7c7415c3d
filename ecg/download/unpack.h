// unpack.h
//
// Unpacking a zip archive from the network: nothing in it is trusted.
//
//   const Checksums checksums = {{"RECORDS", std::string(64, '0')}};   // those of SHA256SUMS.txt
//   ECG_ASSIGN_OR_RETURN(const std::vector<std::string> left_out,
//                        Unpack("corpus.zip", "corpus", checksums, [](int64_t) { return absl::OkStatus(); }));

#ifndef ECG_DOWNLOAD_UNPACK_H_
#define ECG_DOWNLOAD_UNPACK_H_

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/download/checksums.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace ecg {

// IsSafeEntryName says whether an archive's entry stays in the folder it is unpacked to, on any system: a relative path
// of plain components. A folder's name ends in one slash.
inline bool IsSafeEntryName(absl::string_view name) {
  if (absl::StrContains(name, '\\') || absl::StrContains(name, ':')) return false;
  const std::vector<absl::string_view> components = absl::StrSplit(absl::StripSuffix(name, "/"), '/');
  return std::none_of(components.begin(), components.end(), [](absl::string_view component) {
    return component.empty() || component == "." || component == "..";
  });
}

namespace unpack_internal {

// Archive is a zip archive of one top folder.
class Archive {
 public:
  // Entry is a file to unpack.
  struct Entry {
    zip_uint64_t index;
    int64_t size;
    std::string path;  // below the top folder
  };

  // Contents are the files of the archive: those to unpack, and the names of the others.
  struct Contents {
    std::vector<Entry> entries;
    std::vector<std::string> left_out;

    // bytes returns the size of all files, and blocks what they take on disk, in whole blocks.
    int64_t bytes() const {
      int64_t sum = 0;
      for (const Entry& entry : entries) sum += entry.size;
      return sum;
    }
    int64_t blocks() const {
      constexpr int64_t kBlock = 4096;
      int64_t sum = 0;
      for (const Entry& entry : entries) sum += (entry.size + kBlock - 1) / kBlock * kBlock;
      return sum;
    }
  };

  explicit Archive(std::filesystem::path path) : path_(std::move(path)) {}

  absl::Status Open() {
    int code = 0;
    zip_.reset(zip_open(path_.c_str(), ZIP_RDONLY, &code));
    if (zip_ != nullptr) return absl::OkStatus();
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (code == ZIP_ER_OPEN || code == ZIP_ER_MEMORY) {
      return absl::InternalError(absl::StrCat("cannot read ", path_.string(), ": ", why));
    }
    return Damaged("not a zip archive that can be read (", why, ")");
  }

  // List returns the contents, after a check of every name: the archive must have each file of `checksums` once.
  absl::StatusOr<Contents> List(const Checksums& checksums) const {
    Contents contents;
    Checksums missing = checksums;
    std::string top;
    const zip_int64_t count = zip_get_num_entries(zip_.get(), 0);
    for (zip_int64_t index = 0; index < count; ++index) {
      zip_stat_t stat;
      if (zip_stat_index(zip_.get(), index, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & ZIP_STAT_NAME) == 0 ||
          (stat.valid & ZIP_STAT_SIZE) == 0) {
        return Damaged("entry ", index, " cannot be read (", zip_strerror(zip_.get()), ")");
      }
      const std::string name = stat.name;
      ECG_RETURN_IF_ERROR(CheckEntry(index, name, top));
      if (name.back() == '/') continue;
      std::string path = name.substr(top.size());
      if (!checksums.contains(path)) {
        contents.left_out.push_back(std::move(path));
      } else if (missing.erase(path) == 0) {
        return Damaged("holds '", name, "' twice");
      } else {
        contents.entries.push_back(
            {static_cast<zip_uint64_t>(index), static_cast<int64_t>(stat.size), std::move(path)});
      }
    }
    if (missing.empty()) return contents;
    return Damaged("lacks ", missing.size(), " of ", checksums.size(), " files, such as '", missing.begin()->first,
                   "'");
  }

  // Extract writes `entry` to `path`, whose SHA-256 digest must be `expected`, and shows it on `progress`.
  absl::Status Extract(const Entry& entry, const std::filesystem::path& path, const std::string& expected,
                       Progress& progress) {
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(zip_.get(), entry.index, 0),
                                                                 zip_fclose);
    if (file == nullptr) return Damaged("'", entry.path, "' cannot be read (", zip_strerror(zip_.get()), ")");
    std::ofstream output(path, std::ios::binary);
    Sha256 digest;
    int64_t size = 0;
    zip_int64_t got;
    while ((got = zip_fread(file.get(), buffer_.data(), buffer_.size())) > 0) {
      size += got;
      if (size > entry.size) break;  // more than the list of contents says
      digest.Update(absl::string_view(buffer_.data(), got));
      if (!output.write(buffer_.data(), got)) break;
      progress.Advance(got);
    }
    if (!output || !output.flush()) return ErrnoError("write", path);
    if (got < 0) return Damaged("'", entry.path, "' is damaged (", zip_file_strerror(file.get()), ")");
    const std::string found = digest.Hex();
    if (size == entry.size && found == expected) return absl::OkStatus();
    return Damaged("'", entry.path, "' has the SHA-256 digest ", found, ", expected ", expected);
  }

 private:
  template <typename... What>
  absl::Status Damaged(const What&... what) const {
    return absl::DataLossError(absl::StrCat(path_.string(), ": ", what...));
  }

  // CheckEntry checks that the entry `name` is a file or folder that stays in the one top folder `top`, which the first
  // entry sets.
  absl::Status CheckEntry(zip_int64_t index, const std::string& name, std::string& top) const {
    if (!IsSafeEntryName(name)) return Damaged("holds '", name, "', which could leave the folder it is unpacked to");
    const std::string first = name.substr(0, name.find('/') + 1);
    if (index == 0) top = first;
    if (first.empty() || first != top) return Damaged("holds '", name, "' outside its one top folder '", top, "'");
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_file_get_external_attributes(zip_.get(), index, 0, &system, &attributes);
    const mode_t type = system == ZIP_OPSYS_UNIX ? (attributes >> 16) & S_IFMT : 0;
    if (type == 0 || type == S_IFREG || type == S_IFDIR) return absl::OkStatus();
    return Damaged("holds '", name, "', which is a link or a device, not a file");
  }

  const std::filesystem::path path_;
  std::unique_ptr<zip_t, void (*)(zip_t*)> zip_{nullptr, zip_discard};
  std::vector<char> buffer_ = std::vector<char>(1 << 18);
};

}  // namespace unpack_internal

// Unpack unpacks the zip archive `archive` into the new folder `directory`, without the archive's one top folder, and
// checks every file on the way. Each file of `checksums` must be there with its digest. Files that `checksums` does not
// list are not unpacked; their names are returned. The whole list of contents is checked, and `check_room` is called
// with the bytes that the files will take on disk, before the first is written. On an error `directory` is left for the
// caller to remove; its code is kDataLoss if the archive itself is damaged.
inline absl::StatusOr<std::vector<std::string>> Unpack(const std::filesystem::path& archive,
                                                       const std::filesystem::path& directory,
                                                       const Checksums& checksums,
                                                       const std::function<absl::Status(int64_t)>& check_room) {
  unpack_internal::Archive zip(archive);
  ECG_RETURN_IF_ERROR(zip.Open());
  ECG_ASSIGN_OR_RETURN(unpack_internal::Archive::Contents contents, zip.List(checksums));
  ECG_RETURN_IF_ERROR(check_room(contents.blocks()));
  Progress progress("unpacking", contents.bytes(), "bytes");
  for (const auto& entry : contents.entries) {
    const std::filesystem::path path = directory / entry.path;
    ECG_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
    ECG_RETURN_IF_ERROR(zip.Extract(entry, path, checksums.at(entry.path), progress));
  }
  return std::move(contents.left_out);
}

}  // namespace ecg

#endif  // ECG_DOWNLOAD_UNPACK_H_

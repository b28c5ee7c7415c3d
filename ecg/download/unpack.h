// unpack.h
//
// Unpacking a zip archive from the network: nothing it says is trusted.

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

// Unpack unpacks the zip archive `archive` into the new folder `directory`, leaving out the archive's one top folder,
// and checks every file on the way. Each file of `checksums` must be there with its digest. Files that `checksums` does
// not list are not unpacked; their names are returned. `check_room` is called with the bytes that the files will take
// on disk before the first is written. On an error `directory` is left for the caller to remove; its code is kDataLoss
// if the archive itself is at fault.
inline absl::StatusOr<std::vector<std::string>> Unpack(const std::filesystem::path& archive,
                                                       const std::filesystem::path& directory,
                                                       const Checksums& checksums,
                                                       const std::function<absl::Status(int64_t)>& check_room) {
  const auto damaged = [&archive](const auto&... what) {
    return absl::DataLossError(absl::StrCat(archive.string(), ": ", what...));
  };
  int code = 0;
  const std::unique_ptr<zip_t, void (*)(zip_t*)> zip(zip_open(archive.c_str(), ZIP_RDONLY, &code), zip_discard);
  if (zip == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    if (code == ZIP_ER_OPEN || code == ZIP_ER_MEMORY) {
      return absl::InternalError(absl::StrCat("cannot read ", archive.string(), ": ", why));
    }
    return damaged("not a zip archive that can be read (", why, ")");
  }

  // The whole list of contents is checked before anything is written.
  constexpr int64_t kBlock = 4096;  // a file takes whole blocks
  struct Entry {
    zip_uint64_t index;
    int64_t size;
    std::string path;  // below the top folder
  };
  std::vector<Entry> entries;
  std::vector<std::string> left_out;
  Checksums missing = checksums;
  std::string top;
  int64_t total = 0, room = 0;
  const zip_int64_t count = zip_get_num_entries(zip.get(), 0);
  for (zip_int64_t index = 0; index < count; ++index) {
    zip_stat_t stat;
    if (zip_stat_index(zip.get(), index, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & ZIP_STAT_NAME) == 0 ||
        (stat.valid & ZIP_STAT_SIZE) == 0) {
      return damaged("entry ", index, " cannot be read (", zip_strerror(zip.get()), ")");
    }
    const std::string name = stat.name;
    if (!IsSafeEntryName(name)) return damaged("holds '", name, "', which could leave the folder it is unpacked to");
    const std::string first = name.substr(0, name.find('/') + 1);
    if (index == 0) top = first;
    if (first.empty() || first != top) {
      return damaged("holds '", name, "' outside its one top folder '", top, "'");
    }
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    zip_file_get_external_attributes(zip.get(), index, 0, &system, &attributes);
    const mode_t type = system == ZIP_OPSYS_UNIX ? (attributes >> 16) & S_IFMT : 0;
    if (type != 0 && type != S_IFREG && type != S_IFDIR) {
      return damaged("holds '", name, "', which is a link or a device, not a file");
    }
    if (name.back() == '/') continue;
    std::string path = name.substr(top.size());
    if (!checksums.contains(path)) {
      left_out.push_back(std::move(path));
    } else if (missing.erase(path) == 0) {
      return damaged("holds '", name, "' twice");
    } else {
      total += static_cast<int64_t>(stat.size);
      room += (static_cast<int64_t>(stat.size) + kBlock - 1) / kBlock * kBlock;
      entries.push_back({static_cast<zip_uint64_t>(index), static_cast<int64_t>(stat.size), std::move(path)});
    }
  }
  if (!missing.empty()) {
    return damaged("lacks ", missing.size(), " of ", checksums.size(), " files, such as '", missing.begin()->first,
                   "'");
  }
  ECG_RETURN_IF_ERROR(check_room(room));

  Progress progress("unpacking", total, "bytes");
  std::vector<char> buffer(1 << 18);
  for (const Entry& entry : entries) {
    const std::filesystem::path path = directory / entry.path;
    ECG_RETURN_IF_ERROR(MakeDirectories(path.parent_path()));
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(zip.get(), entry.index, 0),
                                                                 zip_fclose);
    if (file == nullptr) return damaged("'", entry.path, "' cannot be read (", zip_strerror(zip.get()), ")");
    std::ofstream output(path, std::ios::binary);
    Sha256 digest;
    int64_t size = 0;
    zip_int64_t got;
    while ((got = zip_fread(file.get(), buffer.data(), buffer.size())) > 0) {
      const absl::string_view bytes(buffer.data(), got);
      size += got;
      if (size > entry.size) break;  // more than check_room was told
      digest.Update(bytes);
      if (!output.write(buffer.data(), got)) break;
      progress.Advance(got);
    }
    if (!output || !output.flush()) return ErrnoError("write", path);
    if (got < 0) return damaged("'", entry.path, "' is damaged (", zip_file_strerror(file.get()), ")");
    const std::string found = digest.Hex();
    if (const std::string& expected = checksums.at(entry.path); size != entry.size || found != expected) {
      return damaged("'", entry.path, "' has the SHA-256 digest ", found, ", expected ", expected);
    }
  }
  return left_out;
}

}  // namespace ecg

#endif  // ECG_DOWNLOAD_UNPACK_H_

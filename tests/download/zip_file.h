// zip_file.h
//
// Making a zip archive, good or bad, for a test.

#ifndef ECG_TESTS_DOWNLOAD_ZIP_FILE_H_
#define ECG_TESTS_DOWNLOAD_ZIP_FILE_H_

#include <sys/stat.h>
#include <zip.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace ecg {

// ZipEntry is a file of an archive, or a folder if its name ends in a slash.
struct ZipEntry {
  std::string name;
  std::string bytes;
  bool symbolic_link = false;
  bool compressed = false;
};

// MakeZip writes `entries` to `path`, stored as they are unless they say otherwise, so that a test can change a byte of
// a file.
inline void MakeZip(const std::filesystem::path& path, const std::vector<ZipEntry>& entries) {
  int code = 0;
  zip_t* zip = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (zip == nullptr) std::abort();
  for (const ZipEntry& entry : entries) {
    zip_int64_t index;
    if (entry.name.back() == '/') {
      index = zip_dir_add(zip, entry.name.c_str(), 0);
    } else {
      index =
          zip_file_add(zip, entry.name.c_str(), zip_source_buffer(zip, entry.bytes.data(), entry.bytes.size(), 0), 0);
      zip_set_file_compression(zip, index, entry.compressed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
    }
    if (index < 0) std::abort();
    if (entry.symbolic_link) {
      zip_file_set_external_attributes(zip, index, 0, ZIP_OPSYS_UNIX, zip_uint32_t{S_IFLNK | 0777} << 16);
    }
  }
  if (zip_close(zip) != 0) std::abort();
}

}  // namespace ecg

#endif  // ECG_TESTS_DOWNLOAD_ZIP_FILE_H_

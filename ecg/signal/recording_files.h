// recording_files.h
//
// The recordings in a folder, whatever their format.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<std::string> files, RecordingFilesBelow("exports"));
//   // "a.xml", "older/b.hea", ...: b.dat, which has the samples of b.hea, is not one

#ifndef ECG_SIGNAL_RECORDING_FILES_H_
#define ECG_SIGNAL_RECORDING_FILES_H_

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"

namespace ecg {

// kUnisensHeader is the file of a UNISENS folder that describes its signals.
inline constexpr char kUnisensHeader[] = "unisens.xml";

// IsSampleFile tells whether another file of the folder is the recording that `path` holds the samples of: the header
// of a WFDB record, or unisens.xml.
inline bool IsSampleFile(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::path header = path;
  if (path.extension() != ".hea" && std::filesystem::exists(header.replace_extension(".hea"), error)) return true;
  return path.filename() != kUnisensHeader && std::filesystem::exists(path.parent_path() / kUnisensHeader, error);
}

// SampleFilesOf returns the files that the WFDB header `header` names as those of its samples, whether they are there or
// not; none where it cannot be read.
inline std::set<std::filesystem::path> SampleFilesOf(const std::filesystem::path& header) {
  const absl::StatusOr<std::string> text = ReadFile(header);
  std::set<std::filesystem::path> files;
  bool is_record_line = true;
  for (absl::string_view line : absl::StrSplit(text.value_or(""), '\n')) {
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    if (!std::exchange(is_record_line, false)) {
      files.insert(header.parent_path() / std::string(line.substr(0, line.find_first_of(" \t"))));
    }
  }
  return files;
}

// RecordingFilesBelow returns every file below `folder`, relative to it and sorted, but for sample files, and for what
// systems and editors leave behind: names that begin with a dot, and __MACOSX.
inline absl::StatusOr<std::vector<std::string>> RecordingFilesBelow(const std::filesystem::path& folder) {
  using std::filesystem::directory_options;
  std::error_code error;
  std::vector<std::string> files;
  for (std::filesystem::recursive_directory_iterator entry(
           folder, directory_options::follow_directory_symlink | directory_options::skip_permission_denied, error),
       end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code ignored;
    if (name[0] == '.' || name == "__MACOSX") {
      if (entry->is_directory(ignored)) entry.disable_recursion_pending();
      continue;
    }
    if (entry->is_regular_file(ignored) && !IsSampleFile(entry->path())) {
      files.push_back(entry->path().lexically_relative(folder).string());
    }
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot list the folder ", folder.string()));
  // Samples whose file is called otherwise than their header. Headers are read only where there may be any.
  std::set<std::filesystem::path> folders, samples;
  for (const std::filesystem::path file : files) {
    if (file.extension() == ".dat" || file.extension() == ".mat") folders.insert(file.parent_path());
  }
  for (const std::filesystem::path file : files) {
    if (file.extension() == ".hea" && folders.count(file.parent_path()) > 0)
      samples.merge(SampleFilesOf(folder / file));
  }
  std::erase_if(files, [&](const std::string& file) { return samples.count(folder / file) > 0; });
  std::ranges::sort(files);
  return files;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_RECORDING_FILES_H_

// data_source.h
//
// The data folder of a run: given by the user, or a synthetic corpus.

#ifndef ECG_EXPERIMENT_DATA_SOURCE_H_
#define ECG_EXPERIMENT_DATA_SOURCE_H_

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/recordings.h"
#include "ecg/file/path.h"
#include "ecg/status/status_macros.h"
#include "ecg/synthetic/demo.h"
#include "ecg/terminal/progress.h"

namespace ecg {

// DataSource is the data folder.
struct DataSource {
  std::filesystem::path data_dir;
  // A message for the user if no folder was given; else empty.
  std::string note;
};

// DataRequest holds everything that may name the data folder, in order of precedence.
struct DataRequest {
  // The name of the corpus, such as "ptbxl".
  std::string dataset;
  // The flag --demo_records: the size of a synthetic corpus; 0 if not given.
  int demo_records = 0;
  // The flag --data_dir, or empty.
  std::string flag;
  // The environment variable to look at, or nullptr.
  const char* variable = nullptr;
  // The spec's data_dir, or empty.
  std::string in_spec;
  // The cache for synthetic corpora.
  std::filesystem::path cache_dir;
};

// FindData returns the data folder. If none is named it makes a synthetic corpus of 1,000 records, and sets `note`.
inline absl::StatusOr<DataSource> FindData(const DataRequest& request) {
  constexpr int kDefaultDemoRecords = 1000;
  constexpr int kDemoSeed = 1;
  DataSource source;
  if (request.demo_records == 0) {
    const char* in_environment = request.variable == nullptr ? nullptr : std::getenv(request.variable);
    for (const absl::string_view named :
         {absl::string_view(request.flag), absl::string_view(in_environment == nullptr ? "" : in_environment),
          absl::string_view(request.in_spec)}) {
      if (!named.empty()) {
        source.data_dir = std::filesystem::absolute(UserPath(named));
        return source;
      }
    }
    source.note = absl::StrCat(
        "No data folder is given, so this run uses ", WithThousands(kDefaultDemoRecords),
        " synthetic records: its figures say nothing about patients.\n"
        "For real ones: ",
        request.dataset == Recordings::kName
            ? "put your files and their table of labels into a folder (docs/corpora.md)"
            : absl::StrCat("`bazel run //cli:download -- ", request.dataset, " --output_dir=FOLDER`"),
        ", then --data_dir=FOLDER", request.variable == nullptr ? "" : absl::StrCat(" or $", request.variable), ".");
  }
  const int records = request.demo_records > 0 ? request.demo_records : kDefaultDemoRecords;
  ECG_ASSIGN_OR_RETURN(source.data_dir, CachedDemo(records, kDemoSeed, request.cache_dir, request.dataset));
  return source;
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_DATA_SOURCE_H_

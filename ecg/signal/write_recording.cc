#include "ecg/signal/write_recording.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/aecg_writer.h"
#include "ecg/signal/dicom_writer.h"
#include "ecg/signal/edf_writer.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/sample_table_writer.h"
#include "ecg/signal/wfdb_writer.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;

absl::Status WriteCsv(const Recording& recording, const fs::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string text, FormatSampleTable(recording));
  return WriteFile(path, text);
}

absl::Status WriteAecg(const Recording& recording, const fs::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string text, FormatAecg(recording));
  return WriteFile(path, text);
}

// The samples come first: without a header nobody reads them.
absl::Status WriteWfdb(const Recording& recording, const fs::path& path) {
  ECG_ASSIGN_OR_RETURN(const WfdbFiles files, FormatWfdb(recording, path.stem().string()));
  ECG_RETURN_IF_ERROR(WriteFile(fs::path(path).replace_extension(".dat"), files.samples));
  return WriteFile(fs::path(path).replace_extension(".hea"), files.header);
}

struct OutputFormat {
  absl::string_view name;
  absl::string_view extension;
  bool holds_one_strip;
  absl::Status (*write)(const Recording& recording, const fs::path& path);
};

constexpr OutputFormat kOutputFormats[] = {
    {.name = "csv", .extension = ".csv", .holds_one_strip = true, .write = WriteCsv},
    {.name = "wfdb", .extension = ".hea", .holds_one_strip = true, .write = WriteWfdb},
    {.name = "aecg", .extension = ".xml", .holds_one_strip = false, .write = WriteAecg},
    {.name = "edf", .extension = ".edf", .holds_one_strip = false, .write = WriteEdf},
    {.name = "dicom", .extension = ".dcm", .holds_one_strip = false, .write = WriteDicom},
};

absl::StatusOr<OutputFormat> Find(const fs::path& path, absl::string_view name) {
  for (const OutputFormat& format : kOutputFormats) {
    if (name.empty() ? absl::EqualsIgnoreCase(path.extension().string(), format.extension) : name == format.name) {
      return format;
    }
  }
  return absl::InvalidArgumentError(
      name.empty()
          ? absl::StrCat(path.string(), ": the extension tells no format that can be written: ", OutputFormats(),
                         "; choose one with --format")
          : absl::StrCat("the format \"", name, "\" cannot be written; those that can are ", OutputFormats()));
}

}  // namespace

std::string OutputFormats() {
  std::string names;
  for (const OutputFormat& format : kOutputFormats) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", format.name, " (", format.extension, ")");
  }
  return names;
}

absl::StatusOr<bool> HoldsOneStrip(const fs::path& path, absl::string_view format) {
  ECG_ASSIGN_OR_RETURN(const OutputFormat found, Find(path, format));
  return found.holds_one_strip;
}

absl::Status WriteRecording(const Recording& recording, const fs::path& path, absl::string_view format) {
  ECG_ASSIGN_OR_RETURN(const OutputFormat found, Find(path, format));
  return WithContext(found.write(recording, path), path.string());
}

}  // namespace ecg

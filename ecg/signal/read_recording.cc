#include "ecg/signal/read_recording.h"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/aecg.h"
#include "ecg/signal/apple_csv.h"
#include "ecg/signal/cardiosoft_xml.h"
#include "ecg/signal/contec.h"
#include "ecg/signal/cpsc_mat.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/dicom.h"
#include "ecg/signal/edf.h"
#include "ecg/signal/ishne.h"
#include "ecg/signal/mfer.h"
#include "ecg/signal/muse_xml.h"
#include "ecg/signal/philips_xml.h"
#include "ecg/signal/rdt.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_files.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_table.h"
#include "ecg/signal/schiller_xml.h"
#include "ecg/signal/scp_ecg.h"
#include "ecg/signal/unisens.h"
#include "ecg/signal/wfdb_recording.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

namespace fs = std::filesystem;

struct Format {
  absl::string_view name;
  bool (*recognises)(const RecordingFile& file);
  absl::StatusOr<Recording> (*read)(const RecordingFile& file);
};

template <RecordingFormat T>
constexpr Format Of() {
  return {.name = T::kName, .recognises = T::Recognises, .read = T::Read};
}

// The first that recognises a file reads it. A table is recognised by little, so it comes last.
constexpr Format kFormats[] = {
    Of<MuseXml>(), Of<PhilipsXml>(), Of<Aecg>(),  Of<CardioSoftXml>(), Of<SchillerXml>(), Of<Dicom>(),
    Of<ScpEcg>(),  Of<Edf>(),        Of<Ishne>(), Of<Mfer>(),          Of<Rdt>(),         Of<Contec>(),
    Of<Unisens>(), Of<CpscMat>(),    Of<Wfdb>(),  Of<AppleCsv>(),      Of<SampleTable>(),
};

// Archive returns what packs the files in `bytes`; nothing where it is none that is known.
absl::string_view Archive(absl::string_view bytes) {
  if (absl::StartsWith(bytes, "PK\x03\x04")) return "a ZIP archive";
  if (absl::StartsWith(bytes, "\x1f\x8b")) return "compressed with gzip";
  if (absl::StartsWith(bytes, "BZh")) return "compressed with bzip2";
  if (absl::StartsWith(bytes,
                       "\xFD"
                       "7zXZ"))
    return "compressed with xz";
  return "";
}

// AddWhatIsNotStated sets what `recording` does not state of its patient.
void AddWhatIsNotStated(const Demographics& patient, Recording& recording) {
  if (!recording.age_years) recording.age_years = patient.age_years;
  if (recording.sex.empty()) recording.sex = patient.sex;
  if (!recording.height_cm) recording.height_cm = patient.height_cm;
  if (!recording.weight_kg) recording.weight_kg = patient.weight_kg;
}

// RecordPath returns the file to read for `path`.
fs::path RecordPath(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return path / kUnisensHeader;
  fs::path header = path;
  header += ".hea";
  if (!fs::exists(path, ignored) && fs::exists(header, ignored)) return header;
  if (absl::EqualsIgnoreCase(path.extension().string(), ".dat") ||
      absl::EqualsIgnoreCase(path.extension().string(), ".mat")) {
    header = fs::path(path).replace_extension(".hea");
    if (fs::exists(header, ignored)) return header;
  }
  return path;
}

}  // namespace

std::vector<std::string> RecordingFormatNames() {
  std::vector<std::string> names;
  for (const Format& format : kFormats) names.emplace_back(format.name);
  return names;
}

absl::StatusOr<Recording> ReadRecordingBytes(absl::string_view bytes, const RecordingOptions& options,
                                             const fs::path& path) {
  if (bytes.empty()) return absl::DataLossError("the file is empty");
  const RecordingFile file = {.path = path, .bytes = bytes, .options = options};
  for (const Format& format : kFormats) {
    if (!format.recognises(file)) continue;
    absl::StatusOr<Recording> recording = format.read(file);
    if (!recording.ok()) return WithContext(recording.status(), format.name);
    AddWhatIsNotStated(options.patient, *recording);
    return recording;
  }
  if (const absl::string_view archive = Archive(bytes); !archive.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the file is ", archive, "; unpack it first"));
  }
  return absl::UnimplementedError(
      absl::StrCat("the file is of no format that is known: ", absl::StrJoin(RecordingFormatNames(), ", "),
                   ". It begins with \"", absl::CHexEscape(bytes.substr(0, 16)), "\""));
}

absl::StatusOr<Recording> ReadRecording(const fs::path& path, const RecordingOptions& options) {
  const fs::path file = RecordPath(path);
  ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
  absl::StatusOr<Recording> recording = ReadRecordingBytes(bytes, options, file);
  if (!recording.ok()) return WithContext(recording.status(), file.string());
  return recording;
}

}  // namespace ecg

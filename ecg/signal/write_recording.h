// write_recording.h
//
// Writes a recording in a format of one's choice.
//
//   ECG_RETURN_IF_ERROR(WriteRecording(recording, "patient.csv"));           // by the extension
//   ECG_RETURN_IF_ERROR(WriteRecording(recording, "patient.xml", "aecg"));
//
// Files are written atomically. What a format cannot hold is an error, never left out silently. The formats are listed
// in write_recording.cc.

#ifndef ECG_SIGNAL_WRITE_RECORDING_H_
#define ECG_SIGNAL_WRITE_RECORDING_H_

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"

namespace ecg {

// OutputFormats returns the formats with their extensions, in words: "csv (.csv), wfdb (.hea), aecg (.xml)".
std::string OutputFormats();

// HoldsOneStrip tells whether the format `format`, or the one of the extension of `path` when it is empty, has room for
// only one strip. An unknown format is an error that lists the known ones.
absl::StatusOr<bool> HoldsOneStrip(const std::filesystem::path& path, absl::string_view format = "");

// WriteRecording writes `recording` to `path`, and to files beside it where the format has several.
absl::Status WriteRecording(const Recording& recording, const std::filesystem::path& path,
                            absl::string_view format = "");

}  // namespace ecg

#endif  // ECG_SIGNAL_WRITE_RECORDING_H_

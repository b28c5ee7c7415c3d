// read_recording.h
//
// Reads an electrocardiogram from a file of any format that is known; the content tells which it is.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording("patient.xml"));
//   ECG_ASSIGN_OR_RETURN(const Recording table, ReadRecording("ecg.csv", {.leads = {}, .unit = "uV"}));
//
// The formats are listed in read_recording.cc. docs/recordings.md says what of each is read.

#ifndef ECG_SIGNAL_READ_RECORDING_H_
#define ECG_SIGNAL_READ_RECORDING_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"

namespace ecg {

// RecordingFormatNames returns the names of all formats, in the order in which they are tried.
std::vector<std::string> RecordingFormatNames();

// ReadRecording reads the file `path`; also a folder with unisens.xml, and a WFDB record by the name of any of its
// files, with or without extension. Errors name the path, and the formats where the file is of none.
absl::StatusOr<Recording> ReadRecording(const std::filesystem::path& path, const RecordingOptions& options = {});

// ReadRecordingBytes reads a file that has the content `bytes`; `path` is where formats of several files look for them.
absl::StatusOr<Recording> ReadRecordingBytes(absl::string_view bytes, const RecordingOptions& options = {},
                                             const std::filesystem::path& path = {});

}  // namespace ecg

#endif  // ECG_SIGNAL_READ_RECORDING_H_

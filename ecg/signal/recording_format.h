// recording_format.h
//
// The concept that every reader of a file format follows, and how it sees a file.
//
//   struct MuseXml {
//     static constexpr absl::string_view kName = "GE MUSE XML";
//     static bool Recognises(const RecordingFile& file);
//     static absl::StatusOr<Recording> Read(const RecordingFile& file);
//   };
//   static_assert(RecordingFormat<MuseXml>);
//
// A format is told by a file's content: names and extensions say little (".ecg" is used by five formats, ".xml" by
// more). read_recording.h lists the formats.

#ifndef ECG_SIGNAL_RECORDING_FORMAT_H_
#define ECG_SIGNAL_RECORDING_FORMAT_H_

#include <concepts>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/recording.h"

namespace ecg {

// RecordingOptions is what a user knows of a file that the file does not say. Only formats that are silent about it,
// such as a table of numbers, look at them.
struct RecordingOptions {
  // leads names the columns of a table, in place of its header.
  std::vector<std::string> leads;
  // unit is that of the amplitudes: "mV", "uV", "V" or "nV".
  std::string unit;
  // sampling_frequency_hz is the number of samples a second; 0 when it is not known.
  double sampling_frequency_hz = 0;
  // patient is what is known of the patient. ReadRecording takes of it what the file, of any format, does not state.
  Demographics patient = {};
};

// RecordingFile is a file with its content.
struct RecordingFile {
  // path is where the file lies, for formats whose samples lie in other files beside it.
  std::filesystem::path path;
  // bytes is the whole content.
  absl::string_view bytes;
  // options are what the user said.
  RecordingOptions options = {};
};

// RecordingFormat is a file format. Recognises looks at as few bytes as tell the format; a damaged file of the format
// is still recognised, so that Read can say what is wrong. Read's errors say what was expected where and what was
// found, and leave the path to the caller.
template <typename T>
concept RecordingFormat = requires(const RecordingFile& file) {
  { T::kName } -> std::convertible_to<absl::string_view>;
  { T::Recognises(file) } -> std::same_as<bool>;
  { T::Read(file) } -> std::same_as<absl::StatusOr<Recording>>;
};

}  // namespace ecg

#endif  // ECG_SIGNAL_RECORDING_FORMAT_H_

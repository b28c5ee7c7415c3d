// rdt.h
//
// Recordings in RDT files: the number of channels, the sampling frequency, and the samples of all channels of a moment
// after the other, each of them a number of 16 bits, least significant byte first.
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("patient.rdt"));
//   ECG_ASSIGN_OR_RETURN(Recording recording, Rdt::Read({.path = "patient.rdt", .bytes = bytes}));
//
// Norav's devices and the converter of the CardioVascular Research Grid write them
// (https://github.com/CardioVascular-Research-Group/cvrg-ecg-converter). A file says neither what its channels are nor
// what a step is: a step is taken as 1 uV. Nothing marks such a file but its extension.

#ifndef ECG_SIGNAL_RDT_H_
#define ECG_SIGNAL_RDT_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/byte_reader.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"

namespace ecg {

// Rdt reads RDT files.
struct Rdt {
  static constexpr absl::string_view kName = "RDT";

  static bool Recognises(const RecordingFile& file) {
    return absl::EqualsIgnoreCase(file.path.extension().string(), ".rdt");
  }

  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ByteReader reader(file.bytes);
    const size_t channels = reader.Read<uint16_t>();
    const int hz = reader.Read<uint16_t>();
    constexpr size_t kMostChannels = 64;
    constexpr int kLeastHz = 50, kMostHz = 20'000;
    if (!reader.ok() || channels < 1 || channels > kMostChannels || hz < kLeastHz || hz > kMostHz) {
      return absl::DataLossError(absl::StrCat("an RDT file starts with 1 to ", kMostChannels, " channels and ",
                                              kLeastHz, " to ", kMostHz, " Hz; ", channels, " channels and ", hz,
                                              " Hz found"));
    }
    const absl::string_view data = reader.Rest();
    const size_t samples = data.size() / 2 / channels;
    if (samples == 0) return absl::DataLossError("no samples behind the header; the file is cut short");
    Recording recording;
    recording.format = std::string(kName);
    recording.notes.push_back("the file states neither the names of its channels nor a unit; a step is taken as 1 uV");
    if (data.size() % (2 * channels) != 0) {
      recording.notes.push_back("the last moment does not have all channels: the file is cut short");
    }
    constexpr double kStepMv = 0.001;
    Strip strip = {.sampling_frequency_hz = static_cast<double>(hz), .channels = {}};
    for (size_t i = 0; i < channels; ++i) {
      Channel channel = {.name = absl::StrCat("ch", i), .mv = {}, .step_mv = kStepMv};
      channel.mv.reserve(samples);
      for (size_t sample = 0; sample < samples; ++sample) {
        const char* at = data.data() + 2 * (sample * channels + i);
        channel.mv.push_back(static_cast<float>(LoadNumber<int16_t>(at, std::endian::little) * kStepMv));
      }
      strip.channels.push_back(std::move(channel));
    }
    recording.strips.push_back(std::move(strip));
    return recording;
  }
};

static_assert(RecordingFormat<Rdt>);

}  // namespace ecg

#endif  // ECG_SIGNAL_RDT_H_

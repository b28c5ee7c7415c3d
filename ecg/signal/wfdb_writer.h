// wfdb_writer.h
//
// A record in the format of PhysioNet's WFDB software, sample format 16: a Signal, in the words that PTB-XL uses, or a
// recording of one strip of whatever leads and rate.
//
//   ECG_ASSIGN_OR_RETURN(WfdbFiles files, FormatWfdb(signal, "00001_hr"));
//   ECG_RETURN_IF_ERROR(WriteFile(folder / "00001_hr.hea", files.header));
//   ECG_RETURN_IF_ERROR(WriteFile(folder / "00001_hr.dat", files.samples));

#ifndef ECG_SIGNAL_WFDB_WRITER_H_
#define ECG_SIGNAL_WFDB_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/digitise.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// WfdbFiles is the two files of a record.
struct WfdbFiles {
  // header is the text of the `.hea` file.
  std::string header;
  // samples is the bytes of the `.dat` file: of each sample, all leads.
  std::string samples;
};

// FormatWfdb returns the files of the record called `record`. A sample of -32768 is refused: readers of the format take
// it for a missing one.
inline absl::StatusOr<WfdbFiles> FormatWfdb(const Signal& signal, absl::string_view record) {
  WfdbFiles files;
  files.header = absl::StrFormat("%s %d %d %d\n", record, kLeads, signal.sampling_frequency_hz, signal.samples);
  files.samples.resize(sizeof(int16_t) * signal.digital.size());
  for (int lead = 0; lead < kLeads; ++lead) {
    uint16_t checksum = 0;
    size_t position = sizeof(int16_t) * lead;
    for (const int16_t sample : signal.lead(lead)) {
      if (sample == std::numeric_limits<int16_t>::min()) {
        return absl::InvalidArgumentError(absl::StrCat("record ", record, ", lead ", kLeadNames[lead],
                                                       ": the sample -32768 would be read as missing"));
      }
      const uint16_t bits = static_cast<uint16_t>(sample);
      checksum += bits;
      files.samples[position] = static_cast<char>(bits & 0xff);
      files.samples[position + 1] = static_cast<char>(bits >> 8);
      position += sizeof(int16_t) * kLeads;
    }
    const Calibration& calibration = signal.calibration[lead];
    absl::StrAppendFormat(&files.header, "%s.dat 16 %.17g(%d)/mV 16 0 %d %d 0 %s\n", record, calibration.gain,
                          calibration.baseline, signal.samples == 0 ? 0 : signal.lead(lead)[0], checksum,
                          kLeadNames[lead]);
  }
  return files;
}

namespace wfdb_writer_internal {

// CheckNames returns an error for names that the words of a header cannot hold.
inline absl::Status CheckNames(const Strip& strip, absl::string_view record) {
  constexpr absl::string_view kSpace = " \t\r\n/\\";
  if (record.empty() || record.find_first_of(kSpace) != record.npos || record[0] == '#') {
    return absl::InvalidArgumentError(
        absl::StrCat("WFDB does not allow the record name \"", record, "\": it has space, slashes or nothing"));
  }
  for (const Channel& channel : strip.channels) {
    if (channel.name.find_first_of("\r\n") == std::string::npos &&
        absl::StripAsciiWhitespace(channel.name) == channel.name && !channel.name.empty()) {
      continue;
    }
    return absl::InvalidArgumentError(absl::StrCat("WFDB does not allow the lead name \"", channel.name, "\""));
  }
  return absl::OkStatus();
}

// Comments returns the lines that follow the signals.
inline std::string Comments(const Recording& recording) {
  std::string text;
  if (recording.age_years) absl::StrAppendFormat(&text, "# Age: %g\n", *recording.age_years);
  if (!recording.sex.empty()) absl::StrAppend(&text, "# Sex: ", recording.sex == "male" ? "Male" : "Female", "\n");
  return text;
}

}  // namespace wfdb_writer_internal

// FormatWfdb returns the files of the record called `record` of a recording of one strip. Samples of whole steps are
// kept as they are, others are spread over 16 bits; missing ones are -32768. More strips, and names that the header
// cannot hold, are errors.
inline absl::StatusOr<WfdbFiles> FormatWfdb(const Recording& recording, absl::string_view record) {
  if (recording.strips.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a WFDB record holds one strip, and the recording has ", recording.strips.size()));
  }
  const Strip& strip = recording.strips[0];
  ECG_RETURN_IF_ERROR(wfdb_writer_internal::CheckNames(strip, record));
  WfdbFiles files;
  files.header =
      absl::StrFormat("%s %d %.17g %d", record, strip.channels.size(), strip.sampling_frequency_hz, strip.samples());
  const std::string& time = recording.recorded_at;  // 2008-07-10T16:54:57
  if (time.size() == 19) {
    absl::StrAppend(&files.header, " ", time.substr(11), " ", time.substr(8, 2), "/", time.substr(5, 2), "/",
                    time.substr(0, 4));
  }
  files.header += "\n";
  const size_t stride = sizeof(int16_t) * strip.channels.size();
  files.samples.resize(stride * strip.samples());
  std::vector<int16_t> digital(strip.samples());
  for (size_t lead = 0; lead < strip.channels.size(); ++lead) {
    const Channel& channel = strip.channels[lead];
    const absl::StatusOr<Calibration> calibration = DigitiseWithMissing(channel.mv, channel.step_mv, digital.data());
    if (!calibration.ok()) return WithContext(calibration.status(), absl::StrCat("lead ", channel.name));
    uint16_t checksum = 0;
    for (size_t i = 0; i < digital.size(); ++i) {
      const uint16_t bits = static_cast<uint16_t>(digital[i]);
      checksum += bits;
      files.samples[i * stride + sizeof(int16_t) * lead] = static_cast<char>(bits & 0xff);
      files.samples[i * stride + sizeof(int16_t) * lead + 1] = static_cast<char>(bits >> 8);
    }
    absl::StrAppendFormat(&files.header, "%s.dat 16 %.17g(%d)/mV 16 0 %d %d 0 %s\n", record, calibration->gain,
                          calibration->baseline, digital.empty() ? 0 : digital[0], checksum, channel.name);
  }
  files.header += wfdb_writer_internal::Comments(recording);
  return files;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_WFDB_WRITER_H_

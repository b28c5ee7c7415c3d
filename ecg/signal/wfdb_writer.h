// wfdb_writer.h
//
// A record in the format of PhysioNet's WFDB software, sample format 16, in the words that PTB-XL uses.
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

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"

namespace ecg {

// WfdbFiles is the two files of a record.
struct WfdbFiles {
  // header is the text of the `.hea` file.
  std::string header;
  // samples is the bytes of the `.dat` file: of each sample, the twelve leads.
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

}  // namespace ecg

#endif  // ECG_SIGNAL_WFDB_WRITER_H_

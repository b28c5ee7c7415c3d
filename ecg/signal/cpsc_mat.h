// cpsc_mat.h
//
// A record of the China Physiological Signal Challenge 2018: a MATLAB file with a struct ECG of sex, age and data.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, CpscMat::Read(RecordingFile{"A0001.mat", bytes}));
//
// The data are the twelve leads in the order of kLeadNames, in mV, at 500 Hz, which the file does not say but the
// challenge does.

#ifndef ECG_SIGNAL_CPSC_MAT_H_
#define ECG_SIGNAL_CPSC_MAT_H_

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/mat.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// CpscMat is a RecordingFormat.
class CpscMat {
 public:
  static constexpr absl::string_view kName = "CPSC 2018 MATLAB";

  // Recognises tells whether `file` is a MATLAB file of version 5 or 7.3.
  static bool Recognises(const RecordingFile& file) {
    const MatVersion version = MatVersionOf(file.bytes);
    return version == MatVersion::k5 || version == MatVersion::k73;
  }

  // Read reads the struct ECG. A file with another variable is an error.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    const absl::StatusOr<MatMatrix> data = ParseMatField(file.bytes, "ECG", "data");
    if (!data.ok()) {
      return WithContext(data.status(),
                         "only a struct ECG with a field data, and files with a WFDB header beside them");
    }
    if (data->rows != kLeads || data->columns == 0) {
      return absl::InvalidArgumentError(absl::StrCat("ECG.data is ", data->rows, " x ", data->columns,
                                                     ", where a row for each of 12 leads is expected"));
    }
    Recording recording;
    recording.format = std::string(kName);
    if (const absl::StatusOr<MatMatrix> age = ParseMatField(file.bytes, "ECG", "age");
        age.ok() && age->values.size() == 1) {
      recording.age_years = AgeInYears(age->values[0], "");
    }
    Strip strip;
    strip.sampling_frequency_hz = 500;
    for (int lead = 0; lead < kLeads; ++lead) {
      Channel channel;
      channel.name = std::string(kLeadNames[lead]);
      for (int sample = 0; sample < data->columns; ++sample) {
        const double mv = data->at(lead, sample);
        channel.mv.push_back(std::isfinite(mv) ? static_cast<float>(mv) : std::numeric_limits<float>::quiet_NaN());
      }
      strip.channels.push_back(std::move(channel));
    }
    recording.strips.push_back(std::move(strip));
    return recording;
  }
};

static_assert(RecordingFormat<CpscMat>);

}  // namespace ecg

#endif  // ECG_SIGNAL_CPSC_MAT_H_

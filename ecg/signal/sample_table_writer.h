// sample_table_writer.h
//
// A strip as a table, which sample_table.h reads: a column of times, and one for each lead, with its unit.
//
//   ECG_ASSIGN_OR_RETURN(const std::string csv, FormatSampleTable(recording));
//   ECG_RETURN_IF_ERROR(WriteFile("patient.csv", csv));

#ifndef ECG_SIGNAL_SAMPLE_TABLE_WRITER_H_
#define ECG_SIGNAL_SAMPLE_TABLE_WRITER_H_

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/file/csv.h"
#include "ecg/signal/recording.h"

namespace ecg {

// FormatSampleTable returns the one strip of `recording` as CSV: amplitudes in mV with as few digits as tell them
// apart, and an empty cell for a missing sample. More strips are an error, because a table has one rate.
inline absl::StatusOr<std::string> FormatSampleTable(const Recording& recording) {
  if (recording.strips.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("a table holds one strip, and the recording has ", recording.strips.size()));
  }
  const Strip& strip = recording.strips[0];
  std::vector<std::string> names = {"time (s)"};
  for (const Channel& channel : strip.channels) names.push_back(absl::StrCat(channel.name, " (mV)"));
  std::string text;
  AppendCsvRow(names, &text);
  char digits[32];
  for (size_t i = 0; i < strip.samples(); ++i) {
    absl::StrAppendFormat(&text, "%.10g", static_cast<double>(i) / strip.sampling_frequency_hz);
    for (const Channel& channel : strip.channels) {
      text += ',';
      if (std::isnan(channel.mv[i])) continue;
      text.append(digits, std::to_chars(digits, digits + sizeof digits, channel.mv[i]).ptr);
    }
    text += '\n';
  }
  return text;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_SAMPLE_TABLE_WRITER_H_

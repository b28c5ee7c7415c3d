// recording_text.h
//
// What is in a recording, as text for people.
//
//   std::cout << DescribeRecording(recording);
//
//   format    GE MUSE XML 9.0.7
//   patient   male, 58 years
//   strip 1   rhythm, 10 s: 8 leads, 5,000 samples each, 500 Hz, steps of 4.88 uV
//     lead     least      most  mV
//     I       -0.224     1.215

#ifndef ECG_SIGNAL_RECORDING_TEXT_H_
#define ECG_SIGNAL_RECORDING_TEXT_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/twelve_leads.h"
#include "ecg/terminal/progress.h"

namespace ecg {

namespace recording_text_internal {

inline void AppendField(absl::string_view name, absl::string_view value, std::string* text) {
  if (!value.empty()) absl::StrAppendFormat(text, "%-10s%s\n", name, value);
}

// Steps returns "steps of 4.88 uV", or "steps of 2.5 to 4.88 uV"; nothing when the file has none.
inline std::string Steps(const Strip& strip) {
  double least = INFINITY, most = 0;
  for (const Channel& channel : strip.channels) {
    least = std::min(least, channel.step_mv);
    most = std::max(most, channel.step_mv);
  }
  if (most == 0) return "";
  if (most - least < 1e-9 * most) return absl::StrFormat(", steps of %.4g uV", most * 1000);
  return absl::StrFormat(", steps of %.4g to %.4g uV", least * 1000, most * 1000);
}

inline std::string Patient(const Recording& recording) {
  std::vector<std::string> words;
  if (!recording.sex.empty()) words.push_back(recording.sex);
  if (recording.age_years) {
    words.push_back(*recording.age_years < 2 ? absl::StrFormat("%.0f months", *recording.age_years * 12)
                                             : absl::StrFormat("%.4g years", *recording.age_years));
  }
  return absl::StrJoin(words, ", ");
}

inline void AppendStrip(const Strip& strip, size_t number, std::string* text) {
  const double seconds = static_cast<double>(strip.samples()) / strip.sampling_frequency_hz;
  const std::string duration = seconds < 120 ? absl::StrFormat("%.4g s", seconds) : Duration(seconds);
  AppendField(absl::StrCat("strip ", number),
              absl::StrCat(strip.kind == Strip::Kind::kRhythm ? "rhythm" : "representative beat", ", ", duration,
                           strip.start_seconds == 0 ? "" : absl::StrFormat(" from %.4g s", strip.start_seconds), ": ",
                           strip.channels.size(), strip.channels.size() == 1 ? " lead, " : " leads, ",
                           WithThousands(static_cast<int64_t>(strip.samples())),
                           strip.channels.size() == 1 ? " samples, " : " samples each, ",
                           absl::StrFormat("%.7g Hz", strip.sampling_frequency_hz), Steps(strip)),
              text);
  size_t width = 4;
  for (const Channel& channel : strip.channels) width = std::max(width, channel.name.size());
  absl::StrAppendFormat(text, "  %-*s %10s %10s  mV\n", static_cast<int>(width), "lead", "least", "most");
  for (const Channel& channel : strip.channels) {
    float least = INFINITY, most = -INFINITY;
    size_t missing = 0;
    for (const float mv : channel.mv) {
      missing += std::isnan(mv);
      least = std::min(least, std::isnan(mv) ? INFINITY : mv);
      most = std::max(most, std::isnan(mv) ? -INFINITY : mv);
    }
    absl::StrAppendFormat(text, "  %-*s ", static_cast<int>(width), channel.name);
    if (missing == channel.mv.size()) {
      absl::StrAppend(text, "all samples are missing");
    } else {
      absl::StrAppendFormat(text, "%10.3f %10.3f", least, most);
      if (missing > 0) absl::StrAppend(text, "  ", WithThousands(static_cast<int64_t>(missing)), " missing");
      if (least == most) absl::StrAppend(text, "  flat");
    }
    absl::StrAppend(text, channel.derived ? "  derived\n" : "\n");
  }
}

}  // namespace recording_text_internal

// DescribeRecording returns the fields and strips of `recording`, and whether twelve leads can be made of it. Each line
// ends in a line break.
inline std::string DescribeRecording(const Recording& recording) {
  using recording_text_internal::AppendField;
  std::string text;
  AppendField("format", recording.format, &text);
  AppendField("machine", recording.machine, &text);
  AppendField("recorded", absl::StrReplaceAll(recording.recorded_at, {{"T", " "}}), &text);
  AppendField("patient", recording_text_internal::Patient(recording), &text);
  AppendField("filters", recording.filters, &text);
  for (const std::string& note : recording.notes) AppendField("note", note, &text);
  for (size_t i = 0; i < recording.strips.size(); ++i) {
    recording_text_internal::AppendStrip(recording.strips[i], i + 1, &text);
  }
  const absl::StatusOr<TwelveLeads> twelve = MakeTwelveLeads(recording);
  if (!twelve.ok()) {
    AppendField("12 leads", absl::StrCat("no: ", std::string(twelve.status().message())), &text);
    return text;
  }
  AppendField("12 leads", twelve->derived.empty() ? "all are stored" : absl::StrJoin(twelve->derived, ", "), &text);
  if (twelve->derived.size() < 4 && twelve->warnings.empty()) {
    AppendField("", "the stored limb leads agree with Einthoven's and Goldberger's equations", &text);
  }
  for (const std::string& note : twelve->notes) AppendField("", note, &text);
  for (const std::string& warning : twelve->warnings) AppendField("warning", warning, &text);
  return text;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_RECORDING_TEXT_H_

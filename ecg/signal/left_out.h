// left_out.h
//
// What a copy of a recording in another format does not hold any more, in words.
//
//   ECG_RETURN_IF_ERROR(WriteRecording(recording, "patient.csv"));
//   ECG_ASSIGN_OR_RETURN(const Recording copy, ReadRecording("patient.csv"));
//   LeftOut(recording, copy);   // {"the patient's age", "the machine", "3 annotations"}
//
// It compares what is read back, so it needs to know no format. Samples are not compared: a writer that cannot hold
// them fails.

#ifndef ECG_SIGNAL_LEFT_OUT_H_
#define ECG_SIGNAL_LEFT_OUT_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"

namespace ecg {

// LeftOut returns what `original` has and `copy` has not.
inline std::vector<std::string> LeftOut(const Recording& original, const Recording& copy) {
  std::vector<std::string> left_out;
  const auto check = [&](bool is_in_original, bool is_in_copy, absl::string_view what) {
    if (is_in_original && !is_in_copy) left_out.emplace_back(what);
  };
  check(!original.recorded_at.empty(), !copy.recorded_at.empty(), "the time");
  check(original.age_years.has_value(), copy.age_years.has_value(), "the patient's age");
  check(!original.sex.empty(), !copy.sex.empty(), "the patient's sex");
  check(!original.machine.empty(), !copy.machine.empty(), "the machine");
  check(!original.filters.empty(), !copy.filters.empty(), "the filters");
  const auto count = [&](size_t in_original, size_t in_copy, absl::string_view what) {
    if (in_copy >= in_original) return;
    const size_t lost = in_original - in_copy;
    left_out.push_back(absl::StrCat(lost, " ", what, lost == 1 ? "" : "s"));
  };
  const auto beats = [](const Recording& recording) {
    return static_cast<size_t>(std::ranges::count(recording.strips, Strip::Kind::kRepresentativeBeat, &Strip::kind));
  };
  count(beats(original), beats(copy), "representative beat");
  count(original.annotations.size(), copy.annotations.size(), "annotation");
  return left_out;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_LEFT_OUT_H_

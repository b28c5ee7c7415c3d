// lead.h
//
// The twelve standard leads, in the one order that is used everywhere: I, II, III, aVR, aVL, aVF, V1 to V6. A source
// that stores another order is converted by name when it is read:
//
//   std::optional<int> lead = FindLead("AVR");  // 3

#ifndef ECG_SIGNAL_LEAD_H_
#define ECG_SIGNAL_LEAD_H_

#include <array>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace ecg {

// kLeads is how many leads a standard electrocardiogram has.
inline constexpr int kLeads = 12;

// kLeadNames holds the leads' names, in order.
inline constexpr std::array<absl::string_view, kLeads> kLeadNames = {"I",  "II", "III", "aVR", "aVL", "aVF",
                                                                     "V1", "V2", "V3",  "V4",  "V5",  "V6"};

// FindLead returns the position of the lead called `name`, in upper or lower case, or nothing when it is none of the
// twelve.
inline std::optional<int> FindLead(absl::string_view name) {
  for (int lead = 0; lead < kLeads; ++lead) {
    if (absl::EqualsIgnoreCase(name, kLeadNames[lead])) return lead;
  }
  return std::nullopt;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_LEAD_H_

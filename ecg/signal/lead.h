// lead.h
//
// The twelve standard leads, in the one order that is used everywhere: I, II, III, aVR, aVL, aVF, V1 to V6. A source
// that stores another order is converted by name when it is read:
//
//   std::optional<int> lead = FindLead("AVR");                // 3
//   std::optional<int> lead = FindLead("MDC_ECG_LEAD_AVR");   // 3

#ifndef ECG_SIGNAL_LEAD_H_
#define ECG_SIGNAL_LEAD_H_

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace ecg {

// kLeads is how many leads a standard electrocardiogram has.
inline constexpr int kLeads = 12;

// kLeadNames holds the leads' names, in order.
inline constexpr std::array<absl::string_view, kLeads> kLeadNames = {"I",  "II", "III", "aVR", "aVL", "aVF",
                                                                     "V1", "V2", "V3",  "V4",  "V5",  "V6"};

// FindPlainLead returns the position of the lead that is called just `name`, in upper or lower case, or nothing when it
// is none of the twelve.
inline std::optional<int> FindPlainLead(absl::string_view name) {
  for (int lead = 0; lead < kLeads; ++lead) {
    if (absl::EqualsIgnoreCase(name, kLeadNames[lead])) return lead;
  }
  return std::nullopt;
}

namespace lead_internal {

// StripWord cuts a word that says no more than that a lead follows off the front of `name`, and what separates the two.
inline bool StripWord(absl::string_view* name) {
  // The words of converters ("ECG Lead II", "EKG_V1"), and of ISO/IEEE 11073-10101 (MDC_ECG_LEAD_I, and
  // MDC_ECG_ELEC_POTL_I in its first edition).
  for (const absl::string_view word : {"ECG", "EKG", "LEAD", "MDC", "ELEC", "POTL"}) {
    if (!absl::StartsWithIgnoreCase(*name, word)) continue;
    name->remove_prefix(word.size());
    // A hyphen is a separator in "ECG-aVR", but a minus in "ECG -aVR", which is another lead.
    if (absl::ConsumePrefix(name, "-")) return true;
    name->remove_prefix(std::min(name->find_first_not_of(" \t_:."), name->size()));
    return true;
  }
  return false;
}

}  // namespace lead_internal

// FindLead returns the position of the lead called `name`, or nothing when it is none of the twelve. Besides the plain
// name, it knows the ones with words such as "ECG" or "Lead" in front, those of ISO/IEEE 11073 (MDC_ECG_LEAD_I), and
// DI, DII and DIII, as the limb leads are called in Latin countries.
inline std::optional<int> FindLead(absl::string_view name) {
  name = absl::StripAsciiWhitespace(name);
  while (lead_internal::StripWord(&name)) {
  }
  if (absl::EndsWithIgnoreCase(name, "(Einthoven)")) {  // what DICOM calls the limb leads
    name = absl::StripTrailingAsciiWhitespace(name.substr(0, name.rfind('(')));
  }
  if (absl::EqualsIgnoreCase(name, "DI") || absl::EqualsIgnoreCase(name, "DII") ||
      absl::EqualsIgnoreCase(name, "DIII")) {
    name.remove_prefix(1);
  }
  return FindPlainLead(name);
}

// LeadName returns the standard spelling of the lead called `name`, or `name` when it is none of the twelve.
inline std::string LeadName(absl::string_view name) {
  const std::optional<int> lead = FindLead(name);
  return std::string(lead ? kLeadNames[*lead] : name);
}

}  // namespace ecg

#endif  // ECG_SIGNAL_LEAD_H_

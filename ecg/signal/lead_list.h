// lead_list.h
//
// Names of leads in a sentence, as short as people say them.
//
//   const int missing[] = {1, 6, 7, 8, 9, 10, 11};
//   LeadList(missing);  // "II, V1 to V6"

#ifndef ECG_SIGNAL_LEAD_LIST_H_
#define ECG_SIGNAL_LEAD_LIST_H_

#include <cstddef>
#include <span>
#include <string>

#include "absl/strings/str_cat.h"
#include "ecg/signal/lead.h"

namespace ecg {

// LeadList returns the names of `leads`, places in kLeadNames in ascending order. Three or more chest leads that follow
// each other are a range, and so are all twelve.
inline std::string LeadList(std::span<const int> leads) {
  if (leads.size() == static_cast<size_t>(kLeads)) return "I to V6";
  constexpr int kFirstChestLead = 6;
  std::string list;
  for (size_t i = 0; i < leads.size(); ++i) {
    size_t last = i;
    while (leads[i] >= kFirstChestLead && last + 1 < leads.size() && leads[last + 1] == leads[last] + 1) ++last;
    if (last < i + 2) last = i;
    absl::StrAppend(&list, list.empty() ? "" : ", ", kLeadNames[leads[i]]);
    if (last > i) absl::StrAppend(&list, " to ", kLeadNames[leads[last]]);
    i = last;
  }
  return list;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_LEAD_LIST_H_

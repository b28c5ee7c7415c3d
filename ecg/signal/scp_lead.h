// scp_lead.h
//
// The numbers that SCP-ECG (EN 1064, ISO 11073-91064) gives to leads. DICOM's codes for leads (CID 3001: "2:61" of MDC,
// "5.6.3-9-61" of SCPECG) and MFER's contain the same numbers.
//
//   ScpLeadName(61);  // "III"

#ifndef ECG_SIGNAL_SCP_LEAD_H_
#define ECG_SIGNAL_SCP_LEAD_H_

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ecg {

// kScpLeadNames holds the names of the leads 0 to 134; a d stands for a lead that was derived from others.
inline constexpr std::array<absl::string_view, 135> kScpLeadNames = {
    "",     "I",    "II",    "V1",    "V2",     "V3",  "V4",  "V5",   "V6",   "V7",   "V2R",  "V3R",  "V4R",  "V5R",
    "V6R",  "V7R",  "X",     "Y",     "Z",      "CC5", "CM5", "LA",   "RA",   "LL",   "fI",   "fE",   "fC",   "fA",
    "fM",   "fF",   "fH",    "dI",    "dII",    "dV1", "dV2", "dV3",  "dV4",  "dV5",  "dV6",  "dV7",  "dV2R", "dV3R",
    "dV4R", "dV5R", "dV6R",  "dV7R",  "dX",     "dY",  "dZ",  "dCC5", "dCM5", "dLA",  "dRA",  "dLL",  "dfI",  "dfE",
    "dfC",  "dfA",  "dfM",   "dfF",   "dfH",    "III", "aVR", "aVL",  "aVF",  "-aVR", "V8",   "V9",   "V8R",  "V9R",
    "D",    "A",    "J",     "Defib", "Extern", "A1",  "A2",  "A3",   "A4",   "dV8",  "dV9",  "dV8R", "dV9R", "dD",
    "dA",   "dJ",   "Chest", "V",     "VR",     "VL",  "VF",  "MCL",  "MCL1", "MCL2", "MCL3", "MCL4", "MCL5", "MCL6",
    "CC",   "CC1",  "CC2",   "CC3",   "CC4",    "CC6", "CC7", "CM",   "CM1",  "CM2",  "CM3",  "CM4",  "CM6",  "dIII",
    "daVR", "daVL", "daVF",  "-daVR", "dChest", "dV",  "dVR", "dVL",  "dVF",  "CM7",  "CH5",  "CS5",  "CB5",  "CR5",
    "ML",   "AB1",  "AB2",   "AB3",   "AB4",    "ES",  "AS",  "AI",   "S"};

// ScpLeadName returns the name of the lead with a number, or nothing when the number says nothing about it.
inline std::optional<std::string> ScpLeadName(size_t number) {
  if (number == 0 || number >= kScpLeadNames.size()) return std::nullopt;
  return std::string(kScpLeadNames[number]);
}

}  // namespace ecg

#endif  // ECG_SIGNAL_SCP_LEAD_H_

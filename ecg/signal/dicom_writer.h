// dicom_writer.h
//
// Writing a recording as a DICOM waveform (PS3.3 A.34), explicit VR, little endian.
//
//   ECG_RETURN_IF_ERROR(WriteDicom(recording, "patient.dcm"));
//
// The object is a 12-lead ECG where the leads are of the standard twelve and the strips are no longer than it allows,
// an ambulatory ECG for longer strips of up to 12 leads, and else a general ECG. Each strip is a multiplex group.
// Samples keep the recording's own steps where those fit 16 bits, and are rounded to a step otherwise; missing ones are
// the padding value. UIDs are made of a digest of the content, so the same recording gives the same file. Patient's
// name and number, which a Recording does not have, are empty.

#ifndef ECG_SIGNAL_DICOM_WRITER_H_
#define ECG_SIGNAL_DICOM_WRITER_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "ecg/signal/channel_steps.h"
#include "ecg/signal/dicom_dataset.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/scp_lead.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace dicom_writer_internal {

constexpr absl::string_view kExplicitLittleEndian = "1.2.840.10008.1.2.1";

template <typename Number>
void Append(Number number, std::string* bytes) {
  for (size_t i = 0; i < sizeof(Number); ++i)
    bytes->push_back(static_cast<char>(static_cast<uint64_t>(number) >> (8 * i)));
}

// Element returns an element; a value of odd length is filled up.
inline std::string Element(uint32_t tag, absl::string_view vr, std::string value) {
  if (value.size() % 2 != 0) value += vr == "UI" || vr == "OB" ? '\0' : ' ';
  std::string bytes;
  Append<uint16_t>(tag >> 16, &bytes);
  Append<uint16_t>(tag & 0xFFFF, &bytes);
  absl::StrAppend(&bytes, vr);
  if (vr == "SQ" || vr == "OW" || vr == "OB") {
    Append<uint16_t>(0, &bytes);
    Append<uint32_t>(value.size(), &bytes);
  } else {
    Append<uint16_t>(value.size(), &bytes);
  }
  return bytes + value;
}

template <typename Number>
std::string NumberElement(uint32_t tag, absl::string_view vr, Number number) {
  std::string value;
  Append(number, &value);
  return Element(tag, vr, value);
}

inline std::string Sequence(uint32_t tag, const std::vector<std::string>& items) {
  std::string value;
  for (const std::string& item : items) {
    Append<uint16_t>(0xFFFE, &value);
    Append<uint16_t>(0xE000, &value);
    Append<uint32_t>(item.size(), &value);
    value += item;
  }
  return Element(tag, "SQ", value);
}

// Decimal returns a number in the 16 characters of a decimal string.
inline std::string Decimal(double number) {
  for (int digits = 15; digits > 1; --digits) {
    const std::string text = absl::StrFormat("%.*g", digits, number);
    if (text.size() <= 16) return text;
  }
  return "0";
}

// ShortText returns a text without what separates values, at most `most` bytes long.
inline std::string ShortText(absl::string_view text, size_t most) {
  std::string result = absl::StrReplaceAll(text, {{"\\", "/"}});
  for (char& c : result) c = absl::ascii_iscntrl(c) ? ' ' : c;
  return result.substr(0, most);
}

inline std::string Code(absl::string_view value, absl::string_view scheme, absl::string_view meaning) {
  return Element(DicomTag(0x0008, 0x0100), "SH", std::string(value)) +
         Element(DicomTag(0x0008, 0x0102), "SH", std::string(scheme)) +
         Element(DicomTag(0x0008, 0x0104), "LO", std::string(meaning));
}

// SourceCode returns the code of a lead (CID 3001), or a private one.
inline std::string SourceCode(const std::string& name) {
  for (size_t i = 1; i < kScpLeadNames.size(); ++i) {
    if (name == kScpLeadNames[i]) return Code(absl::StrCat("2:", i), "MDC", absl::StrCat("Lead ", name));
  }
  return Code(ShortText(name, 16), "99ECG", ShortText(name, 64));
}

inline std::string ChannelItem(const Recording& recording, const Channel& channel, double mv_per_step) {
  std::string item = Element(DicomTag(0x003A, 0x0203), "SH", ShortText(channel.name, 16)) +
                     Sequence(DicomTag(0x003A, 0x0208), {SourceCode(channel.name)}) +
                     Element(DicomTag(0x003A, 0x0210), "DS", Decimal(mv_per_step * 1000)) +
                     Sequence(DicomTag(0x003A, 0x0211), {Code("uV", "UCUM", "microvolt")}) +
                     Element(DicomTag(0x003A, 0x0212), "DS", "1") + Element(DicomTag(0x003A, 0x0213), "DS", "0") +
                     Element(DicomTag(0x003A, 0x0215), "DS", "0") +
                     NumberElement<uint16_t>(DicomTag(0x003A, 0x021A), "US", 16);
  for (const auto& [kind, element] : {std::pair("high-pass", 0x0220), {"low-pass", 0x0221}, {"notch", 0x0222}}) {
    const std::optional<double> hz = recording.FilterHz(kind);
    if (hz) item += Element(DicomTag(0x003A, element), "DS", Decimal(*hz));
  }
  return item;
}

inline absl::StatusOr<std::string> GroupItem(const Recording& recording, const Strip& strip) {
  std::vector<std::string> definitions;
  std::vector<std::vector<int16_t>> steps;
  for (const Channel& channel : strip.channels) {
    ECG_ASSIGN_OR_RETURN(double mv_per_step, StepFor(channel));
    mv_per_step = std::strtod(Decimal(mv_per_step * 1000).c_str(), nullptr) / 1000;
    definitions.push_back(ChannelItem(recording, channel, mv_per_step));
    steps.push_back(ToSteps(channel, mv_per_step));
  }
  std::string data;
  data.reserve(2 * strip.samples() * steps.size());
  for (size_t i = 0; i < strip.samples(); ++i) {
    for (const std::vector<int16_t>& channel : steps) Append(channel[i], &data);
  }
  const bool is_rhythm = strip.kind == Strip::Kind::kRhythm;
  std::string padding;
  Append(kMissingStep, &padding);
  return Element(DicomTag(0x0018, 0x1068), "DS", Decimal(strip.start_seconds * 1000)) +
         Element(DicomTag(0x003A, 0x0004), "CS", is_rhythm ? "ORIGINAL" : "DERIVED") +
         NumberElement<uint16_t>(DicomTag(0x003A, 0x0005), "US", strip.channels.size()) +
         NumberElement<uint32_t>(DicomTag(0x003A, 0x0010), "UL", strip.samples()) +
         Element(DicomTag(0x003A, 0x001A), "DS", Decimal(strip.sampling_frequency_hz)) +
         Element(DicomTag(0x003A, 0x0020), "SH", is_rhythm ? "RHYTHM" : "MEDIAN BEAT") +
         Sequence(DicomTag(0x003A, 0x0200), definitions) + NumberElement<uint16_t>(DicomTag(0x5400, 0x1004), "US", 16) +
         Element(DicomTag(0x5400, 0x1006), "CS", "SS") + Element(DicomTag(0x5400, 0x100A), "OW", padding) +
         Element(DicomTag(0x5400, 0x1010), "OW", data);
}

// StorageClass returns the UID of the class that holds the strips.
inline std::string StorageClass(const Recording& recording) {
  constexpr size_t kMostSamples = 16384, kMostGroups = 5, kMostLeads = 13;
  bool is_standard = recording.strips.size() <= kMostGroups, is_short = true, is_narrow = true;
  for (const Strip& strip : recording.strips) {
    is_short = is_short && strip.samples() <= kMostSamples;
    is_narrow = is_narrow && strip.channels.size() < kMostLeads;
    const double hz = strip.sampling_frequency_hz;
    is_standard = is_standard && hz >= 200 && hz <= 1000;
    for (const Channel& channel : strip.channels) is_standard = is_standard && FindPlainLead(channel.name);
  }
  const char* number = is_standard && is_short && is_narrow ? "1" : is_narrow && !is_short ? "3" : "2";
  return absl::StrCat("1.2.840.10008.5.1.4.1.1.9.1.", number);
}

// Uid returns a UID that is made of a digest (PS3.5 B.2).
inline std::string Uid(absl::string_view of) {
  Sha256 digest;
  digest.Update(of);
  unsigned __int128 number = 0;
  for (const char c : digest.Hex().substr(0, 32)) number = number * 16 + (c <= '9' ? c - '0' : c - 'a' + 10);
  std::string digits;
  for (; number > 0; number /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(number % 10)));
  return absl::StrCat("2.25.", digits.empty() ? "0" : digits);
}

// Moment is recorded_at in DICOM's form.
struct Moment {
  std::string date, time;
};

inline Moment ParseMoment(const std::string& recorded_at) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  const int found =
      std::sscanf(recorded_at.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &year, &month, &day, &hour, &minute, &second);
  Moment moment;
  if (found >= 3) moment.date = absl::StrFormat("%04d%02d%02d", year, month, day);
  if (found != 6 || !(second >= 0) || !(second < 60)) return moment;
  moment.time = absl::StrFormat("%02d%02d%02d", hour, minute, static_cast<int>(second));
  const int microseconds = static_cast<int>(std::lround((second - std::floor(second)) * 1e6));
  if (microseconds > 0 && microseconds < 1'000'000) absl::StrAppendFormat(&moment.time, ".%06d", microseconds);
  return moment;
}

inline std::string Age(const std::optional<double>& years) {
  if (!years || !(*years >= 0) || *years >= 1000) return "";
  if (*years >= 2 || *years == std::floor(*years)) return absl::StrFormat("%03dY", static_cast<int>(*years));
  return absl::StrFormat("%03dM", static_cast<int>(std::lround(*years * 12)));
}

// Format returns the content of a file, made step by step.
inline absl::StatusOr<std::string> Format(const Recording& recording) {
  std::vector<std::string> groups;
  for (const Strip& strip : recording.strips) {
    if (strip.samples() == 0) continue;
    constexpr size_t kMostBytes = 0xFFFFFFF0;
    if (strip.samples() > kMostBytes / 2 / strip.channels.size()) {
      return absl::InvalidArgumentError("a strip has more samples than DICOM can hold");
    }
    ECG_ASSIGN_OR_RETURN(std::string group, GroupItem(recording, strip));
    groups.push_back(std::move(group));
  }
  if (groups.empty()) return absl::InvalidArgumentError("the recording has no samples");
  const std::string storage_class = StorageClass(recording);
  const std::string waveforms = Sequence(DicomTag(0x5400, 0x0100), groups);
  const std::string content = absl::StrCat(recording.recorded_at, recording.machine, waveforms);
  const std::string instance = Uid(content);
  const Moment moment = ParseMoment(recording.recorded_at);
  const std::string sex = recording.sex == "male" ? "M" : recording.sex == "female" ? "F" : "";
  const std::string head = Element(DicomTag(0x0002, 0x0001), "OB", std::string("\0\1", 2)) +
                           Element(DicomTag(0x0002, 0x0002), "UI", storage_class) +
                           Element(DicomTag(0x0002, 0x0003), "UI", instance) +
                           Element(kDicomTransferSyntaxUid, "UI", std::string(kExplicitLittleEndian)) +
                           Element(DicomTag(0x0002, 0x0012), "UI", Uid("ecg dicom_writer.h"));
  return std::string(128, '\0') + "DICM" + NumberElement<uint32_t>(DicomTag(0x0002, 0x0000), "UL", head.size()) + head +
         Element(DicomTag(0x0008, 0x0005), "CS", "ISO_IR 192") + Element(kDicomSopClassUid, "UI", storage_class) +
         Element(DicomTag(0x0008, 0x0018), "UI", instance) + Element(DicomTag(0x0008, 0x0020), "DA", moment.date) +
         Element(DicomTag(0x0008, 0x0023), "DA", moment.date) +
         Element(DicomTag(0x0008, 0x002A), "DT", moment.date + moment.time) +
         Element(DicomTag(0x0008, 0x0030), "TM", moment.time) + Element(DicomTag(0x0008, 0x0033), "TM", moment.time) +
         Element(DicomTag(0x0008, 0x0050), "SH", "") + Element(DicomTag(0x0008, 0x0060), "CS", "ECG") +
         Element(DicomTag(0x0008, 0x0070), "LO", ShortText(recording.machine, 64)) +
         Element(DicomTag(0x0008, 0x0090), "PN", "") + Element(DicomTag(0x0010, 0x0010), "PN", "") +
         Element(DicomTag(0x0010, 0x0020), "LO", "") + Element(DicomTag(0x0010, 0x0030), "DA", "") +
         Element(DicomTag(0x0010, 0x0040), "CS", sex) +
         Element(DicomTag(0x0010, 0x1010), "AS", Age(recording.age_years)) +
         Element(DicomTag(0x0020, 0x000D), "UI", Uid("study " + content)) +
         Element(DicomTag(0x0020, 0x000E), "UI", Uid("series " + content)) +
         Element(DicomTag(0x0020, 0x0010), "SH", "") + Element(DicomTag(0x0020, 0x0011), "IS", "1") +
         Element(DicomTag(0x0020, 0x0013), "IS", "1") + Element(DicomTag(0x0040, 0x0555), "SQ", "") + waveforms;
}

}  // namespace dicom_writer_internal

// FormatDicom returns `recording` as the content of a DICOM file. A recording without samples is an error.
inline absl::StatusOr<std::string> FormatDicom(const Recording& recording) {
  return dicom_writer_internal::Format(recording);
}

// WriteDicom writes `recording` to `path` as a DICOM waveform.
inline absl::Status WriteDicom(const Recording& recording, const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string bytes, FormatDicom(recording));
  return WriteFile(path, bytes);
}

}  // namespace ecg

#endif  // ECG_SIGNAL_DICOM_WRITER_H_

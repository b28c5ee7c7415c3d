// recording_fields.h
//
// The fields of a Recording, from the words that files have for them.
//
//   recording.sex = SexFromWord("F");                                     // "female"
//   recording.age_years = AgeInYears(18, "MONTHS");                       // 1.5
//   recording.recorded_at = IsoTime(IsoDate(2008, 7, 10), "16:54:57");    // "2008-07-10T16:54:57"
//   AddFilter("high-pass", "0.05 Hz", &recording.filters);

#ifndef ECG_SIGNAL_RECORDING_FIELDS_H_
#define ECG_SIGNAL_RECORDING_FIELDS_H_

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"

namespace ecg {

// SexFromWord returns "male" or "female" for a word that means it, in upper or lower case, and nothing for any other.
inline std::string SexFromWord(absl::string_view word) {
  word = absl::StripAsciiWhitespace(word);
  for (const absl::string_view male : {"m", "male", "man", "boy"}) {
    if (absl::EqualsIgnoreCase(word, male)) return "male";
  }
  for (const absl::string_view female : {"f", "female", "w", "woman", "girl"}) {
    if (absl::EqualsIgnoreCase(word, female)) return "female";
  }
  return "";
}

// AgeInYears returns an age given in `unit`, such as "YEARS", "months", "d" or UCUM's "a", "mo", "wk"; years when it is
// empty. Nothing when the unit is not known, or the age is none that a person has.
inline std::optional<double> AgeInYears(double age, absl::string_view unit) {
  static constexpr std::pair<absl::string_view, double> kYears[] = {{"", 1.0},
                                                                    {"a", 1.0},
                                                                    {"y", 1.0},
                                                                    {"year", 1.0},
                                                                    {"years", 1.0},
                                                                    {"yr", 1.0},
                                                                    {"yrs", 1.0},
                                                                    {"mo", 1 / 12.0},
                                                                    {"month", 1 / 12.0},
                                                                    {"months", 1 / 12.0},
                                                                    {"wk", 7 / 365.25},
                                                                    {"week", 7 / 365.25},
                                                                    {"weeks", 7 / 365.25},
                                                                    {"d", 1 / 365.25},
                                                                    {"day", 1 / 365.25},
                                                                    {"days", 1 / 365.25},
                                                                    {"h", 1 / 8766.0},
                                                                    {"hour", 1 / 8766.0},
                                                                    {"hours", 1 / 8766.0}};
  for (const auto& [name, years] : kYears) {
    if (!absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(unit), name)) continue;
    if (age >= 0 && age * years <= 150) return age * years;
  }
  return std::nullopt;
}

// IsoDate returns "2008-07-10"; nothing for what is no date.
inline std::string IsoDate(int year, int month, int day) {
  const bool valid = year >= 1800 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
  return valid ? absl::StrFormat("%04d-%02d-%02d", year, month, day) : "";
}

// IsoDate returns the date in "20080710", "2008-07-10", "2008/07/10" or what begins so; nothing for any other text.
inline std::string IsoDate(absl::string_view text) {
  std::string digits;
  for (const char c : absl::StripAsciiWhitespace(text)) {
    if (absl::ascii_isdigit(c)) digits += c;
    if (digits.size() == 8 || (!absl::ascii_isdigit(c) && c != '-' && c != '/' && c != '.')) break;
  }
  int year = 0, month = 0, day = 0;
  if (digits.size() != 8 || !absl::SimpleAtoi(digits.substr(0, 4), &year) ||
      !absl::SimpleAtoi(digits.substr(4, 2), &month) || !absl::SimpleAtoi(digits.substr(6), &day)) {
    return "";
  }
  return IsoDate(year, month, day);
}

// IsoTime returns `iso_date` with the time that is the first six digits of `time`, "16:54:57" or "165457"; without a
// time when there is none, and nothing without a date.
inline std::string IsoTime(const std::string& iso_date, absl::string_view time) {
  std::string digits;
  for (const char c : time) {
    if (absl::ascii_isdigit(c) && digits.size() < 6) digits += c;
  }
  if (digits.size() == 4) digits += "00";
  if (iso_date.empty() || digits.size() != 6 || digits.substr(0, 2) > "24" || digits[2] > '5' || digits[4] > '6') {
    return iso_date;
  }
  return absl::StrCat(iso_date, "T", digits.substr(0, 2), ":", digits.substr(2, 2), ":", digits.substr(4));
}

// IsoTimestamp returns the date and time of "20080710165457.250", HL7's spelling, or of ISO 8601.
inline std::string IsoTimestamp(absl::string_view text) {
  const std::string date = IsoDate(text);
  if (date.empty()) return "";
  size_t behind = 0;
  for (int digits = 0; digits < 8; ++behind) digits += absl::ascii_isdigit(text[behind]);
  return IsoTime(date, text.substr(behind));
}

// AgeAt returns the whole years from `birth` to `date`, both begun by an ISO date; nothing when either is none.
inline std::optional<double> AgeAt(absl::string_view birth, absl::string_view date) {
  int birth_year = 0, year = 0;
  if (birth.size() < 10 || date.size() < 10 || !absl::SimpleAtoi(birth.substr(0, 4), &birth_year) ||
      !absl::SimpleAtoi(date.substr(0, 4), &year)) {
    return std::nullopt;
  }
  const int age = year - birth_year - (date.substr(5, 5) < birth.substr(5, 5) ? 1 : 0);
  return age >= 0 && age <= 150 ? std::optional<double>(age) : std::nullopt;
}

// AddFilter adds a filter to the words in `filters`, unless its `value` is empty.
inline void AddFilter(absl::string_view kind, absl::string_view value, std::string* filters) {
  if (value.empty()) return;
  absl::StrAppend(filters, filters->empty() ? "" : ", ", kind, " ", value);
}

// MakeChannel returns the channel called `name` of the digital samples `digital`, each of which stands for
// (digital - baseline) * step_mv. `missing` is the sample that stands for none, where the format has one.
template <typename Samples>
Channel MakeChannel(absl::string_view name, const Samples& digital, double step_mv, double baseline = 0,
                    double missing = std::numeric_limits<double>::quiet_NaN()) {
  Channel channel = {.name = LeadName(name), .mv = {}, .step_mv = std::abs(step_mv), .derived = false};
  channel.mv.reserve(digital.size());
  for (const auto sample : digital) {
    const double value = static_cast<double>(sample);
    channel.mv.push_back(value == missing ? std::numeric_limits<float>::quiet_NaN()
                                          : static_cast<float>((value - baseline) * step_mv));
  }
  return channel;
}

// PadChannels makes all channels of `strip` as long as the longest, with NaN at the end, and notes which were shorter.
inline void PadChannels(Strip* strip, std::vector<std::string>* notes) {
  std::vector<size_t> stored;
  for (const Channel& channel : strip->channels) stored.push_back(channel.mv.size());
  strip->PadChannels();
  for (size_t i = 0; i < stored.size(); ++i) {
    if (stored[i] == strip->samples()) continue;
    notes->push_back(
        absl::StrCat("lead ", strip->channels[i].name, " has only ", stored[i], " of ", strip->samples(), " samples"));
  }
}

}  // namespace ecg

#endif  // ECG_SIGNAL_RECORDING_FIELDS_H_

// unit.h
//
// The units that amplitudes are given in, in the spellings that files have.
//
//   ECG_ASSIGN_OR_RETURN(const double units_per_mv, UnitsPerMv("µV"));  // 1000

#ifndef ECG_SIGNAL_UNIT_H_
#define ECG_SIGNAL_UNIT_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"

namespace ecg {

// UnitsPerMv returns how many of `unit` one mV is. Upper and lower case are the same ("MV" is what programs make of mV
// that write capitals; nobody records megavolts), and the sign of micro may be u, U+00B5, U+03BC, or the byte that
// stands for it in Latin-1 or in DOS's code pages. Any other unit is an error.
inline absl::StatusOr<double> UnitsPerMv(absl::string_view unit) {
  static constexpr std::pair<absl::string_view, double> kUnitsPerMv[] = {
      {"v", 0.001}, {"volt", 0.001},      {"volts", 0.001},  {"mv", 1},         {"millivolt", 1}, {"millivolts", 1},
      {"mvolt", 1}, {"mvolts", 1},        {"uv", 1000},      {"uvolt", 1000},   {"uvolts", 1000}, {"microvolt", 1000},
      {"nv", 1e6},  {"microvolts", 1000}, {"nanovolt", 1e6}, {"nanovolts", 1e6}};
  std::string plain = absl::AsciiStrToLower(absl::StripAsciiWhitespace(unit));
  // The two-byte signs first: their second byte is another code page's sign.
  plain = absl::StrReplaceAll(plain,
                              {{"\xC2\xB5", "u"}, {"\xCE\xBC", "u"}, {"\xE3\x8E\xB6", "uv"}, {"\xE3\x8E\xB7", "mv"}});
  plain = absl::StrReplaceAll(plain, {{"\xB5", "u"}, {"\xE6", "u"}});
  for (const auto& [name, units_per_mv] : kUnitsPerMv) {
    if (plain == name) return units_per_mv;
  }
  return absl::UnimplementedError(
      absl::StrCat("the unit \"", unit, "\" is not supported; the supported ones are V, mV, uV and nV"));
}

}  // namespace ecg

#endif  // ECG_SIGNAL_UNIT_H_

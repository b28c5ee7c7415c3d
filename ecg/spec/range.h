// range.h
//
// The numbers that a field accepts, as its (range) option in the .proto gives them, and in words.
//
//   spec::Range range;   // of a field with [(range) = { above: 0, max: 10 }]
//   range.set_above(0);
//   range.set_max(10);
//   RangeInWords(range);   // "above 0 and at most 10"

#ifndef ECG_SPEC_RANGE_H_
#define ECG_SPEC_RANGE_H_

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "proto/options.pb.h"

namespace ecg {

// NumberInWords writes `number` with the fewest digits that read back as the same number; with an exponent only where
// it is very large or very small.
inline std::string NumberInWords(double number) {
  const double size = std::abs(number);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e15);
  char digits[32];
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, number, format).ptr);
}

// InRange says whether `range` accepts `number`. It never accepts NaN.
inline bool InRange(const spec::Range& range, double number) {
  if (range.has_zero() && number == 0) return true;
  if (range.values_size() > 0) return std::ranges::count(range.values(), number) > 0;
  return number == number && !(range.has_min() && number < range.min()) && !(range.has_max() && number > range.max()) &&
         !(range.has_above() && number <= range.above()) && !(range.has_below() && number >= range.below()) &&
         !(range.odd() && std::abs(std::fmod(number, 2)) != 1);
}

// RangeInWords says which numbers `range` accepts, such as "at least 1 and at most 5"; "" when it accepts all.
inline std::string RangeInWords(const spec::Range& range) {
  std::vector<std::string> bounds;
  if (range.values_size() > 0) return absl::StrJoin(range.values(), " or ");
  if (range.has_min()) bounds.push_back(absl::StrCat("at least ", NumberInWords(range.min())));
  if (range.has_above()) bounds.push_back(absl::StrCat("above ", NumberInWords(range.above())));
  if (range.has_max()) bounds.push_back(absl::StrCat("at most ", NumberInWords(range.max())));
  if (range.has_below()) bounds.push_back(absl::StrCat("below ", NumberInWords(range.below())));
  if (range.odd()) bounds.push_back("odd");
  return absl::StrCat(absl::StrJoin(bounds, " and "), range.has_zero() ? absl::StrCat(", or ", range.zero()) : "");
}

}  // namespace ecg

#endif  // ECG_SPEC_RANGE_H_

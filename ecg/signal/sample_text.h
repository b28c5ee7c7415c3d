// sample_text.h
//
// Samples as text files hold them: numbers with commas or space between them, and 16-bit integers in base64; and text
// in UTF-16, as UTF-8.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<double> digits, ParseSamples("3,2,-1,NaN"));
//   ECG_ASSIGN_OR_RETURN(const std::vector<int16_t> samples, Base64Samples("/////wEA"));

#ifndef ECG_SIGNAL_SAMPLE_TEXT_H_
#define ECG_SIGNAL_SAMPLE_TEXT_H_

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// ParseSample parses the one number that `text` is; "NaN" is one. An infinite number is an error.
inline absl::StatusOr<double> ParseSample(absl::string_view text) {
  double number = 0;
  absl::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc() && end == digits.data() + digits.size() && !std::isinf(number)) return number;
  return absl::DataLossError(absl::StrCat("\"", text.substr(0, 40), "\" is not a number"));
}

// ParseSamples returns the numbers in `text`, with commas, semicolons or space between them. What is no number is an
// error that says which one.
inline absl::StatusOr<std::vector<double>> ParseSamples(absl::string_view text) {
  constexpr absl::string_view kSeparators = " \t\r\n,;";
  std::vector<double> samples;
  size_t begin = text.find_first_not_of(kSeparators);
  while (begin != text.npos) {
    const size_t end = std::min(text.find_first_of(kSeparators, begin), text.size());
    const absl::StatusOr<double> sample = ParseSample(text.substr(begin, end - begin));
    if (!sample.ok()) return WithContext(sample.status(), absl::StrCat("sample ", samples.size()));
    samples.push_back(*sample);
    begin = text.find_first_not_of(kSeparators, end);
  }
  return samples;
}

// Utf8Text returns the text `bytes` in UTF-8, without a byte order mark, which tells UTF-16.
inline std::string Utf8Text(absl::string_view bytes) {
  if (absl::ConsumePrefix(&bytes, "\xEF\xBB\xBF")) return std::string(bytes);
  const bool big_endian = absl::StartsWith(bytes, "\xFE\xFF");
  if (!big_endian && !absl::StartsWith(bytes, "\xFF\xFE")) return std::string(bytes);
  std::string text;
  for (size_t i = 2; i + 1 < bytes.size(); i += 2) {
    const auto byte = [&](size_t at) { return static_cast<unsigned>(static_cast<uint8_t>(bytes[at])); };
    const unsigned unit = big_endian ? byte(i) << 8 | byte(i + 1) : byte(i + 1) << 8 | byte(i);
    if (unit < 0x80) {
      text += static_cast<char>(unit);
    } else if (unit < 0x800) {
      text += {static_cast<char>(0xC0 | unit >> 6), static_cast<char>(0x80 | (unit & 0x3F))};
    } else if (unit < 0xD800 || unit >= 0xE000) {
      text += {static_cast<char>(0xE0 | unit >> 12), static_cast<char>(0x80 | (unit >> 6 & 0x3F)),
               static_cast<char>(0x80 | (unit & 0x3F))};
    } else {
      text += '?';  // half of a character beyond the basic plane, such as an emoji
    }
  }
  return text;
}

// Base64Bytes returns the bytes that `text` is in base64, in as many lines as it may be.
inline absl::StatusOr<std::string> Base64Bytes(absl::string_view text) {
  std::string bytes;
  if (absl::Base64Unescape(text, &bytes)) return bytes;
  return absl::DataLossError(absl::StrCat("the ", text.size(), " characters of samples are not base64"));
}

// LittleEndianSamples returns the 16-bit samples that `bytes` hold, low byte first.
inline absl::StatusOr<std::vector<int16_t>> LittleEndianSamples(absl::string_view bytes) {
  if (bytes.size() % 2 != 0) {
    return absl::DataLossError(absl::StrCat(bytes.size(), " bytes are no whole number of 16-bit samples"));
  }
  std::vector<int16_t> samples(bytes.size() / 2);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<int16_t>(static_cast<uint8_t>(bytes[2 * i]) | static_cast<uint8_t>(bytes[2 * i + 1]) << 8);
  }
  return samples;
}

// Base64Samples returns the 16-bit samples that `text` is in base64, low byte first.
inline absl::StatusOr<std::vector<int16_t>> Base64Samples(absl::string_view text) {
  ECG_ASSIGN_OR_RETURN(const std::string bytes, Base64Bytes(text));
  return LittleEndianSamples(bytes);
}

}  // namespace ecg

#endif  // ECG_SIGNAL_SAMPLE_TEXT_H_

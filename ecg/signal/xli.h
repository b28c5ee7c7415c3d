// xli.h
//
// XLI, the compression of samples in Philips' Sierra XML.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<std::vector<int32_t>> channels, DecompressXli(bytes, 5500));
//
// Each channel is a chunk: its size in bytes (32 bits), a number that is always 1 (16 bits) and a first difference (16
// bits), all low byte first, then LZW with codes of 10 bits, high bit first. The decompressed bytes are the high bytes
// of all samples, then the low bytes; the first two samples are values, all others second differences, biased by 64.
//
// Source: the wiki and the readers of https://github.com/sixlettervariables/sierra-ecg-tools.

#ifndef ECG_SIGNAL_XLI_H_
#define ECG_SIGNAL_XLI_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace xli_internal {

// DecompressLzw returns what `bytes` stand for: codes of 10 bits, high bit first, up to the code 1023 or the end. More
// than `most` bytes, and a code that no encoder writes, are errors.
inline absl::StatusOr<std::string> DecompressLzw(absl::string_view bytes, size_t most) {
  constexpr int kCodeBits = 10;
  constexpr uint32_t kEndCode = (1 << kCodeBits) - 1;
  // The text of a code is that of the code before, and one more byte. It was put out once, at `begin`.
  struct Text {
    size_t begin = 0;
    size_t size = 0;
  };
  std::vector<Text> texts;  // of the codes from 256
  std::string out;
  Text previous;
  uint32_t buffer = 0;
  int bits = 0;
  for (const char byte : bytes) {
    buffer = buffer << 8 | static_cast<uint8_t>(byte);
    bits += 8;
    if (bits < kCodeBits) continue;
    bits -= kCodeBits;
    const uint32_t code = buffer >> bits & kEndCode;
    if (code == kEndCode) break;
    const Text here = {.begin = out.size(), .size = 1};
    if (256 + texts.size() < kEndCode && previous.size > 0) {
      texts.push_back({.begin = previous.begin, .size = previous.size + 1});  // its last byte is the one put out next
    }
    if (code < 256) {
      out += static_cast<char>(code);
      previous = here;
      continue;
    }
    if (code - 256 >= texts.size()) {
      return absl::DataLossError(absl::StrCat("the code ", code, " comes before code ", 256 + texts.size()));
    }
    const Text text = texts[code - 256];
    if (out.size() + text.size > most)
      return absl::DataLossError(absl::StrCat("more than ", most, " bytes of samples"));
    // Byte by byte: the newest text ends in the first byte that is put out here.
    for (size_t i = 0; i < text.size; ++i) out += out[text.begin + i];
    previous = {.begin = here.begin, .size = text.size};
  }
  return out;
}

// Integrate returns the samples whose high and low bytes `planes` are, and whose first difference is `difference`.
inline absl::StatusOr<std::vector<int32_t>> Integrate(absl::string_view planes, int64_t difference) {
  constexpr int64_t kBias = 64;
  const size_t samples = (planes.size() + 1) / 2;
  std::vector<int32_t> values(samples);
  int64_t before = 0, last = 0;
  for (size_t i = 0; i < samples; ++i) {
    const uint8_t high = static_cast<uint8_t>(planes[i]);
    const uint8_t low = samples + i < planes.size() ? static_cast<uint8_t>(planes[samples + i]) : 0;
    const int16_t stored = static_cast<int16_t>(high << 8 | low);
    int64_t value = stored;
    if (i >= 2) {
      value = 2 * last - before - difference;
      difference = stored - kBias;
    }
    if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
      return absl::DataLossError(absl::StrCat("sample ", i, " is ", value, ", more than any recorder writes"));
    }
    values[i] = static_cast<int32_t>(value);
    before = last;
    last = value;
  }
  return values;
}

}  // namespace xli_internal

// DecompressXli returns the samples of all channels in `bytes`, at most `most_samples` of each. A chunk that is cut
// short is an error that names the channel, from 1.
inline absl::StatusOr<std::vector<std::vector<int32_t>>> DecompressXli(absl::string_view bytes, size_t most_samples) {
  constexpr size_t kHeadBytes = 8;
  constexpr size_t kMostChannels = 256;
  std::vector<std::vector<int32_t>> channels;
  while (bytes.find_first_not_of('\0') != bytes.npos) {  // zeros at the end are padding
    const std::string name = absl::StrCat("XLI channel ", channels.size() + 1);
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])); };
    if (bytes.size() < kHeadBytes) return absl::DataLossError(absl::StrCat(name, ": the head is cut short"));
    const uint32_t size = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    const int16_t difference = static_cast<int16_t>(byte(6) | byte(7) << 8);
    bytes.remove_prefix(kHeadBytes);
    if (size > bytes.size() || channels.size() == kMostChannels) {
      return absl::DataLossError(absl::StrCat(name, ": ", size, " bytes expected, ", bytes.size(), " found"));
    }
    // An encoder may pad its last code, which makes a few bytes more.
    const absl::StatusOr<std::string> planes =
        xli_internal::DecompressLzw(bytes.substr(0, size), 2 * most_samples + 1024);
    if (!planes.ok()) return WithContext(planes.status(), name);
    absl::StatusOr<std::vector<int32_t>> samples = xli_internal::Integrate(*planes, difference);
    if (!samples.ok()) return WithContext(samples.status(), name);
    channels.push_back(*std::move(samples));
    bytes.remove_prefix(size);
  }
  return channels;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_XLI_H_

// npy.h
//
// NumPy's array files: a short header, then the elements. Only version 1.0 in C order is supported.
//
//   std::string file = FormatNpyHeader("<i2", {500, 12, 5000});   // then append the samples
//   ECG_ASSIGN_OR_RETURN(const NpyHeader header, ParseNpyHeader(file));
//
// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

#ifndef ECG_FILE_NPY_H_
#define ECG_FILE_NPY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// NpyHeader is the header before the elements.
struct NpyHeader {
  // dtype is NumPy's name of the element type: byte order, kind, bytes. "<i2" is a little-endian int16, "<f4" a float.
  std::string dtype;
  // shape is the size of each dimension; the last one is contiguous.
  std::vector<int64_t> shape;
  // bytes is the length of the header itself: the elements start there.
  size_t bytes = 0;
};

// FormatNpyHeader returns the header of an array of `shape`. Its length is a multiple of 64, so that mapped elements
// are aligned.
inline std::string FormatNpyHeader(absl::string_view dtype, const std::vector<int64_t>& shape) {
  std::string dictionary = absl::StrCat("{'descr': '", dtype, "', 'fortran_order': False, 'shape': (",
                                        absl::StrJoin(shape, ", "), shape.size() == 1 ? "," : "", "), }");
  constexpr size_t kPrefix = 10;
  const size_t bytes = (kPrefix + dictionary.size() + 1 + 63) / 64 * 64;
  dictionary.resize(bytes - kPrefix - 1, ' ');
  dictionary += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(dictionary.size() & 0xff);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

// ParseNpyHeader reads the header at the start of `file`; the elements may follow.
inline absl::StatusOr<NpyHeader> ParseNpyHeader(absl::string_view file) {
  if (file.size() < 10 || file.substr(0, 6) != absl::string_view("\x93NUMPY", 6)) {
    return absl::InvalidArgumentError("not a NumPy array: the file does not start with \\x93NUMPY");
  }
  const int major = static_cast<uint8_t>(file[6]);
  const int minor = static_cast<uint8_t>(file[7]);
  if (major != 1 || minor != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("NumPy format version ", major, ".", minor, "; only 1.0 is supported"));
  }
  NpyHeader header;
  const size_t length = static_cast<uint8_t>(file[8]) | static_cast<uint8_t>(file[9]) << 8;
  header.bytes = 10 + length;
  if (file.size() < header.bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("NumPy header of ", header.bytes, " bytes in a file of ", file.size(), " bytes: it is truncated"));
  }
  const absl::string_view dictionary = file.substr(10, length);
  // The text between `before` and the next `after`.
  const auto between = [&](absl::string_view before, absl::string_view after) -> absl::StatusOr<absl::string_view> {
    const size_t start = dictionary.find(before);
    const size_t end = start == dictionary.npos ? start : dictionary.find(after, start + before.size());
    if (end == dictionary.npos) {
      return absl::InvalidArgumentError(absl::StrCat("NumPy header without ", before, "...", after, ": \"",
                                                     absl::CEscape(absl::StripAsciiWhitespace(dictionary)), "\""));
    }
    return dictionary.substr(start + before.size(), end - start - before.size());
  };
  ECG_ASSIGN_OR_RETURN(const absl::string_view dtype, between("'descr': '", "'"));
  header.dtype = std::string(dtype);
  ECG_ASSIGN_OR_RETURN(const absl::string_view fortran_order, between("'fortran_order': ", ","));
  if (fortran_order != "False") {
    return absl::InvalidArgumentError("NumPy array in Fortran order; only C order is supported");
  }
  ECG_ASSIGN_OR_RETURN(const absl::string_view shape, between("'shape': (", ")"));
  for (absl::string_view size : absl::StrSplit(shape, ',', absl::SkipWhitespace())) {
    if (!absl::SimpleAtoi(size, &header.shape.emplace_back()) || header.shape.back() < 0) {
      return absl::InvalidArgumentError(absl::StrCat("NumPy header with the shape (", absl::CEscape(shape), ")"));
    }
  }
  return header;
}

}  // namespace ecg

#endif  // ECG_FILE_NPY_H_

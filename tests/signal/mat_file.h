// mat_file.h
//
// The bytes of MATLAB files, piece by piece, for tests: also those that no writer would write.

#ifndef ECG_TESTS_SIGNAL_MAT_FILE_H_
#define ECG_TESTS_SIGNAL_MAT_FILE_H_

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace ecg {

// MatBytes builds files in one byte order.
class MatBytes {
 public:
  explicit MatBytes(bool big_endian = false) : big_endian_(big_endian) {}

  // Raw returns the bytes of a number.
  template <typename Number>
  std::string Raw(Number number) const {
    std::string bytes(sizeof number, '\0');
    std::memcpy(bytes.data(), &number, sizeof number);
    if (big_endian_) std::reverse(bytes.begin(), bytes.end());
    return bytes;
  }

  // Raw returns the bytes of numbers, one after the other.
  template <typename Number>
  std::string Raw(const std::vector<Number>& numbers) const {
    std::string bytes;
    for (const Number number : numbers) bytes += Raw(number);
    return bytes;
  }

  // Element returns an element of version 5 with its tag and padding.
  std::string Element(uint32_t type, std::string data) const {
    const std::string tag = Raw(type) + Raw(static_cast<uint32_t>(data.size()));
    data.resize((data.size() + 7) / 8 * 8);
    return tag + data;
  }

  // Head returns what all arrays begin with.
  std::string Head(uint32_t array_class, const std::vector<int32_t>& dims, const std::string& name) const {
    return absl::StrCat(Element(6, Raw(array_class) + Raw(uint32_t{0})), Element(5, Raw(dims)), Element(1, name));
  }

  // Matrix returns a matrix of numbers: array class 6 and type 9 are double, 10 and 3 are 16-bit integers.
  std::string Matrix(uint32_t array_class, uint32_t type, const std::vector<int32_t>& dims, const std::string& name,
                     const std::string& numbers) const {
    return Element(14, Head(array_class, dims, name) + Element(type, numbers));
  }

  // Structure returns one structure; each field is a name of up to 7 bytes, and a matrix without a name.
  std::string Structure(const std::string& name, const std::vector<std::pair<std::string, std::string>>& fields) const {
    std::string names, matrices;
    for (const auto& [field, matrix] : fields) {
      names += field + std::string(8 - field.size(), '\0');
      matrices += matrix;
    }
    // The length of the names is a small element, as MATLAB writes it: four bytes of data in the tag.
    const std::string length = Raw(uint32_t{4u << 16 | 5}) + Raw(int32_t{8});
    return Element(14, absl::StrCat(Head(2, {1, 1}, name), length, Element(1, names), matrices));
  }

  // Compress returns `element` as a compressed element.
  std::string Compress(const std::string& element) const {
    uLongf size = compressBound(element.size());
    std::string data(size, '\0');
    compress(reinterpret_cast<Bytef*>(data.data()), &size, reinterpret_cast<const Bytef*>(element.data()),
             element.size());
    data.resize(size);
    return Raw(uint32_t{15}) + Raw(static_cast<uint32_t>(size)) + data;
  }

  // File5 returns a file of version 5 with these elements.
  std::string File5(const std::string& elements) const {
    std::string header = "MATLAB 5.0 MAT-file, for tests";
    header.resize(124, ' ');
    return absl::StrCat(header, Raw(uint16_t{0x0100}), big_endian_ ? "MI" : "IM", elements);
  }

  // Matrix4 returns a matrix of a version 4 file; `type` is 0 for double, 3 for 16-bit integers.
  std::string Matrix4(int32_t type, int32_t rows, int32_t columns, const std::string& name,
                      const std::string& numbers) const {
    const std::vector<int32_t> head = {(big_endian_ ? 1000 : 0) + 10 * type, rows, columns, 0,
                                       static_cast<int32_t>(name.size() + 1)};
    return absl::StrCat(Raw(head), name, std::string(1, '\0'), numbers);
  }

 private:
  const bool big_endian_;
};

}  // namespace ecg

#endif  // ECG_TESTS_SIGNAL_MAT_FILE_H_

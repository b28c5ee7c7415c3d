// byte_reader.h
//
// Reading the numbers of a binary file one after the other, without a step beyond its end.
//
//   ByteReader reader("\x01\x02\x03\x04\x05\x06");
//   const uint16_t interval = reader.Read<uint16_t>();
//   const absl::string_view samples = reader.Take(4);
//   if (!reader.ok()) return absl::DataLossError("the file is cut short");
//
// A read beyond the end gives 0, and the reader is not ok() from then on. So a header is read without a test for each
// of its fields, and then tested once.

#ifndef ECG_FILE_BYTE_READER_H_
#define ECG_FILE_BYTE_READER_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"

namespace ecg {

// LoadNumber returns the number that is stored at `bytes` in the byte order `order`.
template <typename Number>
Number LoadNumber(const char* bytes, std::endian order) {
  std::array<char, sizeof(Number)> raw;
  std::memcpy(raw.data(), bytes, sizeof(Number));
  if (order != std::endian::native) std::reverse(raw.begin(), raw.end());
  return std::bit_cast<Number>(raw);
}

// ByteReader reads from the front of some bytes.
class ByteReader {
 public:
  explicit ByteReader(absl::string_view bytes, std::endian order = std::endian::little)
      : bytes_(bytes), order_(order) {}

  // Read returns the next number, or 0 when fewer bytes are left.
  template <typename Number>
  Number Read() {
    const absl::string_view raw = Take(sizeof(Number));
    return raw.size() == sizeof(Number) ? LoadNumber<Number>(raw.data(), order_) : Number{};
  }

  // Take returns the next `count` bytes, or none when fewer are left.
  absl::string_view Take(size_t count) {
    if (count > left()) {
      position_ = bytes_.size();
      ok_ = false;
      return {};
    }
    position_ += count;
    return bytes_.substr(position_ - count, count);
  }

  // Rest returns all bytes that are left.
  absl::string_view Rest() { return Take(left()); }

  // ok tells whether all that was read was there.
  bool ok() const { return ok_; }
  // left returns how many bytes are left.
  size_t left() const { return bytes_.size() - position_; }
  // position returns how many bytes have been read.
  size_t position() const { return position_; }

 private:
  absl::string_view bytes_;
  std::endian order_;
  size_t position_ = 0;
  bool ok_ = true;
};

// FixedText returns the text in a field of fixed size: what stands before the first NUL, without spaces around it and
// without control characters.
inline std::string FixedText(absl::string_view field) {
  std::string text(field.substr(0, field.find('\0')));
  text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return absl::ascii_iscntrl(c); }), text.end());
  absl::StripAsciiWhitespace(&text);
  return text;
}

}  // namespace ecg

#endif  // ECG_FILE_BYTE_READER_H_

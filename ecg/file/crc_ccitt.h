// crc_ccitt.h
//
// The checksum of SCP-ECG and ISHNE files: CRC-16 with the polynomial 0x1021, from 0xFFFF, most significant bit first.
//
//   CrcCcitt("123456789");  // 0x29B1

#ifndef ECG_FILE_CRC_CCITT_H_
#define ECG_FILE_CRC_CCITT_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace ecg {

// CrcCcitt returns the checksum of `bytes`.
inline uint16_t CrcCcitt(absl::string_view bytes) {
  static constexpr std::array<uint16_t, 256> kTable = [] {
    std::array<uint16_t, 256> table{};
    for (int byte = 0; byte < 256; ++byte) {
      uint32_t value = byte << 8;
      for (int bit = 0; bit < 8; ++bit) value = (value << 1) ^ ((value & 0x8000) != 0 ? 0x1021 : 0);
      table[byte] = static_cast<uint16_t>(value);
    }
    return table;
  }();
  uint16_t crc = 0xFFFF;
  for (const char byte : bytes) {
    crc = static_cast<uint16_t>(crc << 8) ^ kTable[(crc >> 8) ^ static_cast<uint8_t>(byte)];
  }
  return crc;
}

}  // namespace ecg

#endif  // ECG_FILE_CRC_CCITT_H_

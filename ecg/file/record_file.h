// record_file.h
//
// Files of records, one behind the other, as TensorFlow and TensorBoard read them ("TFRecord"). A record is
//
//   uint64  length of the payload, little-endian
//   uint32  masked CRC-32C of these eight bytes
//   bytes   payload
//   uint32  masked CRC-32C of the payload
//
// Such a file grows while it is read: each record is written at once, and after a crash all but the last are whole.
//
//   ECG_ASSIGN_OR_RETURN(RecordWriter writer, RecordWriter::Create("events.out.tfevents.0001"));
//   ECG_RETURN_IF_ERROR(writer.Append("payload"));
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("events.out.tfevents.0001"));
//   for (const absl::string_view payload : ParseRecords(bytes).payloads) std::cout << payload;

#ifndef ECG_FILE_RECORD_FILE_H_
#define ECG_FILE_RECORD_FILE_H_

#include <fcntl.h>
#include <isa-l/crc.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"

namespace ecg {

// MaskedCrc32c returns the CRC-32C (Castagnoli) of `bytes`, rotated right by 15 bits plus a constant: a checksum of
// data that hold checksums themselves would be weak. Source: "tensorflow/core/lib/hash/crc32c.h".
inline uint32_t MaskedCrc32c(absl::string_view bytes) {
  // The library takes bytes that it does not change as mutable, and at most 2 GB of them at once.
  uint32_t crc = ~uint32_t{0};
  while (!bytes.empty()) {
    const absl::string_view piece = bytes.substr(0, size_t{1} << 30);
    crc = crc32_iscsi(reinterpret_cast<unsigned char*>(const_cast<char*>(piece.data())), static_cast<int>(piece.size()),
                      crc);
    bytes.remove_prefix(piece.size());
  }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

namespace record_file_internal {

inline constexpr size_t kHeaderBytes = 12, kFooterBytes = 4;

template <typename Integer>
std::string LittleEndian(Integer value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof value; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

template <typename Integer>
Integer FromLittleEndian(absl::string_view bytes) {
  Integer value = 0;
  for (size_t i = 0; i < sizeof value; ++i) value |= Integer{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return value;
}

}  // namespace record_file_internal

// RecordOf returns the record with `payload`.
inline std::string RecordOf(absl::string_view payload) {
  using record_file_internal::LittleEndian;
  const std::string length = LittleEndian(uint64_t{payload.size()});
  return absl::StrCat(length, LittleEndian(MaskedCrc32c(length)), payload, LittleEndian(MaskedCrc32c(payload)));
}

// ParsedRecords is what a file of records holds.
struct ParsedRecords {
  // The payloads of the whole records from the start, which point into the bytes that were parsed.
  std::vector<absl::string_view> payloads;
  // Number of bytes of these records.
  size_t bytes = 0;
  // Why the records end there: OK at the end of the bytes, OutOfRangeError within a record, as after a crash or while
  // the file is being written, DataLossError where a checksum is wrong.
  absl::Status end;
};

// ParseRecords returns the records in `bytes`.
inline ParsedRecords ParseRecords(absl::string_view bytes) {
  using namespace record_file_internal;
  ParsedRecords result;
  while (result.bytes < bytes.size()) {
    const absl::string_view rest = bytes.substr(result.bytes);
    const auto ends = [&](absl::string_view expected) {
      return absl::OutOfRangeError(absl::StrCat("the record at byte ", result.bytes, " is cut off: expected ", expected,
                                                ", found ", rest.size(), " bytes"));
    };
    const auto is_wrong = [&](absl::string_view what) {
      return absl::DataLossError(
          absl::StrCat("the checksum of the ", what, " of the record at byte ", result.bytes, " is wrong"));
    };
    if (rest.size() < kHeaderBytes) {
      result.end = ends("a header of 12 bytes");
      break;
    }
    const uint64_t length = FromLittleEndian<uint64_t>(rest);
    if (FromLittleEndian<uint32_t>(rest.substr(8)) != MaskedCrc32c(rest.substr(0, 8))) {
      result.end = is_wrong("length");
      break;
    }
    if (length > rest.size() || rest.size() - length < kHeaderBytes + kFooterBytes) {
      result.end = ends(absl::StrCat("a payload of ", length, " bytes"));
      break;
    }
    const absl::string_view payload = rest.substr(kHeaderBytes, length);
    if (FromLittleEndian<uint32_t>(rest.substr(kHeaderBytes + length)) != MaskedCrc32c(payload)) {
      result.end = is_wrong("payload");
      break;
    }
    result.payloads.push_back(payload);
    result.bytes += kHeaderBytes + length + kFooterBytes;
  }
  return result;
}

// RecordWriter adds records to a file of its own. Others can read the file meanwhile.
class RecordWriter {
 public:
  // Create makes the file `path`, which must not be there.
  static absl::StatusOr<RecordWriter> Create(const std::filesystem::path& path) {
    RecordWriter writer;
    writer.path_ = path;
    writer.descriptor_ = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (writer.descriptor_ < 0) return ErrnoError("write", path);
    return writer;
  }

  RecordWriter(RecordWriter&& other) noexcept { *this = std::move(other); }
  RecordWriter& operator=(RecordWriter&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~RecordWriter() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  // Append writes the record with `payload`.
  absl::Status Append(absl::string_view payload) { return WriteAll(descriptor_, RecordOf(payload), path_); }

 private:
  RecordWriter() = default;

  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace ecg

#endif  // ECG_FILE_RECORD_FILE_H_

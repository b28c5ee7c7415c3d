// safetensors.h
//
// Named tensors in one file: the safetensors format (https://github.com/huggingface/safetensors), which other programs
// can read without executing code from it. Eight bytes of length, a JSON header, then the tensors' bytes.
//
//   ECG_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open("model.safetensors"));
//   const TensorBytes& weight = file.tensors().at("backbone.conv1.weight");

#ifndef ECG_FILE_SAFETENSORS_H_
#define ECG_FILE_SAFETENSORS_H_

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/file/mapped_file.h"
#include "nlohmann/json_fwd.hpp"

namespace ecg {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian, and copied as they are");

// TensorBytes is one tensor: its type as safetensors spells it ("F32", "F64", "I64", ...), its shape, and its elements
// in C order. The bytes are not owned.
struct TensorBytes {
  std::string dtype;
  std::vector<int64_t> shape;
  absl::string_view bytes;
};

// SafetensorsElementSize returns the bytes of one element of type `dtype`, or 0 when there is no such type.
int64_t SafetensorsElementSize(absl::string_view dtype);

// kMaxSafetensorsHeader is the most bytes that the format allows a header to have.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

// WriteSafetensors writes `tensors` and `metadata` to `path` atomically.
absl::Status WriteSafetensors(const std::filesystem::path& path, const std::map<std::string, TensorBytes>& tensors,
                              const std::map<std::string, std::string>& metadata = {});

// SafetensorsFile is an open file. Its tensors stay valid until it is destroyed.
class SafetensorsFile {
 public:
  // Open maps `path` and checks it by the format's rules: every tensor has the bytes that its type and shape ask for,
  // and together the tensors take all bytes behind the header, each once.
  static absl::StatusOr<SafetensorsFile> Open(const std::filesystem::path& path);

  const std::map<std::string, TensorBytes>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  absl::Status Parse();

  // A range of the bytes behind the header.
  struct Range {
    uint64_t begin = 0, end = 0;

    friend auto operator<=>(const Range&, const Range&) = default;
  };

  // ParseHeader reads the JSON object. An object that has a key twice is refused: readers would differ in which counts.
  static absl::StatusOr<nlohmann::json> ParseHeader(absl::string_view text);

  absl::Status ParseMetadata(const nlohmann::json& value);

  // ParseTensor reads the header's entry of one tensor, and returns its range in `data`.
  absl::StatusOr<Range> ParseTensor(const std::string& name, const nlohmann::json& entry, absl::string_view data);

  // ParseNumbers reads the list `key` of `entry`, and says whether it is one of whole numbers that fit an int64_t.
  static bool ParseNumbers(const nlohmann::json& entry, const char* key, std::vector<uint64_t>& numbers);

  // CheckNoGaps checks that the tensors take each of the `size` bytes behind the header once, as the format asks: bytes
  // that no tensor owns could hide something, and bytes that two own would be read twice.
  static absl::Status CheckNoGaps(std::vector<std::pair<Range, std::string>> ranges, uint64_t size);

  MappedFile file_;
  std::map<std::string, TensorBytes> tensors_;
  std::map<std::string, std::string> metadata_;

  static constexpr size_t kMaxDimensions = 64;  // as in PyTorch
};

}  // namespace ecg

#endif  // ECG_FILE_SAFETENSORS_H_

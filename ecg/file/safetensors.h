// safetensors.h
//
// Named tensors in one file: the safetensors format (https://github.com/huggingface/safetensors), which other programs
// read without running anything that it holds. Eight bytes of length, a JSON header, then the tensors' bytes.
//
//   ECG_ASSIGN_OR_RETURN(SafetensorsFile file, SafetensorsFile::Open(path));
//   const TensorBytes& weight = file.tensors().at("backbone.conv1.weight");

#ifndef ECG_FILE_SAFETENSORS_H_
#define ECG_FILE_SAFETENSORS_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/mapped_file.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian, and copied as they are");

// TensorBytes is one tensor: its type as safetensors spells it ("F32", "F64", "I64", ...), its shape, and its elements
// in C order. The bytes belong to someone else.
struct TensorBytes {
  std::string dtype;
  std::vector<int64_t> shape;
  absl::string_view bytes;
};

// SafetensorsElementSize returns the bytes of one element of type `dtype`, or 0 when there is no such type.
inline int64_t SafetensorsElementSize(absl::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

// WriteSafetensors writes `tensors` and the free text of `metadata` to `path`, whole or not at all.
inline absl::Status WriteSafetensors(const std::filesystem::path& path,
                                     const std::map<std::string, TensorBytes>& tensors,
                                     const std::map<std::string, std::string>& metadata = {}) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    if (name == "__metadata__") {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot write ", path.string(), ": no tensor can be named ", name));
    }
    header[name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception& error) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write ", path.string(), ": a name or the metadata is no UTF-8 text: ", error.what()));
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the tensors are aligned
  const uint64_t length = text.size();

  ECG_ASSIGN_OR_RETURN(FileWriter writer, FileWriter::Create(path));
  ECG_RETURN_IF_ERROR(writer.Append({reinterpret_cast<const char*>(&length), sizeof length}));
  ECG_RETURN_IF_ERROR(writer.Append(text));
  for (const auto& [name, tensor] : tensors) ECG_RETURN_IF_ERROR(writer.Append(tensor.bytes));
  return writer.Commit();
}

// SafetensorsFile is an open file. Its tensors stay valid until it is destroyed.
class SafetensorsFile {
 public:
  // Open maps `path` and checks that every tensor lies within the file and has the bytes that its shape asks for.
  static absl::StatusOr<SafetensorsFile> Open(const std::filesystem::path& path) {
    SafetensorsFile file;
    ECG_ASSIGN_OR_RETURN(file.file_, MappedFile::Open(path));
    if (absl::Status status = file.Parse(); !status.ok()) {
      return WithContext(status, absl::StrCat("cannot read ", path.string(), " as safetensors"));
    }
    return file;
  }

  const std::map<std::string, TensorBytes>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  absl::Status Parse() {
    const absl::string_view bytes = file_.bytes();
    uint64_t length = 0;
    if (bytes.size() < sizeof length) {
      return absl::DataLossError(absl::StrCat("expected at least 8 bytes, found ", bytes.size()));
    }
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > bytes.size() - sizeof length) {
      return absl::DataLossError(absl::StrCat("its header should be ", length, " bytes long, but the whole file has ",
                                              bytes.size(), "; it may be truncated, or of another format"));
    }
    const absl::string_view text = bytes.substr(sizeof length, length);
    const absl::string_view data = bytes.substr(sizeof length + length);
    const nlohmann::json header = nlohmann::json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
    if (!header.is_object()) return absl::DataLossError("its header is not a JSON object");

    // The library throws where a value has another type than is asked for.
    std::string name;
    try {
      for (const auto& item : header.items()) {
        name = item.key();
        if (name == "__metadata__") {
          metadata_ = item.value().get<std::map<std::string, std::string>>();
          continue;
        }
        TensorBytes tensor;
        tensor.dtype = item.value().at("dtype").get<std::string>();
        tensor.shape = item.value().at("shape").get<std::vector<int64_t>>();
        const auto [begin, end] = item.value().at("data_offsets").get<std::pair<uint64_t, uint64_t>>();
        if (begin > end || end > data.size()) {
          return absl::DataLossError(absl::StrCat("tensor ", name, " should lie at bytes ", begin, " to ", end, " of ",
                                                  data.size(), "; the file may be truncated"));
        }
        unsigned __int128 size = SafetensorsElementSize(tensor.dtype);
        if (size == 0) return absl::UnimplementedError(absl::StrCat("tensor ", name, " has the type ", tensor.dtype));
        for (const int64_t dimension : tensor.shape) {
          if (dimension < 0) return absl::DataLossError(absl::StrCat("tensor ", name, " has a negative dimension"));
          size *= dimension;
          if (size > data.size()) break;
        }
        if (size != end - begin) {
          return absl::DataLossError(absl::StrCat("tensor ", name, " of type ", tensor.dtype, " and shape [",
                                                  absl::StrJoin(tensor.shape, ", "), "] does not fit its ", end - begin,
                                                  " bytes"));
        }
        tensor.bytes = data.substr(begin, end - begin);
        tensors_.emplace(name, std::move(tensor));
      }
    } catch (const nlohmann::json::exception& error) {
      return absl::DataLossError(absl::StrCat("the header's entry ", name, " is malformed: ", error.what()));
    }
    return absl::OkStatus();
  }

  MappedFile file_;
  std::map<std::string, TensorBytes> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace ecg

#endif  // ECG_FILE_SAFETENSORS_H_

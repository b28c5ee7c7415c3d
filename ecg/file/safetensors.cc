#include "ecg/file/safetensors.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/mapped_file.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {

int64_t SafetensorsElementSize(absl::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "I8" || dtype == "U8" || dtype == "BOOL") return 1;
  return 0;
}

absl::Status WriteSafetensors(const std::filesystem::path& path, const std::map<std::string, TensorBytes>& tensors,
                              const std::map<std::string, std::string>& metadata) {
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
        absl::StrCat("cannot write ", path.string(), ": a name or the metadata is not UTF-8: ", error.what()));
  }
  text.append((8 - text.size() % 8) % 8, ' ');  // so that the tensors are aligned
  const uint64_t length = text.size();

  ECG_ASSIGN_OR_RETURN(FileWriter writer, FileWriter::Create(path));
  ECG_RETURN_IF_ERROR(writer.Append({reinterpret_cast<const char*>(&length), sizeof length}));
  ECG_RETURN_IF_ERROR(writer.Append(text));
  for (const auto& [name, tensor] : tensors) ECG_RETURN_IF_ERROR(writer.Append(tensor.bytes));
  return writer.Commit();
}

absl::StatusOr<SafetensorsFile> SafetensorsFile::Open(const std::filesystem::path& path) {
  SafetensorsFile file;
  ECG_ASSIGN_OR_RETURN(file.file_, MappedFile::Open(path));
  if (absl::Status status = file.Parse(); !status.ok()) {
    return WithContext(status, absl::StrCat("cannot read ", path.string(), " as safetensors"));
  }
  return file;
}

absl::Status SafetensorsFile::Parse() {
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
  if (length > kMaxSafetensorsHeader) {
    return absl::DataLossError(
        absl::StrCat("its header is ", length, " bytes long; the format allows at most ", kMaxSafetensorsHeader));
  }
  const absl::string_view text = bytes.substr(sizeof length, length);
  ECG_ASSIGN_OR_RETURN(const nlohmann::json header, ParseHeader(text));
  // The range of each tensor in the data, to check that together they cover all of it.
  std::vector<std::pair<Range, std::string>> ranges;
  for (const auto& item : header.items()) {
    if (item.key() == "__metadata__") {
      ECG_RETURN_IF_ERROR(ParseMetadata(item.value()));
      continue;
    }
    ECG_ASSIGN_OR_RETURN(const Range range,
                         ParseTensor(item.key(), item.value(), bytes.substr(sizeof length + length)));
    ranges.emplace_back(range, item.key());
  }
  return CheckNoGaps(std::move(ranges), bytes.size() - sizeof length - length);
}

absl::StatusOr<nlohmann::json> SafetensorsFile::ParseHeader(absl::string_view text) {
  // The format requires that the object begins at the first byte.
  if (!absl::StartsWith(text, "{")) return absl::DataLossError("its header does not begin with {");
  std::vector<std::set<std::string>> keys;  // of the objects that are open
  std::string duplicate;
  const auto watch = [&](int /*depth*/, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::object_start) keys.emplace_back();
    if (event == nlohmann::json::parse_event_t::object_end) keys.pop_back();
    if (event == nlohmann::json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      duplicate = parsed.get<std::string>();
    }
    return true;
  };
  const nlohmann::json header = nlohmann::json::parse(text.begin(), text.end(), watch, /*allow_exceptions=*/false);
  if (!header.is_object()) return absl::DataLossError("its header is not a JSON object");
  if (!duplicate.empty()) return absl::DataLossError(absl::StrCat("its header has the key ", duplicate, " twice"));
  return header;
}

absl::Status SafetensorsFile::ParseMetadata(const nlohmann::json& value) {
  const absl::Status malformed = absl::DataLossError("its header's __metadata__ is not an object of strings");
  if (!value.is_object()) return malformed;
  for (const auto& item : value.items()) {
    if (!item.value().is_string()) return malformed;
    metadata_.emplace(item.key(), item.value().get<std::string>());
  }
  return absl::OkStatus();
}

absl::StatusOr<SafetensorsFile::Range> SafetensorsFile::ParseTensor(const std::string& name,
                                                                    const nlohmann::json& entry,
                                                                    absl::string_view data) {
  const auto error = [&](const auto&... what) {
    return absl::DataLossError(absl::StrCat("tensor ", name, ": ", what...));
  };
  if (!entry.is_object() || !entry.contains("dtype") || !entry.at("dtype").is_string()) {
    return error("its entry in the header has no dtype that is a string");
  }
  std::vector<uint64_t> shape, offsets;
  if (!ParseNumbers(entry, "shape", shape) || shape.size() > kMaxDimensions) {
    return error("its shape is not a list of at most ", kMaxDimensions, " whole numbers from 0 to 2^63 - 1");
  }
  if (!ParseNumbers(entry, "data_offsets", offsets) || offsets.size() != 2) {
    return error("its data_offsets are not two whole numbers from 0 to 2^63 - 1");
  }
  const Range range = {offsets[0], offsets[1]};
  if (range.begin > range.end || range.end > data.size()) {
    return error("it should lie at bytes ", range.begin, " to ", range.end, " of ", data.size(),
                 "; the file may be truncated");
  }
  TensorBytes tensor = {.dtype = entry.at("dtype").get<std::string>(),
                        .shape = {shape.begin(), shape.end()},
                        .bytes = data.substr(range.begin, range.end - range.begin)};
  unsigned __int128 size = SafetensorsElementSize(tensor.dtype);
  if (size == 0) {
    return absl::UnimplementedError(
        absl::StrCat("tensor ", name, ": elements of type ", tensor.dtype, " are not supported; save it as F32"));
  }
  const bool is_empty = std::ranges::count(shape, 0) > 0;
  for (const uint64_t dimension : shape) {
    size *= is_empty ? 0 : dimension;
    if (size > data.size()) break;
  }
  if (size != tensor.bytes.size()) {
    return error("type ", tensor.dtype, " and shape [", absl::StrJoin(shape, ", "), "] do not fit its ",
                 tensor.bytes.size(), " bytes");
  }
  tensors_.emplace(name, std::move(tensor));
  return range;
}

bool SafetensorsFile::ParseNumbers(const nlohmann::json& entry, const char* key, std::vector<uint64_t>& numbers) {
  if (!entry.contains(key) || !entry.at(key).is_array()) return false;
  for (const nlohmann::json& number : entry.at(key)) {
    if (!number.is_number_unsigned()) return false;
    numbers.push_back(number.get<uint64_t>());
    if (numbers.back() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return false;
  }
  return true;
}

absl::Status SafetensorsFile::CheckNoGaps(std::vector<std::pair<Range, std::string>> ranges, uint64_t size) {
  std::ranges::sort(ranges);
  uint64_t end = 0;
  for (const auto& [range, name] : ranges) {
    if (range.begin > end) {
      return absl::DataLossError(absl::StrCat("bytes ", end, " to ", range.begin, " behind its header, before tensor ",
                                              name, ", belong to no tensor; the format allows no gaps"));
    }
    if (range.begin < end) {
      return absl::DataLossError(absl::StrCat("tensor ", name, " begins at byte ", range.begin,
                                              " behind the header, where another tensor still is, up to byte ", end,
                                              "; the format allows no overlaps"));
    }
    end = range.end;
  }
  if (end == size) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("its tensors end at byte ", end, " behind its header, but ", size - end,
                                          " more follow; the format allows none, and the file may be damaged"));
}

}  // namespace ecg

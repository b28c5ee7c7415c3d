// json_file.h
//
// Reading the files of reference figures.
//
//   ECG_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJson("metrics.json"));
//   const std::vector<double> probabilities = TableOf<double>(json.at(0).at("probabilities"));

#ifndef ECG_PARITY_JSON_FILE_H_
#define ECG_PARITY_JSON_FILE_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {

// ReadJson returns the JSON value in `path`.
inline absl::StatusOr<nlohmann::json> ReadJson(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat("cannot read ", path.string(), " as JSON: ", error.what()));
  }
}

// TableOf returns the numbers of a matrix in JSON, row by row.
template <typename Number>
std::vector<Number> TableOf(const nlohmann::json& rows) {
  std::vector<Number> numbers;
  for (const auto& row : rows) {
    for (const auto& number : row) numbers.push_back(number.get<Number>());
  }
  return numbers;
}

}  // namespace ecg

#endif  // ECG_PARITY_JSON_FILE_H_

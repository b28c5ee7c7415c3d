// predictions.h
//
// predictions.csv: a row for each record, with the target and the probability of each class by name. All other
// scores can be computed from it without the network.
//
//   ECG_ASSIGN_OR_RETURN(const PredictionTable table, ReadPredictions("runs/resnet18_all/1/predictions.csv"));

#ifndef ECG_RUN_PREDICTIONS_H_
#define ECG_RUN_PREDICTIONS_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// WritePredictions writes `targets` and `probabilities`, both [records, classes], to `path`. Its columns are record,
// then target_C and probability_C for each class C.
inline absl::Status WritePredictions(const std::filesystem::path& path, const std::vector<std::string>& records,
                                     const std::vector<std::string>& classes, std::span<const uint8_t> targets,
                                     std::span<const float> probabilities) {
  std::string text;
  std::vector<std::string> row = {"record"};
  for (const std::string& name : classes) {
    row.push_back(absl::StrCat("target_", name));
    row.push_back(absl::StrCat("probability_", name));
  }
  AppendCsvRow(row, &text);
  for (size_t record = 0; record < records.size(); ++record) {
    row = {records[record]};
    for (size_t k = record * classes.size(); k < (record + 1) * classes.size(); ++k) {
      row.push_back(absl::StrCat(targets[k]));
      row.push_back(absl::StrFormat("%.9g", probabilities[k]));  // as many digits as tell one float from the next
    }
    AppendCsvRow(row, &text);
  }
  return WriteFile(path, text);
}

// PredictionTable is the content of a predictions.csv.
struct PredictionTable {
  std::vector<std::string> records;  // their ids
  std::vector<std::string> classes;
  std::vector<uint8_t> targets;      // [records, classes]
  std::vector<float> probabilities;  // [records, classes]
};

// ReadPredictions reads what WritePredictions wrote.
inline absl::StatusOr<PredictionTable> ReadPredictions(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const CsvTable csv, CsvTable::Read(path));
  PredictionTable table;
  const std::vector<std::string>& header = csv.header();
  for (size_t column = 1; column + 1 < header.size(); column += 2) {
    absl::string_view name = header[column];
    if (!absl::ConsumePrefix(&name, "target_") || header[column + 1] != absl::StrCat("probability_", name)) break;
    table.classes.emplace_back(name);
  }
  if (header[0] != "record" || table.classes.empty() || header.size() != 1 + 2 * table.classes.size()) {
    return absl::DataLossError(absl::StrCat(path.string(), " does not have the columns of a predictions.csv: record, ",
                                            "then target_CLASS and probability_CLASS for each class"));
  }
  for (int row = 0; row < csv.rows(); ++row) {
    table.records.push_back(csv.at(row, 0));
    for (int column = 1; column < static_cast<int>(header.size()); column += 2) {
      const std::string& target = csv.at(row, column);
      if (target != "0" && target != "1") {
        return csv.ErrorAt(row, column, absl::StrCat("expected 0 or 1, found \"", target, "\""));
      }
      table.targets.push_back(target == "1");
      if (!absl::SimpleAtof(csv.at(row, column + 1), &table.probabilities.emplace_back())) {
        return csv.ErrorAt(row, column + 1, absl::StrCat("expected a number, found \"", csv.at(row, column + 1), "\""));
      }
    }
  }
  return table;
}

}  // namespace ecg

#endif  // ECG_RUN_PREDICTIONS_H_

// predictions.h
//
// predictions.csv: a row for each record, with the target and the probability of each class by name. Enough to compute
// any other figure without the network.

#ifndef ECG_REPORT_PREDICTIONS_H_
#define ECG_REPORT_PREDICTIONS_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"

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

}  // namespace ecg

#endif  // ECG_REPORT_PREDICTIONS_H_

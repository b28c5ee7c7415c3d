// history.h
//
// history.csv: one row per epoch.
//
//   const std::string csv = HistoryText(run::TrainingState());

#ifndef ECG_RUN_HISTORY_H_
#define ECG_RUN_HISTORY_H_

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "proto/run.pb.h"

namespace ecg {

// HistoryText returns a header and a row for each epoch of `state`, with a column for each metric of its validations.
inline std::string HistoryText(const run::TrainingState& state) {
  std::vector<std::string> row = {
      "epoch",   "train_loss",       "train_score",         "validation_loss", "validation_score",
      "seconds", "training_seconds", "loader_wait_seconds", "crops",           "learning_rate"};
  std::set<std::string> metrics;
  for (const run::Epoch& epoch : state.history()) {
    for (const auto& metric : epoch.validation_metrics()) metrics.insert(metric.first);
  }
  for (const std::string& name : metrics) row.push_back(absl::StrCat("validation_", name));
  std::string text;
  AppendCsvRow(row, &text);
  const auto number = [](bool present, double value) {
    return present ? absl::StrFormat("%.9g", value) : std::string();
  };
  for (const run::Epoch& epoch : state.history()) {
    row = {absl::StrCat(epoch.epoch()),
           number(true, epoch.train_loss()),
           number(epoch.has_train_score(), epoch.train_score()),
           number(epoch.has_validation_loss(), epoch.validation_loss()),
           number(epoch.has_validation_score(), epoch.validation_score()),
           number(true, epoch.seconds()),
           number(true, epoch.training_seconds()),
           number(true, epoch.loader_wait_seconds()),
           absl::StrCat(epoch.crops()),
           number(epoch.has_learning_rate(), epoch.learning_rate())};
    for (const std::string& name : metrics) {
      const auto found = epoch.validation_metrics().find(name);
      row.push_back(number(found != epoch.validation_metrics().end(),
                           found == epoch.validation_metrics().end() ? 0 : found->second));
    }
    AppendCsvRow(row, &text);
  }
  return text;
}

// HistoryFile is a callback of training, which writes the file anew after each epoch.
class HistoryFile {
 public:
  explicit HistoryFile(std::filesystem::path path) : path_(std::move(path)) {}

  template <typename TrainingProgress>
  absl::Status EndEpoch(const TrainingProgress& progress) {
    return WriteFile(path_, HistoryText(progress.state));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace ecg

#endif  // ECG_RUN_HISTORY_H_

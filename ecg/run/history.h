// history.h
//
// history.csv: a row for each epoch, written after each.
//
//   HistoryFile history("runs/resnet18_all/1/history.csv");
//   ECG_RETURN_IF_ERROR(history.EndEpoch(run::TrainingState()));

#ifndef ECG_RUN_HISTORY_H_
#define ECG_RUN_HISTORY_H_

#include <filesystem>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "proto/run.pb.h"

namespace ecg {

// HistoryFile is a callback of Trainer, which writes the file.
class HistoryFile {
 public:
  explicit HistoryFile(std::filesystem::path path) : path_(std::move(path)) {}

  absl::Status EndEpoch(const run::TrainingState& state) {
    std::string text;
    AppendCsvRow({"epoch", "train_loss", "train_score", "validation_loss", "validation_score", "seconds",
                  "training_seconds", "loader_wait_seconds", "crops"},
                 &text);
    const auto number = [](bool present, double value) {
      return present ? absl::StrFormat("%.9g", value) : std::string();
    };
    for (const run::Epoch& epoch : state.history()) {
      AppendCsvRow({absl::StrCat(epoch.epoch()), number(true, epoch.train_loss()), number(true, epoch.train_score()),
                    number(epoch.has_validation_loss(), epoch.validation_loss()),
                    number(epoch.has_validation_score(), epoch.validation_score()), number(true, epoch.seconds()),
                    number(true, epoch.training_seconds()), number(true, epoch.loader_wait_seconds()),
                    absl::StrCat(epoch.crops())},
                   &text);
    }
    return WriteFile(path_, text);
  }

 private:
  const std::filesystem::path path_;
};

}  // namespace ecg

#endif  // ECG_RUN_HISTORY_H_

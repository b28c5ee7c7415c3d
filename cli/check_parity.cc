// Compares this framework with results of the reference code, and prints a row for each comparison. Exits with 1 when
// one disagrees.
//
//   bazel run //cli:check_parity -- --models=models.json --training=training.json --metrics=metrics.json

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/device/threads.h"
#include "ecg/file/path.h"
#include "ecg/model/any_network.h"
#include "ecg/parity/metric_parity.h"
#include "ecg/parity/model_parity.h"
#include "ecg/parity/protocol_parity.h"
#include "ecg/parity/row.h"
#include "ecg/status/status_macros.h"

namespace {

struct Flags {
  std::string models, training, metrics, protocol, data_dir;
};

absl::StatusOr<std::vector<ecg::ParityRow>> Compare(const Flags& flags) {
  std::vector<ecg::ParityRow> rows;
  const auto add = [&rows](absl::StatusOr<std::vector<ecg::ParityRow>> more) -> absl::Status {
    if (!more.ok()) return more.status();
    rows.insert(rows.end(), more->begin(), more->end());
    return absl::OkStatus();
  };
  if (!flags.metrics.empty()) ECG_RETURN_IF_ERROR(add(ecg::CompareMetrics(ecg::UserPath(flags.metrics))));
  if (!flags.protocol.empty()) {
    ECG_RETURN_IF_ERROR(add(ecg::CompareProtocol(ecg::UserPath(flags.protocol), ecg::UserPath(flags.data_dir))));
  }
  if (!flags.models.empty()) ECG_RETURN_IF_ERROR(add(ecg::CompareModels(ecg::UserPath(flags.models), ecg::AnyNetwork)));
  if (!flags.training.empty())
    ECG_RETURN_IF_ERROR(add(ecg::CompareTraining(ecg::UserPath(flags.training), ecg::AnyNetwork)));
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Compares this framework with results of the reference code.");
  app.add_option("--models", flags.models, "Parameters, state, logits, loss and gradients of networks")
      ->type_name("FILE");
  app.add_option("--training", flags.training, "Five training steps")->type_name("FILE");
  app.add_option("--metrics", flags.metrics, "Scores of predictions")->type_name("FILE");
  CLI::Option* data_dir =
      app.add_option("--data_dir", flags.data_dir, "The PTB-XL folder for --protocol")->type_name("FOLDER");
  app.add_option("--protocol", flags.protocol, "Labels, splits, scaling and windows")
      ->type_name("FILE")
      ->needs(data_dir);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  if (argc == 1) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  }

  ecg::UseThreads(0);
  absl::StatusOr<std::vector<ecg::ParityRow>> rows;
  try {
    rows = Compare(flags);
  } catch (const std::exception& error) {
    rows = absl::InternalError(error.what());
  }
  if (!rows.ok()) return ecg::ExitStatus(rows.status());
  int differing = 0, skipped = 0;
  for (const ecg::ParityRow& row : *rows) {
    differing += row.differs();
    skipped += !row.skipped.empty();
  }
  std::printf("%s\n%zu comparisons, %d differ, %d skipped\n", ecg::ParityTable(*rows).c_str(), rows->size() - skipped,
              differing, skipped);
  return differing == 0 ? 0 : 1;
}

// What a trained model says of recordings, in any format:
//
//   bazel run //cli:predict -- --model=RUN FILE... [--format=table|json|jsonl|csv|fhir] [--output=FILE]
//                              [--plots=FOLDER]
//
// FILE may be a folder, or - for a list of files on standard input. The exit status is 1 if a file could not be read.
//
//   bazel run //cli:predict -- --model=RUN --watch=FOLDER
//
// predicts each recording that arrives in FOLDER, until Ctrl-C, and writes the result of a.xml to a.xml.ecg.json.

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/command_line/command_line.h"
#include "ecg/command_line/stop_signals.h"
#include "ecg/device/library_settings.h"
#include "ecg/file/path.h"
#include "ecg/predict/predict_command.h"
#include "ecg/predict/predictor.h"
#include "ecg/status/status_macros.h"

namespace {

absl::Status Predict(const std::string& model, const ecg::PredictorOptions& options,
                     const ecg::PredictCommand& command) {
  if (!command.watch.empty()) ecg::BlockStopSignals();
  ECG_ASSIGN_OR_RETURN(const ecg::Predictor predictor, ecg::Predictor::Load(ecg::UserPath(model), options));
  return ecg::RunPredict(predictor, command);
}

}  // namespace

int main(int argc, char** argv) {
  std::string model;
  ecg::PredictorOptions options;
  ecg::PredictCommand command;
  CLI::App app("What a trained model says of recordings.", "predict");
  app.add_option("--model", model, "The folder of a run")->required()->type_name("RUN");
  app.add_option("--device", options.device, "cpu, cuda or cuda:N")->capture_default_str();
  ecg::AddPredictFlags(app, command);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  ecg::RestartWithKernels(argv);
  return ecg::ExitStatus(Predict(model, options, command));
}

// predict_command.h
//
// The command line that predicts files, of `//cli:predict` and of every experiment's --mode=predict.
//
//   PredictCommand command;
//   CLI::App app("What a trained model says of recordings.");
//   AddPredictFlags(app, command);
//   if (const std::optional<int> status = ParseFlags(app, argc, argv)) return *status;
//   return ExitStatus(RunPredict(predictor, command));

#ifndef ECG_PREDICT_PREDICT_COMMAND_H_
#define ECG_PREDICT_PREDICT_COMMAND_H_

#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "absl/status/status.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/reading.h"
#include "ecg/signal/recording_format.h"

namespace ecg {

// PredictCommand is what the user typed.
struct PredictCommand {
  // files are recordings, folders of them, or "-" for a list on standard input.
  std::vector<std::string> files;
  ReadingFormat format = ReadingFormat::kTable;
  // output is a file for the readings; empty for standard output.
  std::string output;
  // plots is a folder for drawings; empty for none.
  std::string plots;
  // explain is a class whose samples the drawings highlight; empty for none.
  std::string explain;
  // watch is a folder whose recordings are predicted as they arrive, in place of `files`; empty for none. Who sets it
  // calls BlockStopSignals before a Predictor is loaded.
  std::string watch;
  // table is what tables of numbers do not say of themselves.
  RecordingOptions table;
};

// AddPredictFlags adds FILE, --format, --output, --plots, --explain, --watch and those of recording_flags.h to `app`;
// --help lists them under `heading`, if there is one. `command` must outlive `app`.
void AddPredictFlags(CLI::App& app, PredictCommand& command, const std::string& heading = "");

// RunPredict writes the readings. Where recordings could not be read, it ends with an error that says how many.
absl::Status RunPredict(const Predictor& predictor, const PredictCommand& command);

}  // namespace ecg

#endif  // ECG_PREDICT_PREDICT_COMMAND_H_

// watch_folder.h
//
// Predicts each recording that arrives in a folder, until the process is asked to stop.
//
//   BlockStopSignals();   // of ecg/command_line/stop_signals.h, before any thread starts
//   ECG_ASSIGN_OR_RETURN(const Predictor predictor, Predictor::Load("runs/resnet18_all/1"));
//   ECG_ASSIGN_OR_RETURN(const PredictedFiles done, WatchFolder(predictor, "inbox"));
//
// The result of a.xml is a.xml.ecg.json beside it: what `predict --format=jsonl` says of it, or why it could not be
// read. Nothing is moved or deleted. arrivals.h says when a file has arrived.

#ifndef ECG_PREDICT_WATCH_FOLDER_H_
#define ECG_PREDICT_WATCH_FOLDER_H_

#include <chrono>
#include <filesystem>

#include "absl/status/statusor.h"
#include "ecg/predict/predict_files.h"
#include "ecg/predict/predictor.h"

namespace ecg {

// WatchFolderOptions say how often a folder is looked at, and how files are read.
struct WatchFolderOptions {
  // How long a file must not have changed.
  std::chrono::milliseconds settle = std::chrono::seconds(2);
  // The time from one look to the next.
  std::chrono::milliseconds interval = std::chrono::milliseconds(500);
  PredictFilesOptions files = {};
};

// WatchFolder predicts what arrives in `folder` until a stop signal, and returns the counts. It prints a line for each
// recording. A file that cannot be read gets a result that says so; a folder that cannot be listed, or a result that
// cannot be written, is reported and tried again, and the rest goes on. Only what is wrong with the model or the device
// is an error, and a folder that is not there at the start.
absl::StatusOr<PredictedFiles> WatchFolder(const Predictor& predictor, const std::filesystem::path& folder,
                                           const WatchFolderOptions& options = {});

}  // namespace ecg

#endif  // ECG_PREDICT_WATCH_FOLDER_H_

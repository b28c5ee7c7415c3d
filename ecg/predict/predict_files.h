// predict_files.h
//
// Predictions of any number of files, in memory that does not grow with their number.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListRecordings({"exports/", "one_more.xml"}));
//   ECG_ASSIGN_OR_RETURN(const PredictedFiles done, PredictFiles(predictor, files, {}, writer));
//   done.read, done.failed;

#ifndef ECG_PREDICT_PREDICT_FILES_H_
#define ECG_PREDICT_PREDICT_FILES_H_

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/reading.h"
#include "ecg/signal/recording_format.h"

namespace ecg {

// ListRecordings returns the recordings that `typed` names: a file is itself; a folder is every file below it, but for
// hidden ones and those that another file's header names (the samples of WFDB and UNISENS records); "-" is a list on
// standard input, a path in each line. A path that is not there is listed too: reading it
// gives the error.
absl::StatusOr<std::vector<std::string>> ListRecordings(const std::vector<std::string>& typed);

// PredictFilesOptions say how files are read and what is made beside the readings.
struct PredictFilesOptions {
  // What tables of numbers do not say of themselves.
  RecordingOptions table = {};
  // A folder for a drawing of each recording, a PDF; empty for none.
  std::filesystem::path plots = {};
  // A class whose samples the drawings highlight; empty for none.
  std::string explain = {};
  // Threads that read files; 0 is one for each core.
  int threads = 0;
};

// PredictedFiles counts.
struct PredictedFiles {
  int64_t read = 0, failed = 0;
};

// ReadingsOf returns the readings of a few files, which the network reads together. Errors are those of PredictFiles;
// nothing is drawn.
absl::StatusOr<std::vector<Reading>> ReadingsOf(const Predictor& predictor, std::span<const std::string> files,
                                                const PredictFilesOptions& options = {});

// PredictFiles writes the reading of each file to `writer`, in order. A file that cannot be read, or is not what the
// model was made for, gets a reading with the reason, and the rest goes on; only what is wrong with the model or the
// device is an error. A terminal shows the progress.
absl::StatusOr<PredictedFiles> PredictFiles(const Predictor& predictor, const std::vector<std::string>& files,
                                            const PredictFilesOptions& options, ReadingWriter& writer);

}  // namespace ecg

#endif  // ECG_PREDICT_PREDICT_FILES_H_

#include "ecg/predict/predict_files.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/predict/explained_page.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/prepare.h"
#include "ecg/predict/reading.h"
#include "ecg/report/ecg_page.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_files.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace ecg {
namespace {

// Recordings that are read before they are predicted together.
constexpr size_t kChunk = 64;

absl::Status ListFolder(const std::filesystem::path& folder, std::vector<std::string>& files) {
  ECG_ASSIGN_OR_RETURN(const std::vector<std::string> found, RecordingFilesBelow(folder));
  if (found.empty()) return absl::NotFoundError(absl::StrCat("there is no file in ", folder.string()));
  for (const std::string& file : found) files.push_back((folder / file).string());
  return absl::OkStatus();
}

// Opened is a file on its way to a reading.
struct Opened {
  Reading reading;
  Signal signal;
  Recording recording;  // where it is drawn
};

void Open(const Predictor& predictor, const std::string& file, const PredictFilesOptions& options, Opened& opened) {
  opened.reading.recording = file;
  absl::StatusOr<Recording> recording = ReadRecording(file, options.table);
  if (!recording.ok()) {
    opened.reading.error = recording.status();
    return;
  }
  absl::StatusOr<PreparedRecording> prepared = PrepareRecording(*recording, predictor.model());
  if (prepared.ok()) opened.reading.error = predictor.Check(prepared->signal);
  if (!prepared.ok()) opened.reading.error = prepared.status();
  if (!opened.reading.error.ok()) return;
  opened.reading.what = std::move(prepared->what);
  opened.reading.warnings = std::move(prepared->warnings);
  opened.signal = std::move(prepared->signal);
  if (!options.plots.empty()) opened.recording = *std::move(recording);
}

// OpenAll opens files in threads.
std::vector<Opened> OpenAll(const Predictor& predictor, std::span<const std::string> files,
                            const PredictFilesOptions& options) {
  std::vector<Opened> opened(files.size());
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i; (i = next.fetch_add(1)) < files.size();) Open(predictor, files[i], options, opened[i]);
  };
  const size_t threads = options.threads > 0 ? options.threads : std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> workers;
  for (size_t worker = 1; worker < std::min(threads, files.size()); ++worker) workers.emplace_back(work);
  work();
  for (std::thread& worker : workers) worker.join();
  return opened;
}

// PredictChunk fills in what the model says of those that could be opened.
absl::Status PredictChunk(const Predictor& predictor, std::vector<Opened>& chunk) {
  std::vector<Signal> signals;
  for (Opened& opened : chunk) {
    if (opened.reading.error.ok()) signals.push_back(std::move(opened.signal));
  }
  ECG_ASSIGN_OR_RETURN(std::vector<Prediction> predictions, predictor.PredictAll(signals));
  auto prediction = predictions.begin();
  for (Opened& opened : chunk) {
    if (!opened.reading.error.ok()) continue;
    opened.reading.probabilities = std::move(prediction->probabilities);
    opened.reading.unlikeness = (prediction++)->unlikeness;
    opened.reading.error = RefuseUnlike(opened.reading.unlikeness, predictor.model());
  }
  return absl::OkStatus();
}

// Draw draws a recording with what is reported of it. Files of the same name in other folders get another number.
absl::Status Draw(const Predictor& predictor, const Opened& opened, int64_t number,
                  const PredictFilesOptions& options) {
  ECG_ASSIGN_OR_RETURN(EcgPage page, options.explain.empty()
                                         ? PageOf(opened.recording)
                                         : ExplainedPage(predictor, opened.recording, options.explain));
  const std::filesystem::path file(opened.reading.recording);
  page.title = file.filename().string();
  std::string reported;
  for (const Statement& statement : StatementsOf(opened.reading, predictor.model())) {
    if (statement.reported) {
      absl::StrAppendFormat(&reported, "%s%s %.0f%%", reported.empty() ? "" : ", ", statement.name,
                            100 * statement.probability);
    }
  }
  page.lines.insert(page.lines.begin(),
                    absl::StrCat(reported.empty() ? "nothing reported" : reported, "   ", kDisclaimer));
  return DrawEcgPages({{page}}, options.plots / absl::StrCat(file.stem().string(), "-", number, ".pdf"));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ListRecordings(const std::vector<std::string>& typed) {
  std::vector<std::string> files;
  std::error_code error;
  for (const std::string& name : typed) {
    if (name == "-") {
      for (std::string line; std::getline(std::cin, line);) {
        if (!line.empty()) files.push_back(UserPath(line).string());
      }
      continue;
    }
    const std::filesystem::path path = UserPath(name);
    if (std::filesystem::is_directory(path, error) && !std::filesystem::exists(path / "unisens.xml", error)) {
      ECG_RETURN_IF_ERROR(ListFolder(path, files));
    } else {
      files.push_back(path.string());  // whether it can be read is said with the others
    }
  }
  if (files.empty()) return absl::InvalidArgumentError("no recording is named");
  return files;
}

absl::StatusOr<std::vector<Reading>> ReadingsOf(const Predictor& predictor, std::span<const std::string> files,
                                                const PredictFilesOptions& options) {
  std::vector<Opened> opened = OpenAll(predictor, files, options);
  ECG_RETURN_IF_ERROR(PredictChunk(predictor, opened));
  std::vector<Reading> readings;
  for (Opened& of_file : opened) readings.push_back(std::move(of_file.reading));
  return readings;
}

absl::StatusOr<PredictedFiles> PredictFiles(const Predictor& predictor, const std::vector<std::string>& files,
                                            const PredictFilesOptions& options, ReadingWriter& writer) {
  if (!options.plots.empty()) ECG_RETURN_IF_ERROR(MakeDirectories(options.plots));
  PredictedFiles done;
  Progress progress("predicting", static_cast<int64_t>(files.size()), "recordings");
  for (size_t first = 0; first < files.size(); first += kChunk) {
    const std::span<const std::string> names = std::span(files).subspan(first, std::min(kChunk, files.size() - first));
    std::vector<Opened> chunk = OpenAll(predictor, names, options);
    ECG_RETURN_IF_ERROR(PredictChunk(predictor, chunk));
    for (const Opened& opened : chunk) {
      const bool is_read = opened.reading.error.ok();
      ++(is_read ? done.read : done.failed);
      ECG_RETURN_IF_ERROR(writer.Write(opened.reading));
      if (is_read && !options.plots.empty()) {
        ECG_RETURN_IF_ERROR(Draw(predictor, opened, done.read + done.failed, options));
      }
    }
    progress.Advance(static_cast<int64_t>(names.size()));
  }
  return done;
}

}  // namespace ecg

#include "ecg/predict/watch_folder.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/command_line/stop_signals.h"
#include "ecg/file/file.h"
#include "ecg/predict/arrivals.h"
#include "ecg/predict/predict_files.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/reading.h"
#include "ecg/run/model_metadata.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {
namespace {

// Recordings that are predicted together. A stop is noticed after as many.
constexpr size_t kChunk = 16;

// Line returns what is printed of a reading.
std::string Line(const Reading& reading, const ModelMetadata& model) {
  if (!reading.error.ok()) return absl::StrCat(reading.recording, "  not read: ", reading.error.message(), "\n");
  std::string reported;
  for (const Statement& statement : StatementsOf(reading, model)) {
    if (!statement.reported) continue;
    absl::StrAppendFormat(&reported, "%s%s %.0f%%", reported.empty() ? "" : ", ", statement.name,
                          100 * statement.probability);
  }
  return absl::StrCat(reading.recording, "  ", reported.empty() ? "nothing reported" : reported, "\n");
}

absl::Status WriteResult(const Arrival& arrival, const Reading& reading, const ModelMetadata& model) {
  nlohmann::ordered_json json = ReadingJson(reading, model);
  json["model"] = ModelJson(model);
  json["state"] = arrival.state;
  return WriteFile(arrival.result, JsonText(json, /*indent=*/1) + "\n");
}

}  // namespace

absl::StatusOr<PredictedFiles> WatchFolder(const Predictor& predictor, const std::filesystem::path& folder,
                                           const WatchFolderOptions& options) {
  if (std::error_code error; !std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError(absl::StrCat("there is no folder ", folder.string()));
  }
  Arrivals arrivals(folder, options.settle);
  PredictedFiles done;
  // What is wrong with the folder or a result, so that it is said once for each time that it occurs.
  std::map<std::filesystem::path, std::string> said;
  const auto note = [&said](const std::filesystem::path& path, const absl::Status& status) {
    if (status.ok()) {
      said.erase(path);
    } else if (std::string& last = said[path]; last != status.message()) {
      last = std::string(status.message());
      std::fprintf(stderr, "%s; trying again\n", last.c_str());
    }
  };
  while (!WaitForStopSignal(options.interval)) {
    const absl::StatusOr<std::vector<Arrival>> arrived = arrivals.Poll(Arrivals::Clock::now());
    note(folder, arrived.status());
    if (!arrived.ok()) continue;
    for (size_t first = 0; first < arrived->size(); first += kChunk) {
      if (first > 0 && WaitForStopSignal(std::chrono::milliseconds(0))) return done;
      const std::span<const Arrival> chunk =
          std::span(*arrived).subspan(first, std::min(kChunk, arrived->size() - first));
      std::vector<std::string> files;
      for (const Arrival& arrival : chunk) files.push_back(arrival.path.string());
      ECG_ASSIGN_OR_RETURN(const std::vector<Reading> readings, ReadingsOf(predictor, files, options.files));
      for (size_t i = 0; i < chunk.size(); ++i) {
        std::error_code error;
        if (!std::filesystem::exists(chunk[i].path, error)) continue;  // taken away meanwhile
        const absl::Status written = WriteResult(chunk[i], readings[i], predictor.model());
        note(chunk[i].result, written);
        if (!written.ok()) {
          arrivals.Retry(chunk[i], Arrivals::Clock::now());
          continue;
        }
        ++(readings[i].error.ok() ? done.read : done.failed);
        std::fputs(Line(readings[i], predictor.model()).c_str(), stdout);
        std::fflush(stdout);
      }
    }
  }
  return done;
}

}  // namespace ecg

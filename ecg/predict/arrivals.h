// arrivals.h
//
// The recordings that arrive in a folder: each is reported once, when all of it is there.
//
//   Arrivals arrivals("inbox", std::chrono::seconds(2));
//   ECG_ASSIGN_OR_RETURN(const std::vector<Arrival> arrived, arrivals.Poll(std::chrono::steady_clock::now()));
//   for (const Arrival& arrival : arrived) std::cout << arrival.path << " to " << arrival.result;
//
// A file is complete when its size and its time have not changed for a while, however it comes: copied slowly, renamed
// in, or through a network share, for which the system reports no changes. So the folder is polled. A file whose result
// beside it was made of the same state is never reported again, not even by a later process; a rewritten one is.

#ifndef ECG_PREDICT_ARRIVALS_H_
#define ECG_PREDICT_ARRIVALS_H_

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/recording_files.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"

namespace ecg {

// kResultSuffix ends the name of a result: that of a.xml is a.xml.ecg.json.
inline constexpr absl::string_view kResultSuffix = ".ecg.json";

// Arrival is a recording that is complete.
struct Arrival {
  std::filesystem::path path;
  // result is where its result belongs, and state what the result has to hold under the key "state": size and time of
  // the file, and of the samples beside it.
  std::filesystem::path result;
  std::string state;
};

// Arrivals watches one folder, and those below it.
class Arrivals {
 public:
  using Clock = std::chrono::steady_clock;

  // A file is complete when it has been the same for `settle`.
  Arrivals(std::filesystem::path folder, Clock::duration settle) : folder_(std::move(folder)), settle_(settle) {}

  // Poll returns what is complete `now` and was not reported before, sorted by path. Results, hidden files, and those
  // whose names say that they are on their way (.part, .tmp, ...) are left out. A folder that cannot be listed is an
  // error; a later call may succeed.
  absl::StatusOr<std::vector<Arrival>> Poll(Clock::time_point now) {
    ECG_ASSIGN_OR_RETURN(const std::vector<std::string> files, RecordingFilesBelow(folder_));
    std::map<std::string, Seen> seen;
    std::vector<Arrival> arrivals;
    for (const std::string& file : files) {
      if (IsOwnOrUnfinished(file)) continue;
      const std::filesystem::path path = folder_ / file;
      const std::string own_state = StateOf(path);
      if (own_state.empty()) continue;  // it has gone
      const auto before = seen_.find(file);
      Seen& current = seen.emplace(file, before == seen_.end() ? Seen{} : before->second).first->second;
      if (current.own_state != own_state || IsUnisens(path)) current.samples = SamplesOf(path);
      current.own_state = own_state;
      std::string state = own_state;
      for (const std::filesystem::path& samples : current.samples) {
        const std::string of_samples = StateOf(samples);
        if (!of_samples.empty()) absl::StrAppend(&state, ", ", of_samples);
      }
      if (current.state != state) {
        current.state = state;
        current.since = now;
        current.is_reported = false;
      }
      if (current.is_reported || now - current.since < settle_) continue;
      current.is_reported = true;
      const std::filesystem::path result = path.string() + std::string(kResultSuffix);
      if (StateIn(result) != state) arrivals.push_back({path, result, state});
    }
    seen_ = std::move(seen);  // without those that have gone
    return arrivals;
  }

  // Retry makes a later Poll report `arrival` again, whose result could not be written `now`.
  void Retry(const Arrival& arrival, Clock::time_point now) {
    const auto seen = seen_.find(arrival.path.lexically_relative(folder_).string());
    if (seen == seen_.end()) return;
    seen->second.since = now;
    seen->second.is_reported = false;
  }

 private:
  struct Seen {
    std::string own_state;                    // of the file
    std::set<std::filesystem::path> samples;  // the other files of the recording
    std::string state;                        // of all of them
    Clock::time_point since;
    bool is_reported = false;
  };

  static bool IsOwnOrUnfinished(absl::string_view file) {
    if (absl::StrContains(file, kResultSuffix)) return true;
    for (const absl::string_view suffix : {".part", ".partial", ".filepart", ".crdownload", ".tmp", "~"}) {
      if (absl::EndsWithIgnoreCase(file, suffix)) return true;
    }
    return false;
  }

  // StateOf returns what tells one content of a file from another; empty where there is no file.
  static std::string StateOf(const std::filesystem::path& file) {
    struct stat status;
    if (stat(file.c_str(), &status) != 0) return "";
    return absl::StrFormat("%d bytes of %d.%03d%s", status.st_size, status.st_mtim.tv_sec,
                           status.st_mtim.tv_nsec / 1'000'000, access(file.c_str(), R_OK) == 0 ? "" : " unreadable");
  }

  static bool IsUnisens(const std::filesystem::path& path) { return path.filename() == "unisens.xml"; }

  // SamplesOf returns the files beside `path` that may have its samples: those that the header of a WFDB record names
  // or, if it is not complete, usually has, and all that are beside unisens.xml.
  static std::set<std::filesystem::path> SamplesOf(const std::filesystem::path& path) {
    std::set<std::filesystem::path> beside;
    if (path.extension() == ".hea") {
      beside = SampleFilesOf(path);
      for (const char* extension : {".dat", ".mat"}) {
        beside.insert(std::filesystem::path(path).replace_extension(extension));
      }
    }
    if (!IsUnisens(path)) return beside;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(path.parent_path(), error), end; !error && entry != end;
         entry.increment(error)) {
      if (!IsOwnOrUnfinished(entry->path().string()) && entry->path() != path) beside.insert(entry->path());
    }
    return beside;
  }

  // StateIn returns the state that a result holds; empty where there is none.
  static std::string StateIn(const std::filesystem::path& result) {
    const absl::StatusOr<std::string> text = ReadFile(result);
    if (!text.ok()) return "";
    const nlohmann::json json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
    const auto state = json.is_object() ? json.find("state") : json.end();
    return state != json.end() && state->is_string() ? state->get<std::string>() : "";
  }

  const std::filesystem::path folder_;
  const Clock::duration settle_;
  std::map<std::string, Seen> seen_;
};

}  // namespace ecg

#endif  // ECG_PREDICT_ARRIVALS_H_

// mlflow.h
//
// Writes runs as MLflow keeps them in a folder ("file store"), so that its pages and tables show them.
//
//   const std::vector<ListedRun> runs = ListRuns("runs/resnet18_all/1");
//   ECG_ASSIGN_OR_RETURN(const std::string run_id, WriteMlflowRun(runs[0], "mlruns"));
//
// writes
//
//   mlruns/EXPERIMENT/meta.yaml              the experiment, which has the name of ours
//   mlruns/EXPERIMENT/RUN/meta.yaml          name, times and status of a run
//   mlruns/EXPERIMENT/RUN/metrics/NAME       a line "time value step" for each epoch, or one for a result
//   mlruns/EXPERIMENT/RUN/params/NAME        a value of the spec
//   mlruns/EXPERIMENT/RUN/tags/NAME
//   mlruns/EXPERIMENT/RUN/artifacts/         the files of the run
//
// EXPERIMENT and RUN are digests of the experiment's name and of the path of the run's folder: a run that is written
// again replaces what was written of it, in any experiment.

#ifndef ECG_REPORT_MLFLOW_H_
#define ECG_REPORT_MLFLOW_H_

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "ecg/file/unfinished_folder.h"
#include "ecg/report/run_list.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"
#include "proto/run.pb.h"

namespace ecg {
namespace mlflow_internal {

using Json = nlohmann::ordered_json;

// What MLflow allows a name and a value to have (mlflow/utils/validation.py).
inline constexpr size_t kNameBytes = 250, kParamBytes = 6000, kTagBytes = 8000;

// Quoted returns `text` as a string of JSON, which YAML reads as well. Bytes that are no UTF-8 are replaced.
inline std::string Quoted(const std::string& text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Shortened returns the first `bytes` bytes of `text`, as UTF-8.
inline std::string Shortened(const std::string& text, size_t bytes) {
  std::string shortened = text.substr(0, bytes);
  // Not within a character.
  if (shortened.size() < text.size()) {
    while (!shortened.empty() && (text[shortened.size()] & 0xC0) == 0x80) shortened.pop_back();
  }
  return Json::parse(Quoted(shortened)).get<std::string>();
}

// SafeName returns `name` with "_" for what MLflow does not allow in the name of a file: a name has letters, digits and
// "_-. :" only.
inline std::string SafeName(absl::string_view name) {
  std::string safe;
  for (const char c : name) {
    if ((c & 0xC0) == 0x80) continue;  // the rest of a character that is "_" already
    safe.push_back(absl::ascii_isalnum(c) || absl::StrContains("_-. :", absl::string_view(&c, 1)) ? c : '_');
  }
  if (safe.empty() || safe == "." || safe == "..") safe = absl::StrCat("_", safe);
  return safe;
}

inline std::string DigestOf(absl::string_view text) {
  Sha256 digest;
  digest.Update(text);
  return digest.Hex();
}

inline int64_t MillisecondsOf(const std::filesystem::path& file) {
  struct stat facts;
  if (stat(file.c_str(), &facts) != 0) return 0;
  return int64_t{facts.st_mtim.tv_sec} * 1000 + facts.st_mtim.tv_nsec / 1'000'000;
}

// ValueIn returns the value of `key` in the lines of a meta.yaml, of ours or of MLflow's own, or "".
inline std::string ValueIn(absl::string_view yaml, absl::string_view key) {
  for (absl::string_view line : absl::StrSplit(yaml, '\n')) {
    if (!absl::ConsumePrefix(&line, key) || !absl::ConsumePrefix(&line, ":")) continue;
    line = absl::StripAsciiWhitespace(line);
    if (absl::StartsWith(line, "\"")) {
      const Json text = Json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false);
      return text.is_string() ? text.get<std::string>() : std::string(line);
    }
    if (absl::ConsumePrefix(&line, "'") && absl::ConsumeSuffix(&line, "'"))
      return absl::StrReplaceAll(line, {{"''", "'"}});
    return std::string(line);
  }
  return "";
}

// ExperimentId returns the id of the experiment `name` in `store`, which it makes where it is not there.
inline absl::StatusOr<std::string> ExperimentId(const std::string& name, const std::filesystem::path& store) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(store, error)) {
    const absl::StatusOr<std::string> meta = ReadFile(entry.path() / "meta.yaml");
    if (meta.ok() && ValueIn(*meta, "name") == name) return entry.path().filename().string();
  }
  // Eighteen digits, as MLflow's own.
  const uint64_t number = std::strtoull(DigestOf(name).substr(0, 15).c_str(), nullptr, 16) % 900'000'000'000'000'000 +
                          100'000'000'000'000'000;
  const std::string id = absl::StrCat(number);
  const std::filesystem::path folder = store / id;
  ECG_RETURN_IF_ERROR(MakeDirectories(folder));
  const int64_t now = MillisecondsOf(folder);
  ECG_RETURN_IF_ERROR(
      WriteFile(folder / "meta.yaml",
                absl::StrCat("artifact_location: ", Quoted("file://" + folder.string()), "\ncreation_time: ", now,
                             "\nexperiment_id: ", Quoted(id), "\nlast_update_time: ", now,
                             "\nlifecycle_stage: active\nname: ", Quoted(name), "\n")));
  return id;
}

// Entries are files of one folder: names, which may have one "/", and contents.
class Entries {
 public:
  // Add adds the lines `text` to the file for `name`, in the group `group` if it is not "". Two names that MLflow
  // cannot tell apart get different files.
  void Add(absl::string_view group, absl::string_view name, absl::string_view text) {
    const std::string key = absl::StrCat(group, "/", name);
    auto found = files_.find(key);
    if (found == files_.end()) {
      std::string safe = SafeName(name);
      if (safe.size() + group.size() + 1 > kNameBytes) {
        safe = absl::StrCat(safe.substr(0, kNameBytes - group.size() - 18), "_", DigestOf(name).substr(0, 16));
      }
      if (!group.empty()) safe = absl::StrCat(group, "/", safe);
      std::string file = safe;
      for (int i = 2; !taken_.insert(file).second; ++i) file = absl::StrCat(safe.substr(0, kNameBytes - 6), "_", i);
      order_.push_back(key);
      found = files_.emplace(key, std::pair(file, "")).first;
    }
    absl::StrAppend(&found->second.second, text);
  }

  absl::Status Write(const std::filesystem::path& folder) const {
    ECG_RETURN_IF_ERROR(MakeDirectories(folder));
    for (const std::string& key : order_) {
      const auto& [file, text] = files_.at(key);
      ECG_RETURN_IF_ERROR(MakeDirectories((folder / file).parent_path()));
      ECG_RETURN_IF_ERROR(WriteFile(folder / file, text));
    }
    return absl::OkStatus();
  }

 private:
  std::map<std::string, std::pair<std::string, std::string>> files_;
  std::set<std::string> taken_;
  std::vector<std::string> order_;
};

// AddLeaves calls `add` with the path and the value of each leaf of `json`.
template <typename Function>
void AddLeaves(const nlohmann::json& json, const std::string& path, const Function& add) {
  if (!json.is_structured()) return add(path, json);
  for (const auto& [key, value] : json.items())
    AddLeaves(value, path.empty() ? key : absl::StrCat(path, ".", key), add);
}

inline std::string MetricLine(int64_t time, double value, int64_t step) {
  return absl::StrFormat("%d %.17g %d\n", time, value, step);
}

// Times are the begin and the end of a run, in milliseconds since 1970.
struct Times {
  int64_t begin = 0, end = 0;
  int64_t steps = 0;  // number of epochs
};

// AddHistory adds a point for each epoch of history.csv to `metrics`. The file says how long each epoch took, and its
// own time when the last one ended.
inline absl::StatusOr<Times> AddHistory(const RunFolder& folder, Entries& metrics) {
  Times times = {.begin = MillisecondsOf(folder.spec()), .end = MillisecondsOf(folder.spec())};
  std::error_code error;
  if (!std::filesystem::exists(folder.history(), error)) return times;
  ECG_ASSIGN_OR_RETURN(const CsvTable table, CsvTable::Read(folder.history()));
  ECG_ASSIGN_OR_RETURN(const int epoch_column, table.Column("epoch"));
  ECG_ASSIGN_OR_RETURN(const int seconds_column, table.Column("seconds"));
  std::vector<double> left(table.rows() + 1);  // seconds from the begin of an epoch to the end of the last
  for (int row = table.rows() - 1; row >= 0; --row) {
    ECG_ASSIGN_OR_RETURN(const double seconds, table.Number(row, seconds_column));
    left[row] = left[row + 1] + seconds;
  }
  times.end = MillisecondsOf(folder.history());
  times.begin = times.end - static_cast<int64_t>(1000 * left[0]);
  for (int row = 0; row < table.rows(); ++row) {
    ECG_ASSIGN_OR_RETURN(const double epoch, table.Number(row, epoch_column));
    times.steps = static_cast<int64_t>(epoch);
    const int64_t time = times.end - static_cast<int64_t>(1000 * left[row + 1]);
    for (int column = 0; column < static_cast<int>(table.header().size()); ++column) {
      if (column == epoch_column || table.at(row, column).empty()) continue;
      ECG_ASSIGN_OR_RETURN(const double value, table.Number(row, column));
      metrics.Add("", table.header()[column], MetricLine(time, value, times.steps));
    }
  }
  return times;
}

// AddResults adds the numbers of run.json; those of a class get the group of their figure, as in test.roc_auc/AFIB.
inline void AddResults(const nlohmann::json& run, const Times& times, Entries& metrics) {
  const auto add = [&](absl::string_view group, absl::string_view name, const nlohmann::json& value) {
    if (value.is_number()) metrics.Add(group, name, MetricLine(times.end, value.get<double>(), times.steps));
  };
  for (const char* key : {"parameters", "epochs", "best_epoch", "peak_memory_bytes", "peak_device_memory_bytes"}) {
    if (run.contains(key)) add("", key, run[key]);
  }
  for (const char* key : {"records", "timing", "validation", "test"}) {
    if (!run.contains(key) || !run[key].is_object()) continue;
    nlohmann::json figures = run[key];
    const nlohmann::json classes = figures.value("per_class", nlohmann::json::array());
    figures.erase("per_class");
    AddLeaves(figures, key, [&](const std::string& path, const nlohmann::json& value) { add("", path, value); });
    for (const nlohmann::json& one : classes) {
      for (const auto& [figure, value] : one.items()) {
        add(SafeName(absl::StrCat(key, ".", figure)), one.value("name", ""), value);
      }
    }
  }
}

// SpecJson returns the spec of a run as JSON.
inline absl::StatusOr<nlohmann::json> SpecJson(const ListedRun& run) {
  if (run.finished() && run.json.contains("spec")) return run.json["spec"];
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, RunFolder(run.folder).ReadSpec());
  run::Run holder;
  *holder.mutable_spec() = std::move(spec);
  ECG_ASSIGN_OR_RETURN(const std::string text, RunJson(holder));
  return nlohmann::json::parse(text)["spec"];
}

// AddArtifacts links the files of `run` into `folder`, or copies them where that cannot be: a trained model needs no
// second place on the disk. No file of a run is ever changed in place, except the logs for TensorBoard, which are left
// out.
inline absl::Status AddArtifacts(const std::filesystem::path& run, const std::filesystem::path& folder) {
  ECG_RETURN_IF_ERROR(MakeDirectories(folder));
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(run, error)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_regular_file() || absl::StartsWith(name, "events.out.") || absl::StrContains(name, ".tmp")) continue;
    std::filesystem::create_hard_link(entry.path(), folder / name, error);
    if (error) std::filesystem::copy_file(entry.path(), folder / name, error);
    if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot copy ", entry.path().string()));
  }
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot read ", run.string()));
  return absl::OkStatus();
}

}  // namespace mlflow_internal

// WriteMlflowRun writes `run` to the folder `store`, in the place of what was written of it before, and returns its id.
// A run without run.json has the status "running", and what it has so far. Values that are too long are cut off; they
// are whole in the spec among the artifacts.
inline absl::StatusOr<std::string> WriteMlflowRun(const ListedRun& run, const std::filesystem::path& store) {
  using namespace mlflow_internal;
  const std::filesystem::path source = (std::filesystem::absolute(run.folder) / "").lexically_normal().parent_path();
  const std::filesystem::path target = std::filesystem::absolute(store).lexically_normal();
  const RunFolder folder(source);
  Entries metrics, params, tags;
  ECG_ASSIGN_OR_RETURN(Times times, AddHistory(folder, metrics));
  if (run.finished()) {
    times.end = MillisecondsOf(folder.run());
    AddResults(run.json, times, metrics);
  }
  ECG_ASSIGN_OR_RETURN(const nlohmann::json spec, SpecJson(run));
  AddLeaves(spec, "", [&](const std::string& path, const nlohmann::json& value) {
    params.Add("", path, Shortened(run_list_internal::TextOf(value), kParamBytes));
  });

  // A run that is not finished does not say of which experiment it is; its folder is in runs/EXPERIMENT/.
  std::string experiment = run_list_internal::TextOf(run.Find("name"));
  if (experiment.empty()) experiment = source.parent_path().filename().string();
  const std::string name = Shortened(source.filename().string(), kTagBytes);
  const auto tag = [&](const char* key, const std::string& text) {
    if (!text.empty()) tags.Add("", key, Shortened(text, kTagBytes));
  };
  tag("mlflow.runName", name);
  tag("mlflow.source.name", experiment);
  tag("mlflow.source.type", "LOCAL");
  tag("mlflow.note.content", run_list_internal::TextOf(spec.value("description", nlohmann::json())));
  tag("ecg.folder", source.string());
  for (const char* path : {"dataset", "synthetic", "device", "versions.ecg", "versions.libtorch", "test.score_name"}) {
    tag(absl::StrCat("ecg.", path).c_str(), run_list_internal::TextOf(run.Find(path)));
  }

  ECG_ASSIGN_OR_RETURN(const std::string experiment_id, ExperimentId(experiment, target));
  const std::string run_id = DigestOf(source.string()).substr(0, 32);
  const std::filesystem::path place = target / experiment_id / run_id;
  ECG_ASSIGN_OR_RETURN(UnfinishedFolder unfinished, UnfinishedFolder::Create(place));
  ECG_RETURN_IF_ERROR(metrics.Write(unfinished.path() / "metrics"));
  ECG_RETURN_IF_ERROR(params.Write(unfinished.path() / "params"));
  ECG_RETURN_IF_ERROR(tags.Write(unfinished.path() / "tags"));
  ECG_RETURN_IF_ERROR(AddArtifacts(source, unfinished.path() / "artifacts"));
  ECG_RETURN_IF_ERROR(WriteFile(
      unfinished.path() / "meta.yaml",
      absl::StrCat("artifact_uri: ", Quoted("file://" + (place / "artifacts").string()),
                   "\nend_time: ", run.finished() ? absl::StrCat(times.end) : "null",
                   "\nentry_point_name: ''\nexperiment_id: ", Quoted(experiment_id),
                   "\nlifecycle_stage: active\nrun_id: ", Quoted(run_id), "\nrun_name: ", Quoted(name), "\nrun_uuid: ",
                   Quoted(run_id), "\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: ", times.begin,
                   "\nstatus: ", run.finished() ? 3 : 1, "\ntags: []\nuser_id: ''\n")));
  // A run that was not finished before may be in another experiment, that of its folder's name.
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(target, ignored)) {
    std::filesystem::remove_all(entry.path() / run_id, ignored);
  }
  ECG_RETURN_IF_ERROR(unfinished.Finish());
  return run_id;
}

}  // namespace ecg

#endif  // ECG_REPORT_MLFLOW_H_

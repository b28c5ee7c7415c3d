// run_list.h
//
// The runs below a folder, to list, filter and sort.
//
//   std::vector<ListedRun> runs = ListRuns("runs");
//   ECG_ASSIGN_OR_RETURN(const bool holds, Holds(runs[0], "spec.training.epochs=20"));
//   std::fputs(RunTable(runs).c_str(), stdout);

#ifndef ECG_REPORT_RUN_LIST_H_
#define ECG_REPORT_RUN_LIST_H_

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/run/run_folder.h"
#include "nlohmann/json.hpp"

namespace ecg {

// ListedRun is one run.
struct ListedRun {
  std::filesystem::path folder;
  // json is run.json; null for a run that is not finished.
  nlohmann::json json;
  // when is the local time at which run.json, or the spec of an unfinished run, was written.
  std::string when;

  bool finished() const { return json.is_object(); }

  // Find returns the value at a path such as "test.score" or "spec.training.epochs", or null. A path that run.json does
  // not have is looked for in the spec: "training.epochs".
  nlohmann::json Find(absl::string_view path) const {
    for (const char* root : {"", "spec."}) {
      const nlohmann::json* value = &json;
      for (const absl::string_view key : absl::StrSplit(absl::StrCat(root, path), '.')) {
        if (value->is_array() && value->size() == 1) value = &value->front();
        const auto found = value->is_object() ? value->find(std::string(key)) : value->end();
        if (!value->is_object() || found == value->end()) {
          value = nullptr;
          break;
        }
        value = &*found;
      }
      if (value != nullptr) return *value;
    }
    return nullptr;
  }
};

namespace run_list_internal {

// TextOf returns a value as a person writes it: a string without quotes.
inline std::string TextOf(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.is_null() ? "" : value.dump();
}

inline std::string TimeOf(const std::filesystem::path& file) {
  struct stat facts;
  if (stat(file.c_str(), &facts) != 0) return "";
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", std::localtime(&facts.st_mtime));
  return text;
}

// Row returns the columns of a table.
inline std::vector<std::string> Row(const ListedRun& run) {
  const auto text = [&](const char* path) { return TextOf(run.Find(path)); };
  const auto number = [&](const char* path, const char* format) {
    const nlohmann::json value = run.Find(path);
    if (!value.is_number()) return std::string();
    char printed[32];
    std::snprintf(printed, sizeof printed, format, value.get<double>());
    return std::string(printed);
  };
  std::string score = number("test.score", "%.4f");
  if (const std::string low = number("test.bootstrap.low", "%.4f"); !low.empty()) {
    absl::StrAppend(&score, " (", low, " to ", number("test.bootstrap.high", "%.4f"), ")");
  }
  std::string corpus = text("dataset");
  if (run.Find("synthetic") == true) absl::StrAppend(&corpus, " synthetic");
  const nlohmann::json seconds = run.Find("timing.training_seconds");
  return {run.folder.string(),
          run.when,
          run.finished() ? corpus : "not finished",
          score.empty() ? "" : absl::StrCat(text("test.score_name"), " ", score),
          text("epochs"),
          seconds.is_number() ? absl::StrFormat("%.1f", seconds.get<double>() / 60) : "",
          text("device")};
}

inline const std::vector<std::string> kColumns = {"run", "when", "corpus", "score", "epochs", "minutes", "device"};

}  // namespace run_list_internal

// ListRuns returns every run below `folder`, the latest first. A run.json that is no JSON counts as not finished.
inline std::vector<ListedRun> ListRuns(const std::filesystem::path& folder) {
  std::vector<ListedRun> runs;
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(
           folder, std::filesystem::directory_options::skip_permission_denied, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    // The members of an ensemble are no runs of their own.
    if (std::error_code other; entry->path().filename() == "members" &&
                               std::filesystem::exists(entry->path().parent_path() / "spec.textproto", other)) {
      entry.disable_recursion_pending();
    }
    if (entry->path().filename() != "spec.textproto") continue;
    ListedRun run;
    run.folder = entry->path().parent_path();
    const RunFolder files(run.folder);
    if (const absl::StatusOr<std::string> text = ReadFile(files.run()); text.ok()) {
      run.json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
    }
    run.when = run_list_internal::TimeOf(run.finished() ? files.run() : files.spec());
    runs.push_back(std::move(run));
  }
  std::ranges::stable_sort(runs, [](const ListedRun& a, const ListedRun& b) {
    return std::pair(b.when, a.folder) < std::pair(a.when, b.folder);
  });
  return runs;
}

// Holds tells whether `run` has what `condition`, "PATH=VALUE", says. Numbers are compared as numbers.
inline absl::StatusOr<bool> Holds(const ListedRun& run, absl::string_view condition) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(condition, absl::MaxSplits('=', 1));
  if (parts.first.empty() || condition.find('=') == condition.npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", condition, "\" is no condition; expected PATH=VALUE, as in training.epochs=20"));
  }
  const nlohmann::json found = run.Find(parts.first);
  double number = 0;
  if (found.is_number() && absl::SimpleAtod(parts.second, &number)) return found.get<double>() == number;
  return run_list_internal::TextOf(found) == parts.second;
}

// SortRuns sorts `runs` by the value at `path`, the greatest first; runs without it come last.
inline void SortRuns(absl::string_view path, std::vector<ListedRun>& runs) {
  std::ranges::stable_sort(runs, [&](const ListedRun& a, const ListedRun& b) {
    const nlohmann::json first = a.Find(path), second = b.Find(path);
    if (first.is_null() || second.is_null()) return !first.is_null() && second.is_null();
    return second < first;
  });
}

// RunTable returns a table for people.
inline std::string RunTable(const std::vector<ListedRun>& runs) {
  std::vector<std::vector<std::string>> rows = {run_list_internal::kColumns};
  for (const ListedRun& run : runs) rows.push_back(run_list_internal::Row(run));
  std::vector<size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) absl::StrAppendFormat(&line, "%-*s  ", widths[i], row[i]);
    line.resize(line.find_last_not_of(' ') + 1);
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

// RunCsv returns the same table as CSV.
inline std::string RunCsv(const std::vector<ListedRun>& runs) {
  std::string text;
  AppendCsvRow(run_list_internal::kColumns, &text);
  for (const ListedRun& run : runs) AppendCsvRow(run_list_internal::Row(run), &text);
  return text;
}

// RunsJson returns the run.json of each run, with its folder and time.
inline std::string RunsJson(const std::vector<ListedRun>& runs) {
  nlohmann::json all = nlohmann::json::array();
  for (const ListedRun& run : runs) {
    nlohmann::json& one = all.emplace_back(run.finished() ? run.json : nlohmann::json::object());
    one["folder"] = run.folder.string();
    one["when"] = run.when;
    one["finished"] = run.finished();
  }
  // What is no UTF-8, as in the name of a folder, becomes U+FFFD.
  return all.dump(2, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace ecg

#endif  // ECG_REPORT_RUN_LIST_H_

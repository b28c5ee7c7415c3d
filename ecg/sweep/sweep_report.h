// sweep_report.h
//
// results.html: the page of a sweep.
//
//   ECG_ASSIGN_OR_RETURN(const ComparisonReport report, ReadSweepReport("runs/grid_resnet18"));
//   ECG_RETURN_IF_ERROR(WriteFile("results.html", ComparisonPage(report)));

#ifndef ECG_SWEEP_SWEEP_REPORT_H_
#define ECG_SWEEP_SWEEP_REPORT_H_

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/file/csv.h"
#include "ecg/report/comparison.h"
#include "ecg/report/comparison_report.h"
#include "ecg/run/run_folder.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/table.h"
#include "proto/sweep.pb.h"

namespace ecg {

namespace sweep_report_internal {

// LinkTo returns the link from the page in `sweep` to the report of the run `name`; empty where there is none.
inline std::string LinkTo(const std::filesystem::path& sweep, const std::string& name) {
  std::error_code error;
  const bool exists = std::filesystem::exists(RunFolder(sweep / name).report(), error);
  return exists ? absl::StrCat(name, "/", RunFolder(name).report().filename().string()) : "";
}

// AddPairs compares every two of `candidates`, which are those of the results in the same order, that are in the same
// group and can be compared.
inline void AddPairs(const std::vector<Candidate>& candidates, ComparisonReport& report) {
  for (size_t i = 0; i < candidates.size(); ++i) {
    for (size_t k = i + 1; k < candidates.size(); ++k) {
      if (report.results[i].group != report.results[k].group) continue;
      if (!candidates[i].complete() || !candidates[k].complete()) continue;
      absl::StatusOr<Comparison> comparison = CompareCandidates(candidates[i], candidates[k]);
      if (comparison.ok()) report.pairs.push_back({i, k, *std::move(comparison)});
    }
  }
}

// Describe sets what all runs of a sweep share.
inline void Describe(const FinishedRun& any, const std::filesystem::path& folder, ComparisonReport& report) {
  report.kind = "Results of a sweep";
  report.folder = folder.string();
  report.score_name = any.score_name;
  report.synthetic = any.synthetic;
  report.bootstrap = any.bootstrap;
}

}  // namespace sweep_report_internal

// SweepReport returns what the page of the sweep `name` in `folder` shows: `table` is that of `plan`.
inline ComparisonReport SweepReport(const std::string& name, const Plan& plan, const Table& table,
                                    const SweepFolder& folder) {
  using namespace sweep_report_internal;
  ComparisonReport report = {.title = name};
  report.kind = "Results of a sweep";
  report.description = plan.sweep.description();
  std::vector<int> axes = AxesWithUse(plan.sweep, spec::Axis::ROW);
  for (const int a : AxesWithUse(plan.sweep, spec::Axis::COLUMN)) axes.push_back(a);
  for (const int a : axes) report.axes.push_back(plan.sweep.axis(a).name());
  std::vector<Candidate> candidates;
  size_t finished = 0;
  for (size_t row = 0; row < table.rows.size(); ++row) {
    for (size_t column = 0; column < table.columns.size(); ++column) {
      const Cell& cell = table.cells[row][column];
      std::vector<std::string> of;
      if (!table.rows[row].empty()) of.push_back(table.rows[row]);
      if (!table.columns[column].empty()) of.push_back(table.columns[column]);
      ComparedChoice choice = {.of = absl::StrJoin(of, ", ")};
      for (const int a : AxesWithUse(plan.sweep, spec::Axis::CHOSEN)) choice.axes.push_back(plan.sweep.axis(a).name());
      const bool halves = plan.sweep.search().has_halving();
      if (halves) choice.axes.push_back("epochs");
      for (size_t k = 0; k < cell.candidates.size(); ++k) {
        const Candidate& candidate = cell.candidates[k];
        for (const FinishedRun* run : candidate.finished) {
          if (run == nullptr) continue;
          if (finished++ == 0) Describe(*run, folder.path(), report);
        }
        std::vector<std::string> values = candidate.setting;
        if (halves) values.push_back(absl::StrCat(candidate.epochs));
        choice.settings.push_back({std::move(values),
                                   candidate.complete() ? std::optional(candidate.validation_score()) : std::nullopt,
                                   static_cast<int>(k) == cell.chosen});
      }
      if (choice.settings.size() > 1) report.choices.push_back(std::move(choice));
      const std::optional<Summary> summary = cell.chosen < 0 ? std::nullopt : Summarise(cell.candidates[cell.chosen]);
      if (!summary) continue;
      const Candidate& chosen = candidates.emplace_back(cell.candidates[cell.chosen]);
      const bool has_group = table.rows.size() > 1 && table.columns.size() > 1;
      ComparedResult result = {.label = of.empty()                               ? name
                                        : has_group || table.columns.size() == 1 ? of.front()
                                                                                 : of.back(),
                               .score = summary->mean,
                               .standard_deviation = summary->standard_deviation,
                               .low = summary->low,
                               .high = summary->high};
      if (has_group) result.group = table.columns[column];
      if (chosen.complete()) result.validation = chosen.validation_score();
      for (const int a : axes) result.values.push_back(chosen.runs[0]->values[a]);
      for (const PlannedRun* run : chosen.runs) result.runs.emplace_back(run->name, LinkTo(folder.path(), run->name));
      report.results.push_back(std::move(result));
    }
  }
  if (plan.is_searched()) {
    if (plan.is_open) report.notes.push_back("The search is not over.");
  } else if (finished < plan.runs.size()) {
    report.notes.push_back(absl::StrCat(finished, " of ", plan.runs.size(), " runs are finished."));
  }
  AddPairs(candidates, report);
  return report;
}

// ReadSweepReport returns what the page of the sweep in `folder` shows, as far as results.csv and the runs tell: every
// run by itself, with no means over repetitions.
inline absl::StatusOr<ComparisonReport> ReadSweepReport(const std::filesystem::path& folder) {
  using namespace sweep_report_internal;
  ECG_ASSIGN_OR_RETURN(const CsvTable table, CsvTable::Read(SweepFolder(folder).results_csv()));
  ECG_ASSIGN_OR_RETURN(const int axes, table.Column("experiment"));
  ECG_ASSIGN_OR_RETURN(const int validation, table.Column("validation"));
  ECG_ASSIGN_OR_RETURN(const int test, table.Column("test"));
  ComparisonReport report = {.title = std::filesystem::absolute(folder).lexically_normal().filename().string()};
  if (report.title.empty()) report.title = folder.parent_path().filename().string();
  report.axes.assign(table.header().begin(), table.header().begin() + axes);
  ComparedChoice choice = {.axes = report.axes};
  std::vector<FinishedRun> finished;
  for (int row = 0; row < table.rows(); ++row) {
    ComparedResult result;
    std::vector<std::string> words;
    for (int a = 0; a < axes; ++a) {
      result.values.push_back(table.at(row, a));
      words.push_back(absl::StrCat(table.header()[a], "=", table.at(row, a)));
    }
    const std::string name = absl::StrJoin(words, ",");
    ECG_ASSIGN_OR_RETURN(result.validation, table.Number(row, validation));
    const bool reported = !table.at(row, test).empty();
    choice.settings.push_back({result.values, result.validation, reported});
    if (!reported) continue;
    absl::StatusOr<FinishedRun> run = FinishedRun::Read(RunFolder(folder / name));
    if (!run.ok()) {
      report.notes.emplace_back(run.status().message());
      continue;
    }
    result.label = absl::StrJoin(result.values, ", ");
    result.score = run->test.score;
    result.low = run->test.interval.low;
    result.high = run->test.interval.high;
    result.runs.emplace_back(name, LinkTo(folder, name));
    report.results.push_back(std::move(result));
    finished.push_back(*std::move(run));
  }
  if (!finished.empty()) Describe(finished[0], folder, report);
  report.kind = "Results of a sweep";
  if (std::ranges::any_of(choice.settings, [](const auto& setting) { return !setting.chosen; })) {
    report.choices.push_back(std::move(choice));
  }
  // Runs that were tested on different records or classes are ranked apart, by the values that they have in common.
  std::map<size_t, std::vector<size_t>> on_same;
  for (size_t i = 0; i < finished.size(); ++i) on_same[finished[i].test_set].push_back(i);
  for (const auto& [test_set, places] : on_same) {
    if (on_same.size() < 2) break;
    std::vector<std::string> shared;
    for (int a = 0; a < axes; ++a) {
      std::set<std::string> here, all;
      for (const size_t i : places) here.insert(report.results[i].values[a]);
      for (const ComparedResult& result : report.results) all.insert(result.values[a]);
      if (here.size() == 1 && all.size() > 1) shared.push_back(absl::StrCat(report.axes[a], " ", *here.begin()));
    }
    for (const size_t i : places) report.results[i].group = absl::StrJoin(shared, ", ");
  }
  std::vector<Candidate> candidates(finished.size());
  for (size_t i = 0; i < finished.size(); ++i) candidates[i].finished = candidates[i].tested = {&finished[i]};
  AddPairs(candidates, report);
  return report;
}

}  // namespace ecg

#endif  // ECG_SWEEP_SWEEP_REPORT_H_

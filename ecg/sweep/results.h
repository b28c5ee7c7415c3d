// results.h
//
// The results of a sweep: results.csv with a row for each run, results.md with the tables, results.html with the same
// and more to look at, and the chosen settings.
//
//   Results results("grid_resnet18", plan);
//   ECG_ASSIGN_OR_RETURN(FinishedRun run, FinishedRun::Read(folder.run(plan.runs[0])));
//   ECG_RETURN_IF_ERROR(results.Add(plan.runs[0], std::move(run)));
//   ECG_RETURN_IF_ERROR(results.Write(folder));

#ifndef ECG_SWEEP_RESULTS_H_
#define ECG_SWEEP_RESULTS_H_

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/report/comparison.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/table.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Results writes the files of one sweep.
class Results {
 public:
  // `plan` must outlive it.
  Results(std::string name, const Plan& plan) : name_(std::move(name)), plan_(plan) {}

  // Add adds a finished run. Fails where it cannot be pooled with those along the POOLED axes.
  absl::Status Add(const PlannedRun& run, FinishedRun finished);

  const FinishedRuns& finished() const { return finished_; }

  // Write writes all files again.
  absl::Status Write(const SweepFolder& folder) const;

  // Markdown returns the content of results.md.
  std::string Markdown() const { return Markdown(MakeTable(plan_, finished_, pooled_)); }

 private:
  std::vector<std::string> AxisNames(spec::Axis::Use use) const;

  // The file for the settings of a cell: chosen.textproto where there is one cell only.
  static std::string SettingsFile(const Table& table, size_t row, size_t column);

  // The settings that are chosen in a cell, as a part of an experiment.
  absl::StatusOr<std::string> Settings(const Cell& cell) const;

  // The runs whose test score is reported.
  static std::set<std::string> Reported(const Table& table);

  std::string Csv(const Table& table) const;

  static std::string Row(const std::vector<std::string>& cells);
  static std::string Header(const std::vector<std::string>& cells);

  static std::string InWords(const Summary& summary);

  static std::string InWords(const Cell& cell);

  std::string Markdown(const Table& table) const;

  // The label of a cell, with " of " before it; empty where there is one only.
  static std::string Of(const Table& table, size_t row, size_t column);

  void AppendChoices(const Table& table, std::string* text) const;

  void AppendScores(const Table& table, std::string* text) const;

  // The reported candidate of a cell where all of its runs are finished; otherwise nullptr. A mean over fewer runs than
  // the others' would not be comparable.
  static const Candidate* Comparable(const Cell& cell);

  // The baseline of `candidate`, which is in column `column`; nullptr where it is the baseline itself, or there is none
  // yet.
  const Candidate* BaselineOf(const Candidate& candidate, const Table& table, size_t column) const;

  void AppendDifferences(const Table& table, std::string* text) const;

  void AppendRankings(const Table& table, std::string* text) const;

  const std::string name_;
  const Plan& plan_;
  FinishedRuns finished_;
  FinishedRuns pooled_;  // by the name of the first run of each pool
};

}  // namespace ecg

#endif  // ECG_SWEEP_RESULTS_H_

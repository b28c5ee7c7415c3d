// search.h
//
// The search of a sweep: which settings are tried next, and which go on with more epochs.
//
//   Plan plan = MakePlan(sweep, experiments, {}, &problems);
//   ECG_ASSIGN_OR_RETURN(Search search, Search::Create(sweep, experiments, {}, "runs/search/search"));
//   ECG_RETURN_IF_ERROR(search.Read(plan));
//   ECG_ASSIGN_OR_RETURN(const bool grew, search.Decide(plan, finished, /*wants_run=*/true));
//
// Every decision follows from the sweep, its seed and the results that it may depend on, whoever makes it. It is
// written down once, with LinkFile, before it takes effect, so that all workers act on the same, and a sweep that is
// started again goes on:
//
//   search/CELL/setting-12.textproto        a setting (SearchedSetting)
//   search/CELL/promoted-2-1.textproto      of bracket 2, the settings that leave rung 1 (Promotion)
//
// CELL is the rows and columns of the table, such as task=FORM, or "all" where there is one cell.

#ifndef ECG_SWEEP_SEARCH_H_
#define ECG_SWEEP_SEARCH_H_

#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/search_space.h"
#include "proto/sweep.pb.h"

namespace ecg {

// Search is the search of one sweep, which MakePlan found no problem with.
class Search {
 public:
  // Create checks that the budget is enough for anything. `experiments` must outlive the search. Decisions are in
  // `folder`, which is made when there is one.
  static absl::StatusOr<Search> Create(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments,
                                       const SweepChanges& changes, std::filesystem::path folder);

  // Read adds to `plan` the runs of all decisions that are in the folder and not in the plan yet, and changes nothing
  // else.
  absl::Status Read(Plan& plan);

  // Decide reads, and makes the decisions that are due: which settings go on, and, where a worker `wants_run`, one more
  // setting, if the budget and the scores allow it. It closes the plan when the search is over. Returns whether the
  // plan has grown.
  //
  // Where the first three runs have all failed, no more are proposed.
  absl::StatusOr<bool> Decide(Plan& plan, const FinishedRuns& finished, bool wants_run);

  // GoesOn says whether `run`, which is finished, may still be continued: its checkpoint must be kept.
  bool GoesOn(const PlannedRun& run) const;

 private:
  struct Tried {
    Setting setting;
    std::vector<std::vector<const PlannedRun*>> rungs;  // the runs of each rung that it has reached
  };
  struct Cell {
    std::string label;
    std::vector<std::string> values;  // of the axes that are rows or columns
    std::vector<Tried> tried;
    std::set<std::pair<int, int>> promoted;  // brackets and rungs, from 0, that have been decided
    bool is_exhausted = false;               // every setting has been tried
  };

  Search(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments, const SweepChanges& changes,
         std::filesystem::path folder);

  std::filesystem::path SettingFile(const Cell& cell, size_t number) const;
  std::filesystem::path PromotionFile(const Cell& cell, int bracket, int rung) const;
  std::vector<std::string> CellOf(const PlannedRun& run) const;

  absl::Status ReadCell(size_t c, Plan& plan);
  absl::StatusOr<bool> ReadSetting(size_t c, Plan& plan);
  absl::StatusOr<bool> ReadPromotion(size_t c, int bracket, int rung, Plan& plan);
  absl::Status AddRuns(size_t c, size_t setting, int rung, Plan& plan);

  absl::Status Promote(size_t c, int bracket, int rung, const FinishedRuns& finished) const;
  std::optional<double> Score(const std::vector<const PlannedRun*>& runs, const FinishedRuns& finished) const;
  bool IsDone(const std::vector<const PlannedRun*>& runs, const Plan& plan, const FinishedRuns& finished) const;
  // Whether all settings before `end`, which ends a bracket, have come to their end.
  bool AreDone(const Cell& cell, size_t end, const Plan& plan, const FinishedRuns& finished) const;
  SearchHistory History(const Cell& cell, size_t known, const FinishedRuns& finished) const;
  bool HasBudget(const Cell& cell, const Plan& plan, const FinishedRuns& finished) const;
  // Proposes the next setting of a cell, and writes it down; false where there is none, or not yet.
  absl::StatusOr<bool> Propose(size_t c, const Plan& plan, const FinishedRuns& finished);

  spec::Sweep sweep_;
  const std::vector<SweepExperiment>* experiments_;
  SweepChanges changes_;
  std::filesystem::path folder_;
  SearchSpace space_;
  size_t bracket_size_;
  int rungs_;
  size_t settings_ = 0;  // of a cell, that the budget allows
  std::vector<Cell> cells_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_SEARCH_H_

// table.h
//
// The table of results of a sweep: a cell for each row and column, such as an architecture and a task, with the mean of
// the test score over the averaged axes, such as splits.
//
//   const FinishedRuns finished = {{plan.runs[0].name, run}};
//   const Table table = MakeTable(plan, finished);
//   const Cell& cell = table.cells[0][0];
//   if (cell.chosen >= 0) std::cout << Summarise(cell.candidates[cell.chosen])->mean;

#ifndef ECG_SWEEP_TABLE_H_
#define ECG_SWEEP_TABLE_H_

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/report/comparison.h"
#include "ecg/sweep/finished_run.h"
#include "ecg/sweep/plan.h"
#include "proto/sweep.pb.h"

namespace ecg {

// Candidate is one setting of the CHOSEN axes, with its runs: one for each combination of the AVERAGED and POOLED axes.
struct Candidate {
  std::vector<std::string> setting;  // the values of the CHOSEN axes
  std::vector<const PlannedRun*> runs;
  std::vector<const FinishedRun*> finished;  // of each run; null where it is not finished
  // What is averaged: `finished`, or where there are POOLED axes, the pooled runs; null where they are not all finished.
  std::vector<const FinishedRun*> tested;
  // Where the sweep is searched: the number of epochs, which differs with successive halving, and whether a run failed.
  int epochs = 0;
  bool failed = false;

  bool complete() const { return std::ranges::count(finished, nullptr) == 0; }

  // validation_score returns the mean over the runs, all of which must be finished.
  double validation_score() const;
};

// Cell is a cell of the table.
struct Cell {
  // In the order of the axes' values; where the sweep is searched, the best first. Empty where there is no run.
  std::vector<Candidate> candidates;
  // The candidate whose test score the cell reports, or -1: with CHOSEN axes the one with the best validation score,
  // once all runs of all candidates are finished, or the search is over. Otherwise there is one only.
  int chosen = -1;
};

// Table is the whole table.
struct Table {
  std::vector<std::string> rows, columns;  // labels: the values of the axes, with ", " between them
  std::vector<std::vector<Cell>> cells;    // [rows, columns]
};

// Summary are the statistics of the runs of a cell.
struct Summary {
  int runs = 0;  // that are finished, or pools of runs
  double mean = 0;
  std::optional<double> standard_deviation;  // of the sample; none for one run
  double low = 0, high = 0;                  // quantiles of the mean on resamples of each run's test records
};

// AxesWithUse returns which axes of `sweep` have the use `use`.
std::vector<int> AxesWithUse(const spec::Sweep& sweep, spec::Axis::Use use);

// PoolOf returns the runs of `plan` that are pooled with `run`, in the order of the POOLED axes' values: those that
// differ from it in those axes only.
std::vector<const PlannedRun*> PoolOf(const Plan& plan, const PlannedRun& run);

// MakeTable arranges the runs of `plan`. `pooled` are the pools of POOLED axes, by the name of their first run. The
// table points at the arguments.
Table MakeTable(const Plan& plan, const FinishedRuns& finished, const FinishedRuns& pooled = {});

// Summarise returns the mean test score of the finished runs of `candidate`, or pools of them; none where none is.
std::optional<Summary> Summarise(const Candidate& candidate);

// CompareCandidates returns by how much the mean test score of `a` is above that of `b`. All of their runs must be
// finished. They are compared run by run on the records that both share; the mean over runs is taken on each resample.
absl::StatusOr<Comparison> CompareCandidates(const Candidate& a, const Candidate& b);

}  // namespace ecg

#endif  // ECG_SWEEP_TABLE_H_

// plan.h
//
// The runs of a sweep: one for each experiment and each combination of values of the axes, named by its values.
//
//   std::vector<Problem> problems;
//   const Plan plan = MakePlan(sweep, experiments, {.set = {"training.epochs=2"}}, &problems);
//   plan.runs[0].name;   // "learning_rate=0.01,batch_size=64"
//   plan.runs[0].spec;   // the experiment with these values, every default filled in
//
// The runs of a sweep that is searched are added to its plan as they are proposed (search.h).

#ifndef ECG_SWEEP_PLAN_H_
#define ECG_SWEEP_PLAN_H_

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/spec/check.h"
#include "ecg/sweep/search_space.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

// SweepExperiment is an experiment that a sweep can start.
struct SweepExperiment {
  std::string name;     // of its target: "resnet18_all"
  std::string program;  // the binary, from the root of the build: "examples/resnet18_all"
  spec::Experiment spec;
};

// SweepChanges are what the flags of a sweep change in all of its runs, and which of them are left.
struct SweepChanges {
  std::optional<spec::Experiment> settings;
  std::vector<std::string> set;
  // "AXIS=VALUE": the runs with these values. Axes of which it lists none keep all.
  std::vector<std::string> only = {};
};

// PlannedRun is one run.
struct PlannedRun {
  std::string name;
  const SweepExperiment* experiment = nullptr;
  // The value of each axis, and the assignments that it makes.
  std::vector<std::string> values;
  std::vector<std::vector<std::string>> axis_set;
  // All assignments, in order: the experiment's, the axes', those of --set.
  std::vector<std::string> set;
  spec::Experiment spec;
  // Where the sweep is searched: the number of the cell and of the setting in it, both from 0, and with successive
  // halving the rung.
  int cell = 0, setting = 0, rung = 0;
  // The run whose checkpoint this one goes on from: that of the rung before. nullptr: it is trained from the start.
  const PlannedRun* goes_on_from = nullptr;
};

// Plan is a sweep with its runs, in the order in which they are started. Runs may be added at the end: pointers to
// the others stay valid.
struct Plan {
  spec::Sweep sweep;
  // The values of each axis, in the order of tables. None for a searched axis.
  std::vector<std::vector<std::string>> values;
  std::deque<PlannedRun> runs;
  // Whether a search is not over, so that runs may be added.
  bool is_open = false;
  // The names of the runs that failed, as far as a search is concerned.
  std::set<std::string> failed;

  // is_searched says whether the sweep has axes that are searched.
  bool is_searched() const { return std::ranges::any_of(sweep.axis(), &spec::Axis::has_search); }

  // InOrder returns all runs in the order of results.csv, which does not depend on when they were added.
  std::vector<const PlannedRun*> InOrder() const;
};

// MakePlan returns the runs of `sweep`, which may start `experiments`; the plan points at these. That of a searched
// sweep has no runs yet. It appends what is wrong to `problems`, whose paths are in the sweep; the plan must not be
// used then.
Plan MakePlan(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments, const SweepChanges& changes,
              std::vector<Problem>* problems);

// RunsOfSetting returns the runs of one setting of the searched axes of a sweep that MakePlan has found no problem
// with. A setting may be impossible together with others: an error.
absl::StatusOr<std::deque<PlannedRun>> RunsOfSetting(const spec::Sweep& sweep,
                                                     const std::vector<SweepExperiment>& experiments,
                                                     const SweepChanges& changes, const Setting& setting);

}  // namespace ecg

#endif  // ECG_SWEEP_PLAN_H_

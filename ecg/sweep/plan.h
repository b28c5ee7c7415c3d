// plan.h
//
// The runs of a sweep: one for each experiment and each combination of values of the axes, named by its values.
//
//   std::vector<Problem> problems;
//   const Plan plan = MakePlan(sweep, experiments, {.set = {"training.epochs=2"}}, &problems);
//   plan.runs[0].name;   // "learning_rate=0.01,batch_size=64"
//   plan.runs[0].spec;   // the experiment with these values, every default filled in

#ifndef ECG_SWEEP_PLAN_H_
#define ECG_SWEEP_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/check.h"
#include "ecg/spec/nearest_name.h"
#include "ecg/spec/override.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/settings.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

// SweepExperiment is an experiment that a sweep can start.
struct SweepExperiment {
  std::string name;     // of its target: "resnet18_all"
  std::string program;  // the binary, from the root of the build: "examples/resnet18_all"
  spec::Experiment spec;
};

// SweepChanges are what the flags of a sweep change in all of its runs.
struct SweepChanges {
  std::optional<spec::Experiment> settings;
  std::vector<std::string> set;
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
};

// Plan is a sweep with its runs, in the order in which they are started.
struct Plan {
  spec::Sweep sweep;
  // The values of each axis, in the order of tables.
  std::vector<std::vector<std::string>> values;
  std::vector<PlannedRun> runs;
};

// IsRunWord says whether `word` can be part of the name of a run, which is the name of a folder.
inline bool IsRunWord(absl::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return absl::ascii_isalnum(c) || std::strchr("._+-", c); });
}

// Planner makes the runs of one sweep, and finds its problems.
class Planner {
 public:
  Planner(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments, const SweepChanges& changes,
          std::vector<Problem>* problems)
      : sweep_(sweep), experiments_(experiments), changes_(changes), problems_(*problems) {}

  Plan MakePlan() {
    Plan plan;
    plan.sweep = sweep_;
    CheckNames();
    if (!problems_.empty()) return plan;
    for (const spec::Axis& axis : sweep_.axis()) plan.values.push_back(OwnValues(axis));
    std::map<std::string, std::string> names;  // of runs, with their experiments
    for (int e = 0; e < sweep_.experiment_size(); ++e) {
      for (PlannedRun& run : RunsOf(e)) {
        for (size_t a = 0; a < run.values.size(); ++a) {
          if (std::ranges::count(plan.values[a], run.values[a]) == 0) plan.values[a].push_back(run.values[a]);
        }
        const auto [other, is_new] = names.emplace(run.name, run.experiment->name);
        if (!is_new) {
          Report(absl::StrCat("experiment[", e, "]"),
                 absl::StrCat("there are two runs ", run.name, ", of ", other->second, " and of ", run.experiment->name,
                              "; distinguish them with an axis and at: \"AXIS=VALUE\""));
          break;
        }
        plan.runs.push_back(std::move(run));
      }
    }
    CheckAllDiffer(plan.runs);
    Sort(plan);
    return plan;
  }

 private:
  // A value of an axis for one experiment.
  struct Value {
    std::string name;
    std::vector<std::string> set;
    std::string path;  // in the sweep
  };

  void Report(std::string path, std::string message) {
    // What is wrong for all experiments is said once.
    const bool is_known =
        std::ranges::any_of(problems_, [&](const Problem& one) { return one.path == path && one.message == message; });
    if (!is_known) problems_.push_back({std::move(path), std::move(message)});
  }

  // Reports names that occur twice or cannot be part of the name of a folder.
  void CheckWords(const std::vector<std::pair<std::string, std::string>>& paths_and_names, absl::string_view what) {
    std::set<std::string> seen;
    for (const auto& [path, name] : paths_and_names) {
      if (!IsRunWord(name)) {
        Report(path, absl::StrCat("the ", what, " \"", name,
                                  "\" cannot be part of the name of a run; use letters, digits and . _ + - only"));
      } else if (!seen.insert(name).second) {
        Report(path, absl::StrCat("the ", what, " ", name, " is given twice; keep one of the two"));
      }
    }
  }

  std::vector<std::string> AxisNames() const {
    std::vector<std::string> names;
    for (const spec::Axis& axis : sweep_.axis()) names.push_back(axis.name());
    return names;
  }

  // Reports that `name` is none of `known`.
  void CheckKnown(const std::string& path, absl::string_view what, const std::string& name,
                  const std::vector<std::string>& known, absl::string_view advice = "") {
    if (std::ranges::count(known, name) > 0) return;
    const std::optional<std::string> nearest = NearestName(name, known);
    Report(path, absl::StrCat("there is no ", what, " \"", name, "\"; ",
                              nearest ? absl::StrCat("did you mean ", *nearest, "?")
                                      : absl::StrCat("there is ", absl::StrJoin(known, ", "), advice)));
  }

  // Checks what needs no spec of an experiment.
  void CheckNames() {
    if (sweep_.experiment_size() == 0) Report("", "the sweep has no experiment; write experiment { name: \"...\" }");
    if (sweep_.axis_size() == 0) Report("", "the sweep has no axis; write axis { name: \"...\" ... }");
    std::vector<std::pair<std::string, std::string>> axes;
    for (int a = 0; a < sweep_.axis_size(); ++a) {
      const spec::Axis& axis = sweep_.axis(a);
      const std::string path = absl::StrCat("axis[", a, "]");
      axes.emplace_back(absl::StrCat(path, ".name"), axis.name());
      std::vector<std::pair<std::string, std::string>> values;
      for (int k = 0; k < axis.value_size(); ++k) {
        values.emplace_back(absl::StrCat(path, ".value[", k, "]"), axis.value(k));
      }
      for (int k = 0; k < axis.group_size(); ++k) {
        values.emplace_back(absl::StrCat(path, ".group[", k, "]"), axis.group(k).name());
      }
      CheckWords(values, "value");
      if (axis.value_size() > 0 && axis.field_size() == 0) {
        Report(path, absl::StrCat("the axis ", axis.name(), " has values and no field; write field: \"PATH\""));
      }
      if (axis.value_size() == 0 && axis.field_size() > 0) {
        Report(path, absl::StrCat("the axis ", axis.name(), " has a field and no values; write value: [\"...\"]"));
      }
    }
    CheckWords(axes, "axis");

    std::vector<std::string> targets;
    for (const SweepExperiment& experiment : experiments_) targets.push_back(experiment.name);
    std::set<std::string> used;
    for (int e = 0; e < sweep_.experiment_size(); ++e) {
      const spec::SweptExperiment& experiment = sweep_.experiment(e);
      const std::string path = absl::StrCat("experiment[", e, "]");
      used.insert(experiment.name());
      CheckKnown(absl::StrCat(path, ".name"), "experiment", experiment.name(), targets,
                 ": add it to the experiments of this sweep in its BUILD file");
      std::set<std::string> axes_at;
      for (int k = 0; k < experiment.at_size(); ++k) {
        const std::string at_path = absl::StrCat(path, ".at[", k, "]");
        const std::pair<std::string, std::string> at = absl::StrSplit(experiment.at(k), absl::MaxSplits('=', 1));
        if (!IsRunWord(at.second)) {
          Report(at_path,
                 absl::StrCat("at is \"", experiment.at(k), "\"; write \"AXIS=VALUE\", the value with letters, ",
                              "digits and . _ + - only"));
          continue;
        }
        CheckKnown(at_path, "axis", at.first, AxisNames());
        if (!axes_at.insert(at.first).second) {
          Report(at_path, absl::StrCat("the experiment is at two values of ", at.first, "; keep one of the two"));
        }
      }
    }
    for (const std::string& target : targets) {
      if (used.count(target) > 0) continue;
      Report("", absl::StrCat("the sweep does not run ", target,
                              ", which its target in the BUILD file names; add it here, or remove it there"));
    }
    std::vector<std::pair<std::string, std::string>> order;
    for (int k = 0; k < sweep_.order_size(); ++k) {
      order.emplace_back(absl::StrCat("order[", k, "]"), sweep_.order(k));
      CheckKnown(order.back().first, "axis", sweep_.order(k), AxisNames());
    }
    CheckWords(order, "axis");
  }

  static std::vector<std::string> OwnValues(const spec::Axis& axis) {
    std::vector<std::string> names(axis.value().begin(), axis.value().end());
    for (const spec::SettingGroup& group : axis.group()) names.push_back(group.name());
    return names;
  }

  // The value that `experiment` is at on the axis `axis`, if it is at any.
  static std::optional<std::string> ValueAt(const spec::SweptExperiment& experiment, const std::string& axis) {
    for (const std::string& at : experiment.at()) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(at, absl::MaxSplits('=', 1));
      if (parts.first == axis) return parts.second;
    }
    return std::nullopt;
  }

  // Applies `assignments` to a copy of `spec`, that of the experiment `name`, and checks each by itself.
  static absl::Status Try(const spec::Experiment& spec, const std::string& name,
                          const std::vector<std::string>& assignments) {
    spec::Experiment changed = spec;
    for (const std::string& assignment : assignments) {
      ECG_RETURN_IF_ERROR(SetByPath(changed, assignment));
      ECG_RETURN_IF_ERROR(WithContext(CheckCompiledUnchanged(spec, changed), name));
    }
    const std::vector<Problem> problems = CheckRanges(changed);
    return problems.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problems[0].message);
  }

  // Returns which of the fields of axis `a` an experiment with `spec` has; -1 after it has reported that it has none.
  int FieldOf(const spec::Experiment& spec, int a) {
    const spec::Axis& axis = sweep_.axis(a);
    absl::Status status;
    for (int k = 0; k < axis.field_size(); ++k) {
      spec::Experiment changed = spec;
      const std::string assignment = absl::StrCat(axis.field(k), "=", axis.value(0));
      status = SetByPath(changed, assignment);
      if (!status.ok()) break;
      status = CheckCompiledUnchanged(spec, changed);
      // A value that the field cannot take is reported beside the value.
      if (status.ok() || axis.field_size() == 1) return k;
    }
    Report(absl::StrCat("axis[", a, "].field"), std::string(status.message()));
    return -1;
  }

  // The values that experiment `e`, whose spec is `spec`, takes on axis `a`.
  std::vector<Value> ValuesOf(int e, const spec::Experiment& spec, int a) {
    const spec::Axis& axis = sweep_.axis(a);
    const std::string path = absl::StrCat("axis[", a, "]");
    const std::optional<std::string> at = ValueAt(sweep_.experiment(e), axis.name());
    const std::vector<std::string> own = OwnValues(axis);
    if (at.has_value() && std::ranges::count(own, *at) == 0) {
      return {{.name = *at, .set = {}, .path = absl::StrCat("experiment[", e, "].at")}};
    }
    std::vector<Value> values;
    if (axis.value_size() > 0) {
      const int field = FieldOf(spec, a);
      for (int k = 0; field >= 0 && k < axis.value_size(); ++k) {
        values.push_back({.name = axis.value(k),
                          .set = {absl::StrCat(axis.field(field), "=", axis.value(k))},
                          .path = absl::StrCat(path, ".value[", k, "]")});
      }
    }
    for (int k = 0; k < axis.group_size(); ++k) {
      values.push_back({.name = axis.group(k).name(),
                        .set = {axis.group(k).set().begin(), axis.group(k).set().end()},
                        .path = absl::StrCat(path, ".group[", k, "]")});
    }
    if (at.has_value()) std::erase_if(values, [&](const Value& value) { return value.name != *at; });
    if (own.empty()) {
      Report(absl::StrCat("experiment[", e, "]"),
             absl::StrCat(sweep_.experiment(e).name(), " has no value on the axis ", axis.name(), "; write at: \"",
                          axis.name(), "=VALUE\", or give the axis values of its own"));
    }
    for (const Value& value : values) {
      const absl::Status status = Try(spec, sweep_.experiment(e).name(), value.set);
      if (!status.ok()) Report(value.path, std::string(status.message()));
    }
    return values;
  }

  // The runs of experiment `e`, the last axis changing fastest; none after something was reported.
  std::vector<PlannedRun> RunsOf(int e) {
    const spec::SweptExperiment& swept = sweep_.experiment(e);
    const std::string path = absl::StrCat("experiment[", e, "]");
    const SweepExperiment& experiment =
        *std::ranges::find(experiments_, swept.name(), [](const SweepExperiment& one) { return one.name; });
    spec::Experiment base = experiment.spec;
    absl::Status status = changes_.settings ? ApplySettings(*changes_.settings, base) : absl::OkStatus();
    const std::vector<std::string> own_set(swept.set().begin(), swept.set().end());
    if (status.ok()) status = Override(base, own_set);
    if (!status.ok()) {
      Report(path, absl::StrCat(swept.name(), ": ", std::string(status.message())));
      return {};
    }

    std::vector<PlannedRun> runs(1);
    runs[0].experiment = &experiment;
    runs[0].set = own_set;
    for (int a = 0; a < sweep_.axis_size(); ++a) {
      std::vector<PlannedRun> longer;
      const std::vector<Value> values = ValuesOf(e, base, a);
      for (const PlannedRun& run : runs) {
        for (const Value& value : values) {
          PlannedRun& one = longer.emplace_back(run);
          absl::StrAppend(&one.name, a == 0 ? "" : ",", sweep_.axis(a).name(), "=", value.name);
          one.values.push_back(value.name);
          one.axis_set.push_back(value.set);
          one.set.insert(one.set.end(), value.set.begin(), value.set.end());
        }
      }
      runs = std::move(longer);
    }
    if (!problems_.empty()) return {};
    for (PlannedRun& run : runs) {
      run.set.insert(run.set.end(), changes_.set.begin(), changes_.set.end());
      run.spec = experiment.spec;
      status = changes_.settings ? ApplySettings(*changes_.settings, run.spec) : absl::OkStatus();
      if (status.ok()) status = Override(run.spec, run.set);
      if (!status.ok()) {
        Report(path, absl::StrCat("the run ", run.name, ": ", std::string(status.message())));
        return {};  // the others would report the same
      }
      run.spec = Resolve(run.spec);
    }
    return runs;
  }

  // Reports two runs that would compute the same.
  void CheckAllDiffer(const std::vector<PlannedRun>& runs) {
    std::map<std::string, const PlannedRun*> seen;
    for (const PlannedRun& run : runs) {
      const auto [other, is_new] = seen.emplace(absl::StrCat(run.experiment->name, "\n", ToText(run.spec)), &run);
      if (is_new) continue;
      Report("axis",
             absl::StrCat("the runs ", other->second->name, " and ", run.name,
                          " would be the same; remove one of the two values, or the --set that overrides them"));
      return;
    }
  }

  // Brings the runs into the order that the sweep asks for.
  void Sort(Plan& plan) const {
    std::vector<int> slowest_first;
    const std::vector<std::string> names = AxisNames();
    for (const std::string& axis : sweep_.order()) {
      slowest_first.push_back(static_cast<int>(std::ranges::find(names, axis) - names.begin()));
    }
    for (int a = 0; a < sweep_.axis_size(); ++a) {
      if (std::ranges::count(slowest_first, a) == 0) slowest_first.push_back(a);
    }
    const auto key = [&](const PlannedRun& run) {
      std::vector<size_t> places;
      for (const int a : slowest_first) {
        places.push_back(std::ranges::find(plan.values[a], run.values[a]) - plan.values[a].begin());
      }
      return places;
    };
    std::ranges::stable_sort(plan.runs, {}, key);
  }

  const spec::Sweep& sweep_;
  const std::vector<SweepExperiment>& experiments_;
  const SweepChanges& changes_;
  std::vector<Problem>& problems_;
};

// MakePlan returns the runs of `sweep`, which may start `experiments`; the plan points at these. It appends what is wrong
// to `problems`, whose paths are in the sweep; the plan must not be used then.
inline Plan MakePlan(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments,
                     const SweepChanges& changes, std::vector<Problem>* problems) {
  return Planner(sweep, experiments, changes, problems).MakePlan();
}

}  // namespace ecg

#endif  // ECG_SWEEP_PLAN_H_

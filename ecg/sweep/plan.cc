#include "ecg/sweep/plan.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
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
#include "ecg/sweep/search_space.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

std::vector<const PlannedRun*> Plan::InOrder() const {
  std::vector<const PlannedRun*> ordered;
  for (const PlannedRun& run : runs) ordered.push_back(&run);
  std::ranges::stable_sort(ordered, {}, [](const PlannedRun* run) {
    return std::array<int, 3>{run->setting, run->cell, run->rung};
  });
  return ordered;
}

namespace {

// IsRunWord says whether `word` can be part of the name of a run, which is the name of a folder.
bool IsRunWord(absl::string_view word) {
  return !word.empty() &&
         std::all_of(word.begin(), word.end(), [](char c) { return absl::ascii_isalnum(c) || std::strchr("._+-", c); });
}

// Planner makes the runs of one sweep, and finds its problems.
class Planner {
 public:
  Planner(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments, const SweepChanges& changes,
          std::vector<Problem>* problems)
      : sweep_(sweep), experiments_(experiments), changes_(changes), problems_(*problems) {}

  // MakePlan returns all runs. Those of a searched sweep are of one setting: `setting`, the values of its searched
  // axes.
  Plan MakePlan(const Setting& setting = {}) {
    Plan plan;
    plan.sweep = sweep_;
    CheckNames();
    if (!problems_.empty()) return plan;
    setting_ = setting;
    for (const spec::Axis& axis : sweep_.axis()) {
      plan.values.push_back(axis.has_search() ? std::vector<std::string>() : OwnValues(axis));
    }
    std::map<std::string, std::string> names;  // of runs, with their experiments
    for (int e = 0; e < sweep_.experiment_size(); ++e) {
      for (PlannedRun& run : RunsOf(e)) {
        for (size_t a = 0; a < run.values.size(); ++a) {
          if (sweep_.axis(static_cast<int>(a)).has_search()) continue;
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
    KeepOnly(plan);
    Sort(plan);
    return plan;
  }

  // MakeSearchedPlan checks a searched sweep at the two ends of its ranges, and returns its plan, without runs.
  Plan MakeSearchedPlan() {
    Plan plan;
    CheckNames();
    if (problems_.empty()) {
      const SearchSpace space(sweep_);
      plan = MakePlan(space.Lowest());
      if (problems_.empty()) {
        Plan highest = MakePlan(space.Highest());
        std::ranges::move(highest.runs, std::back_inserter(plan.runs));
        if (problems_.empty()) CheckAllDiffer(plan.runs);
      }
      for (const PlannedRun& run : plan.runs) CheckEpochs(run);
    }
    plan.sweep = sweep_;
    for (spec::Axis& axis : *plan.sweep.mutable_axis()) {
      if (axis.has_search()) axis.set_use(spec::Axis::CHOSEN);
    }
    plan.runs.clear();
    plan.is_open = true;
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
      if (axis.has_baseline()) CheckBaseline(absl::StrCat(path, ".baseline"), axis);
      if (axis.has_search()) {
        CheckSearched(path, axis);
        continue;
      }
      if (axis.value_size() > 0 && axis.field_size() == 0) {
        Report(path, absl::StrCat("the axis ", axis.name(), " has values and no field; write field: \"PATH\""));
      }
      if (axis.value_size() == 0 && axis.field_size() > 0) {
        Report(path, absl::StrCat("the axis ", axis.name(), " has a field and no values; write value: [\"...\"]"));
      }
    }
    CheckWords(axes, "axis");
    CheckSearch();

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

  // Removes the runs of `plan` that changes_.only does not list.
  void KeepOnly(Plan& plan) {
    std::map<std::string, std::set<std::string>> kept;
    for (const std::string& text : changes_.only) {
      const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
      kept[parts.first].insert(parts.second);
    }
    const std::vector<std::string> axes = AxisNames();
    const bool had_runs = !plan.runs.empty(), had_problems = !problems_.empty();
    for (const auto& [axis, values] : kept) {
      const size_t a = std::ranges::find(axes, axis) - axes.begin();
      const std::set<std::string> known = a < axes.size()
                                              ? std::set<std::string>(plan.values[a].begin(), plan.values[a].end())
                                              : std::set<std::string>();
      for (const std::string& value : values) {
        if (known.count(value) > 0) continue;
        Report("", absl::StrCat(
                       "--only=", axis, "=", value, ": ",
                       a == axes.size()
                           ? absl::StrCat("the sweep has no axis ", axis, "; its axes are ", absl::StrJoin(axes, ", "))
                       : known.empty() ? absl::StrCat("the values of ", axis, " are searched in a range")
                                       : absl::StrCat("the values of ", axis, " are ", absl::StrJoin(known, ", "))));
      }
      if (a < axes.size()) {
        std::erase_if(plan.runs, [&](const PlannedRun& run) { return values.count(run.values[a]) == 0; });
      }
    }
    if (plan.runs.empty() && had_runs && !had_problems && problems_.empty()) {
      Report("", absl::StrCat("no run has all of --only=", absl::StrJoin(changes_.only, " --only=")));
    }
  }

  // Checks the baseline of `axis`, which is at `path`.
  void CheckBaseline(const std::string& path, const spec::Axis& axis) {
    if (axis.use() != spec::Axis::ROW || axis.has_search()) {
      Report(path, absl::StrCat("the axis ", axis.name(), " has a baseline and is no axis of rows; leave it out"));
    }
    std::vector<std::string> known = OwnValues(axis);
    for (const spec::SweptExperiment& experiment : sweep_.experiment()) {
      if (const std::optional<std::string> at = ValueAt(experiment, axis.name())) known.push_back(*at);
    }
    CheckKnown(path, "value", axis.baseline(), known);
  }

  // Checks one searched axis, which is at `path`.
  void CheckSearched(const std::string& path, const spec::Axis& axis) {
    const spec::AxisSearch& search = axis.search();
    const size_t values = OwnValues(axis).size();
    const auto report = [&](absl::string_view below, absl::string_view message) {
      Report(absl::StrCat(path, below), absl::StrCat("the axis ", axis.name(), " ", message));
    };
    if (axis.has_use() && axis.use() != spec::Axis::CHOSEN) {
      report(".use", "is searched, so that its use is CHOSEN; leave out its use, or its search");
    }
    const auto check_range = [&](const auto& range, absl::string_view name) {
      const std::string below = absl::StrCat(".search.", name);
      if (values > 0) {
        report(below, "has values as well as a range; write search { choice {} }, or leave out the values");
      }
      if (axis.field_size() == 0) report(below, "has a range and no field; write field: \"PATH\"");
      if (!range.has_low() || !range.has_high() || range.low() >= range.high()) {
        report(below, absl::StrCat("goes from ", range.low(), " to ", range.high(), "; low must be below high"));
      }
    };
    switch (search.values_case()) {
      case spec::AxisSearch::kUniform:
        return check_range(search.uniform(), "uniform");
      case spec::AxisSearch::kLogUniform:
        if (search.log_uniform().low() <= 0) {
          report(".search.log_uniform", "has a logarithm, so that low must be above 0");
        }
        return check_range(search.log_uniform(), "log_uniform");
      case spec::AxisSearch::kInteger:
        return check_range(search.integer(), "integer");
      case spec::AxisSearch::kChoice:
        if (values < 2) {
          report(".search.choice", "chooses among fewer than two values; write value: [...] or group {...}");
        }
        if (axis.value_size() > 0 && axis.field_size() == 0) {
          report(".search.choice", "has values and no field; write field: \"PATH\"");
        }
        return;
      case spec::AxisSearch::VALUES_NOT_SET:
        report(".search",
               "does not say what is searched; write uniform {...}, log_uniform {...}, integer {...} or choice {}");
    }
  }

  // Checks that a run has enough epochs for halving.
  void CheckEpochs(const PlannedRun& run) {
    if (!sweep_.search().has_halving()) return;
    int settings = 1;
    for (int rung = 1; rung < sweep_.search().halving().rungs(); ++rung) settings *= sweep_.search().halving().factor();
    if (run.spec.training().epochs() >= settings) return;
    Report("search.halving", absl::StrCat("training.epochs of ", run.experiment->name, " is ",
                                          run.spec.training().epochs(), ", so that the first rung, 1/", settings,
                                          " of it, has no epoch; write fewer rungs or more epochs"));
  }

  // Checks how the sweep is searched.
  void CheckSearch() {
    const bool is_searched = std::ranges::any_of(sweep_.axis(), &spec::Axis::has_search);
    if (!is_searched && sweep_.has_search()) {
      Report("search", "no axis is searched; write search {...} in an axis, or leave this out");
    }
    if (!is_searched) return;
    const spec::Search& search = sweep_.search();
    if (!sweep_.has_search()) {
      Report("", "an axis is searched, and the sweep does not say for how long; write search { budget_runs: ... }");
    } else if (!search.has_budget_runs() && !search.has_budget_hours()) {
      Report("search", "the search has no end; write budget_runs or budget_hours");
    }
    const auto at_least = [&](bool right, absl::string_view field, absl::string_view least) {
      const std::string path = absl::StrCat("search.", field);
      if (!right) Report(path, absl::StrCat(path, " must be at least ", least));
    };
    at_least(!search.has_budget_runs() || search.budget_runs() >= 1, "budget_runs", "1");
    if (search.has_budget_hours() && !(search.budget_hours() > 0)) {
      Report("search.budget_hours", "search.budget_hours must be above 0");
    }
    at_least(search.parallel() >= 1, "parallel", "1");
    at_least(search.random_settings() >= 1, "random_settings", "1");
    if (search.has_halving()) {
      at_least(search.halving().factor() >= 2, "halving.factor", "2");
      at_least(search.halving().rungs() >= 2, "halving.rungs", "2");
      if (search.halving().factor() > 10 || search.halving().rungs() > 6) {
        Report("search.halving", "search.halving must have a factor of at most 10 and at most 6 rungs");
      }
    }
    for (int a = 0; a < sweep_.axis_size(); ++a) {
      const spec::Axis& axis = sweep_.axis(a);
      if (axis.use() == spec::Axis::POOLED) {
        Report(absl::StrCat("axis[", a, "].use"),
               absl::StrCat("the axis ", axis.name(), " is POOLED, which a search cannot do; write use: AVERAGED"));
      }
      if (!axis.has_search() && axis.use() == spec::Axis::CHOSEN) {
        Report(absl::StrCat("axis[", a, "].use"),
               absl::StrCat("the axis ", axis.name(),
                            " is CHOSEN beside axes that are searched; write search { choice {} } in it"));
      }
      const bool is_of_epochs = axis.name() == "epochs" || std::ranges::count(axis.field(), "training.epochs") > 0;
      if (search.has_halving() && is_of_epochs) {
        Report(absl::StrCat("axis[", a, "]"),
               "the numbers of epochs are those of halving; leave out this axis or halving");
      }
    }
  }

  static std::vector<std::string> OwnValues(const spec::Axis& axis) {
    std::vector<std::string> names(axis.value().begin(), axis.value().end());
    for (const spec::SettingGroup& group : axis.group()) names.push_back(group.name());
    return names;
  }

  // The value of the searched axis `a`.
  const std::string& ValueOf(int a) const {
    size_t place = 0;
    for (int i = 0; i < a; ++i) place += sweep_.axis(i).has_search();
    return setting_[place];
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
  int FieldOf(const spec::Experiment& spec, int a, const std::string& value) {
    const spec::Axis& axis = sweep_.axis(a);
    absl::Status status;
    for (int k = 0; k < axis.field_size(); ++k) {
      spec::Experiment changed = spec;
      const std::string assignment = absl::StrCat(axis.field(k), "=", value);
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
    if (at.has_value() && axis.has_search()) {
      Report(absl::StrCat("experiment[", e, "].at"),
             absl::StrCat("the axis ", axis.name(), " is searched; no experiment can be at one value of it"));
      return {};
    }
    if (at.has_value() && std::ranges::count(own, *at) == 0) {
      return {{.name = *at, .set = {}, .path = absl::StrCat("experiment[", e, "].at")}};
    }
    std::vector<Value> values;
    const bool is_range = axis.has_search() && !axis.search().has_choice();
    if (is_range) {
      const std::string& value = ValueOf(a);
      const int field = FieldOf(spec, a, value);
      if (field < 0) return {};
      values.push_back(
          {.name = value, .set = {absl::StrCat(axis.field(field), "=", value)}, .path = absl::StrCat(path, ".search")});
    }
    if (axis.value_size() > 0) {
      const int field = FieldOf(spec, a, axis.value(0));
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
    if (own.empty() && !is_range) {
      Report(absl::StrCat("experiment[", e, "]"),
             absl::StrCat(sweep_.experiment(e).name(), " has no value on the axis ", axis.name(), "; write at: \"",
                          axis.name(), "=VALUE\", or give the axis values of its own"));
    }
    for (const Value& value : values) {
      const absl::Status status = Try(spec, sweep_.experiment(e).name(), value.set);
      if (!status.ok()) Report(value.path, std::string(status.message()));
    }
    if (axis.has_search()) std::erase_if(values, [&](const Value& value) { return value.name != ValueOf(a); });
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
  void CheckAllDiffer(const std::deque<PlannedRun>& runs) {
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
  Setting setting_;
};

}  // namespace

Plan MakePlan(const spec::Sweep& sweep, const std::vector<SweepExperiment>& experiments, const SweepChanges& changes,
              std::vector<Problem>* problems) {
  Planner planner(sweep, experiments, changes, problems);
  if (std::ranges::none_of(sweep.axis(), &spec::Axis::has_search)) return planner.MakePlan();
  return planner.MakeSearchedPlan();
}

absl::StatusOr<std::deque<PlannedRun>> RunsOfSetting(const spec::Sweep& sweep,
                                                     const std::vector<SweepExperiment>& experiments,
                                                     const SweepChanges& changes, const Setting& setting) {
  std::vector<Problem> problems;
  Plan plan = Planner(sweep, experiments, changes, &problems).MakePlan(setting);
  if (!problems.empty()) return absl::InvalidArgumentError(problems[0].message);
  return std::move(plan.runs);
}

}  // namespace ecg

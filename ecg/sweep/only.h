// only.h
//
// A part of a sweep: the runs with some values of its axes.
//
//   ECG_RETURN_IF_ERROR(KeepOnly({"recipe=mixup", "recipe=cutmix", "network=resnet18"}, sweep));

#ifndef ECG_SWEEP_ONLY_H_
#define ECG_SWEEP_ONLY_H_

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "proto/sweep.pb.h"

namespace ecg {

namespace only_internal {

// Keep removes those of `elements` that `is_kept` denies.
template <typename Elements, typename Predicate>
void Keep(Elements& elements, Predicate is_kept) {
  Elements kept;
  for (auto& element : elements) {
    if (is_kept(element)) *kept.Add() = std::move(element);
  }
  elements.Swap(&kept);
}

// PlaceOf splits "AXIS=VALUE".
inline std::pair<std::string, std::string> PlaceOf(absl::string_view text) {
  return absl::StrSplit(text, absl::MaxSplits('=', 1));
}

}  // namespace only_internal

// KeepOnly removes from `sweep` the values of axes, and the experiments at them, that `only` does not list as
// "AXIS=VALUE". Axes of which it lists none keep all. Fails where there is no such axis, or value of it.
inline absl::Status KeepOnly(const std::vector<std::string>& only, spec::Sweep& sweep) {
  using only_internal::Keep;
  using only_internal::PlaceOf;
  std::map<std::string, std::set<std::string>> kept;
  for (const std::string& text : only) {
    const auto [axis, value] = PlaceOf(text);
    kept[axis].insert(value);
  }
  std::vector<std::string> axes;
  for (spec::Axis& axis : *sweep.mutable_axis()) {
    axes.push_back(axis.name());
    const auto found = kept.find(axis.name());
    if (found == kept.end()) continue;
    std::set<std::string> known(axis.value().begin(), axis.value().end());
    for (const spec::SettingGroup& group : axis.group()) known.insert(group.name());
    for (const spec::SweptExperiment& experiment : sweep.experiment()) {
      for (const std::string& at : experiment.at()) {
        if (const auto [name, value] = PlaceOf(at); name == axis.name()) known.insert(value);
      }
    }
    for (const std::string& value : found->second) {
      if (known.count(value) > 0) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "--only=", axis.name(), "=", value, ": ",
          known.empty() ? absl::StrCat("the values of ", axis.name(), " are searched in a range")
                        : absl::StrCat("the values of ", axis.name(), " are ", absl::StrJoin(known, ", "))));
    }
    const auto is_kept = [&](const std::string& value) { return found->second.count(value) > 0; };
    if (!is_kept(axis.baseline())) axis.clear_baseline();
    const bool had_values = axis.value_size() + axis.group_size() > 0;
    Keep(*axis.mutable_value(), is_kept);
    Keep(*axis.mutable_group(), [&](const spec::SettingGroup& group) { return is_kept(group.name()); });
    const bool has_values = axis.value_size() + axis.group_size() > 0;
    if (!has_values) axis.clear_field();
    Keep(*sweep.mutable_experiment(), [&](const spec::SweptExperiment& experiment) {
      for (const std::string& at : experiment.at()) {
        if (const auto [name, value] = PlaceOf(at); name == axis.name()) return is_kept(value);
      }
      // At no value of its own, it has those of the axis.
      return has_values || !had_values;
    });
    kept.erase(found);
  }
  if (kept.empty()) return absl::OkStatus();
  const std::string& unknown = kept.begin()->first;
  return absl::InvalidArgumentError(absl::StrCat("--only=", unknown, "=", *kept.begin()->second.begin(),
                                                 ": the sweep has no axis ", unknown, "; its axes are ",
                                                 absl::StrJoin(axes, ", ")));
}

}  // namespace ecg

#endif  // ECG_SWEEP_ONLY_H_

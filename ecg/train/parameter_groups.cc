#include "ecg/train/parameter_groups.h"

#include <torch/nn/module.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/model/network.h"
#include "ecg/model/partial_weights.h"
#include "ecg/model/state_names.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/optimizer.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

bool IsFrozenIn(const spec::ParameterGroup& group, int epoch) {
  return group.frozen() || epoch <= group.frozen_epochs();
}

}  // namespace

absl::StatusOr<ParameterGroups> ParameterGroups::Create(const spec::Training& training, Network& network) {
  ParameterGroups groups;
  const std::vector<NetworkMember> members = network.Members();
  std::vector<std::string> names;
  for (const auto& item : members[0].network->named_parameters()) names.push_back(item.key());
  std::set<std::string> prefixes;
  for (const spec::ParameterGroup& group : training.parameter_group()) {
    ECG_RETURN_IF_ERROR(WithContext(CheckMatches(group.prefix(), names, "the network"), "training.parameter_group"));
    if (!prefixes.emplace(absl::StripSuffix(group.prefix(), ".")).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("training.parameter_group has the prefix \"", group.prefix(), "\" twice; keep one of the two"));
    }
    for (const NetworkMember& member : members) {
      groups.groups_.emplace_back(group).set_prefix(absl::StrCat(member.prefix, group.prefix()));
    }
  }
  const bool trains = std::ranges::any_of(names, [&](const std::string& name) {
    return !groups.IsFrozen(absl::StrCat(members[0].prefix, name), /*epoch=*/1);
  });
  if (!trains) {
    return absl::InvalidArgumentError(
        "training.parameter_group freezes every parameter in the first epoch, so that nothing is trained; leave out a "
        "part, such as the head");
  }
  return groups;
}

std::vector<OptimizerGroup> ParameterGroups::ForOptimizer(int64_t steps_in_epoch) const {
  std::vector<OptimizerGroup> groups;
  for (const spec::ParameterGroup& group : groups_) {
    groups.push_back({.prefix = group.prefix(),
                      .learning_rate_factor = group.learning_rate_factor(),
                      .frozen_steps = group.frozen() ? 0 : group.frozen_epochs() * steps_in_epoch});
  }
  return groups;
}

void ParameterGroups::Freeze(torch::nn::Module& network, int epoch) const {
  if (groups_.empty()) return;
  for (auto& item : network.named_parameters()) item.value().set_requires_grad(!IsFrozen(item.key(), epoch));
  // A module comes before those in it, which may be of another group.
  for (const auto& item : network.named_modules(/*name_prefix=*/"", /*include_self=*/false)) {
    item.value()->train(!IsFrozen(item.key(), epoch));
  }
}

bool ParameterGroups::Changes(int epoch) const {
  return std::ranges::any_of(groups_, [epoch](const spec::ParameterGroup& group) {
    return IsFrozenIn(group, epoch) != IsFrozenIn(group, epoch - 1);
  });
}

const spec::ParameterGroup* ParameterGroups::GroupOf(absl::string_view name) const {
  return LongestPrefix(groups_, name,
                       [](const spec::ParameterGroup& group) { return absl::string_view(group.prefix()); });
}

bool ParameterGroups::IsFrozen(absl::string_view name, int epoch) const {
  const spec::ParameterGroup* group = GroupOf(name);
  return group != nullptr && IsFrozenIn(*group, epoch);
}

}  // namespace ecg

// parameter_groups.h
//
// Groups of parameters that are trained otherwise than the rest, by the beginning of their names: with another learning
// rate, later, or not at all.
//
//   ECG_ASSIGN_OR_RETURN(const ParameterGroups groups, ParameterGroups::Create(spec.training(), *network));
//   Optimizer optimizer(*network, std::move(rule), learning_rate, groups.ForOptimizer(/*steps_in_epoch=*/100));
//   network->train();
//   groups.Freeze(*network, /*epoch=*/1);

#ifndef ECG_TRAIN_PARAMETER_GROUPS_H_
#define ECG_TRAIN_PARAMETER_GROUPS_H_

#include <torch/nn/module.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/model/network.h"
#include "ecg/train/optimizer.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ParameterGroups are those of a spec. A parameter is in the group with the longest prefix of its name.
class ParameterGroups {
 public:
  // None: all parameters are trained alike.
  ParameterGroups() = default;

  // Create checks that each prefix is that of a parameter of `network` and given once, and that some parameter is
  // trained in each epoch. In an ensemble each group is that of the parameters of all members.
  static absl::StatusOr<ParameterGroups> Create(const spec::Training& training, Network& network);

  // ForOptimizer returns the groups as an optimizer has them, where an epoch has `steps_in_epoch` steps.
  std::vector<OptimizerGroup> ForOptimizer(int64_t steps_in_epoch) const;

  // Freeze makes the groups of `network` that are frozen in epoch `epoch`, from 1, have no gradients, and puts their
  // modules in evaluation mode; others have gradients. It is called after network.train().
  void Freeze(torch::nn::Module& network, int epoch) const;

  // Changes returns whether epoch `epoch` has other frozen groups than the one before.
  bool Changes(int epoch) const;

 private:
  // GroupOf returns the group of a parameter or module called `name`, or nullptr.
  const spec::ParameterGroup* GroupOf(absl::string_view name) const;
  bool IsFrozen(absl::string_view name, int epoch) const;

  std::vector<spec::ParameterGroup> groups_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_PARAMETER_GROUPS_H_

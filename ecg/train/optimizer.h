// optimizer.h
//
// The parameters of one network, with what an update rule remembers of each, and the learning rate. LibTorch has
// optimizers too, but keeps their state under memory addresses, differently in each version, which a checkpoint cannot
// use.
//
//   Optimizer optimizer(*network, UpdateRules::Erase(Adam()), /*learning_rate=*/0.001);
//   optimizer.ZeroGradients();
//   loss.backward();
//   optimizer.Step();

#ifndef ECG_TRAIN_OPTIMIZER_H_
#define ECG_TRAIN_OPTIMIZER_H_

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/model/state_names.h"
#include "ecg/model/undecayed.h"
#include "ecg/model/weights.h"
#include "ecg/train/update_rule.h"

namespace ecg {

// OptimizerGroup is parameters by the prefix of their names (IsUnder in ecg/model/state_names.h), which are trained
// with another learning rate. They may have no gradients in the first `frozen_steps` steps; a rule then counts from
// there.
struct OptimizerGroup {
  std::string prefix;
  double learning_rate_factor = 1;
  int64_t frozen_steps = 0;
};

// Optimizer changes the parameters of a network. What changes from step to step (the number of steps, learning rate,
// momentum) lies in tensors on the network's device, so that a step can be recorded and replayed.
class Optimizer {
 public:
  // The network must be on its device already, and outlive the optimizer. A parameter is in the one of `groups` with
  // the longest prefix of its name.
  Optimizer(const torch::nn::Module& network, std::unique_ptr<AnyUpdateRule> rule, double learning_rate,
            std::vector<OptimizerGroup> groups = {})
      : rule_(std::move(rule)), base_learning_rate_(learning_rate), groups_(std::move(groups)) {
    groups_.push_back({});  // of the parameters that are in no other
    const std::vector<std::string> names = rule_->moments();
    const std::vector<torch::Tensor> undecayed = UndecayedIn(network);
    for (const auto& item : network.named_parameters()) {
      const bool is_marked =
          std::ranges::any_of(undecayed, [&](const torch::Tensor& marked) { return marked.is_same(item.value()); });
      const OptimizerGroup* group =
          LongestPrefix(groups_, item.key(), [](const OptimizerGroup& one) { return absl::string_view(one.prefix); });
      Slot& slot = slots_.emplace_back(
          Slot{item.key(), item.value(), item.value().dim() >= 2 && !is_marked, group - groups_.data(), {}});
      for (const std::string& name : names) slot.moments.emplace_back(name, torch::zeros_like(slot.parameter).detach());
    }
    const torch::Device device = slots_.at(0).parameter.device();
    step_ = torch::zeros({}, torch::dtype(torch::kFloat32).device(device));
    for (const OptimizerGroup& group : groups_) {
      learning_rates_.push_back(
          torch::full({}, learning_rate * group.learning_rate_factor, torch::dtype(torch::kFloat64).device(device)));
    }
  }

  // SetSchedule makes `factor` of the learning rate, and `momentum` in place of the rule's own, count from the next
  // step on. It is called on the host, outside recorded work.
  void SetSchedule(double factor, std::optional<double> momentum) {
    const torch::NoGradGuard no_grad;
    for (size_t g = 0; g < groups_.size(); ++g) {
      learning_rates_[g].fill_(base_learning_rate_ * factor * groups_[g].learning_rate_factor);
    }
    if (!momentum) return;
    if (!momentum_) momentum_ = torch::empty_like(learning_rates_[0]);
    momentum_->fill_(*momentum);
  }

  // ZeroGradients releases the gradients of the last step; with `keep_memory` it sets them to 0 in place, so that the
  // next ones are added.
  void ZeroGradients(bool keep_memory = false) {
    for (Slot& slot : slots_) {
      torch::Tensor& gradient = slot.parameter.mutable_grad();
      if (keep_memory && gradient.defined()) {
        gradient.zero_();
      } else {
        gradient = torch::Tensor();
      }
    }
  }

  // ClipGradients scales all gradients down to the L2 norm `largest`, where theirs is larger. It does not wait for the
  // device.
  void ClipGradients(double largest) {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> norms;
    for (const Slot& slot : slots_) {
      if (slot.parameter.grad().defined()) norms.push_back(slot.parameter.grad().norm());
    }
    const torch::Tensor scale = (largest / (torch::stack(norms).norm() + 1e-6)).clamp_max(1);
    for (Slot& slot : slots_) {
      if (slot.parameter.grad().defined()) slot.parameter.mutable_grad().mul_(scale);
    }
  }

  // Step changes each parameter that has a gradient. Weight decay is for parameters of two dimensions and more, which
  // leaves out biases and the parameters of norms, unless a module marks them (ecg/model/undecayed.h).
  void Step() {
    const torch::NoGradGuard no_grad;
    step_.add_(1);
    for (size_t g = 0; g < groups_.size(); ++g) {
      const int64_t frozen_steps = groups_[g].frozen_steps;
      // A run that goes on with fewer processes may have made fewer steps than its frozen epochs have now.
      const torch::Tensor step = frozen_steps == 0 ? step_ : (step_ - static_cast<double>(frozen_steps)).clamp_min(1);
      for (const bool decays : {true, false}) StepGroup(static_cast<ptrdiff_t>(g), step, decays);
    }
  }

  // state returns what is remembered, by name; the tensors can be written into.
  NamedTensors state() const {
    NamedTensors state;
    for (const Slot& slot : slots_) {
      for (const auto& [name, moment] : slot.moments) state.emplace(absl::StrCat(name, ".", slot.name), moment);
    }
    return state;
  }

  // steps says how often the weights were changed. It is counted on the device, so that a step which is recorded and
  // replayed counts each time.
  int64_t steps() const { return std::llround(step_.item<float>()); }
  void set_steps(int64_t steps) { step_.fill_(steps); }

  // step returns that number on the device, float32 [].
  const torch::Tensor& step() const { return step_; }

  // learning_rate returns that of the next step, of the parameters that are in no group.
  double learning_rate() const { return learning_rates_.back().item<double>(); }

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter;
    bool decays;
    ptrdiff_t group;  // its index
    std::vector<std::pair<std::string, torch::Tensor>> moments;
  };

  // StepGroup changes the parameters of group `group` that weight decay applies to, or the others; `number` is of the
  // step.
  void StepGroup(ptrdiff_t group, const torch::Tensor& number, bool decays) {
    UpdateStep step = {number, learning_rates_[group], momentum_, decays, {}, {}, {}};
    step.moments.resize(rule_->moments().size());
    for (Slot& slot : slots_) {
      const torch::Tensor& gradient = slot.parameter.grad();
      if (!gradient.defined() || slot.decays != decays || slot.group != group) continue;
      step.parameters.push_back(slot.parameter);
      // Along a dimension of size 1 it may have another stride, which one kernel for all does not take.
      const bool is_alike = gradient.strides() == slot.parameter.strides();
      step.gradients.push_back(is_alike ? gradient : torch::empty_like(slot.parameter).copy_(gradient));
      for (size_t i = 0; i < slot.moments.size(); ++i) step.moments[i].push_back(slot.moments[i].second);
    }
    if (!step.parameters.empty()) rule_->Update(step);
  }

  const std::unique_ptr<AnyUpdateRule> rule_;
  const double base_learning_rate_;
  std::vector<OptimizerGroup> groups_;
  std::vector<Slot> slots_;
  torch::Tensor step_;
  std::vector<torch::Tensor> learning_rates_;  // one for each group
  std::optional<torch::Tensor> momentum_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_OPTIMIZER_H_

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

#include <torch/torch.h>

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
#include "ecg/model/undecayed.h"
#include "ecg/model/weights.h"
#include "ecg/train/update_rule.h"

namespace ecg {

// Optimizer changes the parameters of a network. What changes from step to step (the number of steps, learning rate,
// momentum) lies in tensors on the network's device, so that a step can be recorded and replayed.
class Optimizer {
 public:
  // The network must be on its device already, and outlive the optimizer.
  Optimizer(const torch::nn::Module& network, std::unique_ptr<AnyUpdateRule> rule, double learning_rate)
      : rule_(std::move(rule)), base_learning_rate_(learning_rate) {
    const std::vector<std::string> names = rule_->moments();
    const std::vector<torch::Tensor> undecayed = UndecayedIn(network);
    for (const auto& item : network.named_parameters()) {
      const bool is_marked =
          std::ranges::any_of(undecayed, [&](const torch::Tensor& marked) { return marked.is_same(item.value()); });
      Slot& slot = slots_.emplace_back(Slot{item.key(), item.value(), item.value().dim() >= 2 && !is_marked, {}});
      for (const std::string& name : names) slot.moments.emplace_back(name, torch::zeros_like(slot.parameter).detach());
    }
    const torch::Device device = slots_.at(0).parameter.device();
    step_ = torch::zeros({}, torch::dtype(torch::kFloat32).device(device));
    learning_rate_ = torch::full({}, learning_rate, torch::dtype(torch::kFloat64).device(device));
  }

  // SetSchedule makes `factor` of the learning rate, and `momentum` in place of the rule's own, count from the next
  // step on. It is called on the host, outside recorded work.
  void SetSchedule(double factor, std::optional<double> momentum) {
    const torch::NoGradGuard no_grad;
    learning_rate_.fill_(base_learning_rate_ * factor);
    if (!momentum) return;
    if (!momentum_) momentum_ = torch::empty_like(learning_rate_);
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
    for (const bool decays : {true, false}) {
      UpdateStep step = {step_, learning_rate_, momentum_, decays, {}, {}, {}};
      step.moments.resize(rule_->moments().size());
      for (Slot& slot : slots_) {
        const torch::Tensor& gradient = slot.parameter.grad();
        if (!gradient.defined() || slot.decays != decays) continue;
        step.parameters.push_back(slot.parameter);
        // Along a dimension of size 1 it may have another stride, which one kernel for all does not take.
        const bool is_alike = gradient.strides() == slot.parameter.strides();
        step.gradients.push_back(is_alike ? gradient : torch::empty_like(slot.parameter).copy_(gradient));
        for (size_t i = 0; i < slot.moments.size(); ++i) step.moments[i].push_back(slot.moments[i].second);
      }
      if (!step.parameters.empty()) rule_->Update(step);
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

  // learning_rate returns that of the next step.
  double learning_rate() const { return learning_rate_.item<double>(); }

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter;
    bool decays;
    std::vector<std::pair<std::string, torch::Tensor>> moments;
  };

  const std::unique_ptr<AnyUpdateRule> rule_;
  const double base_learning_rate_;
  std::vector<Slot> slots_;
  torch::Tensor step_, learning_rate_;
  std::optional<torch::Tensor> momentum_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_OPTIMIZER_H_

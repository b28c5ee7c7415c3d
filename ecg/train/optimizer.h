// optimizer.h
//
// From gradients to new weights. A rule is a small value that holds its hyperparameters and changes one tensor; the
// optimizer holds what the rule remembers of each parameter. LibTorch has optimizers too, but keeps their state under
// memory addresses, differently in each version, which a checkpoint cannot use.

#ifndef ECG_TRAIN_OPTIMIZER_H_
#define ECG_TRAIN_OPTIMIZER_H_

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "ecg/model/weights.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Optimizer changes the parameters of one network.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  // ZeroGradients forgets the gradients of the last step.
  virtual void ZeroGradients() = 0;

  // Step changes each parameter that has a gradient.
  virtual void Step() = 0;

  // state returns what is remembered, by name; the tensors can be written into. steps says how often Step was called.
  virtual NamedTensors state() const = 0;
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

 protected:
  int64_t steps_ = 0;
};

// AdamRule is Adam with bias correction (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), in the order of operations
// that PyTorch uses.
struct AdamRule {
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;

  static constexpr std::array kMoments = {"exp_avg", "exp_avg_sq"};

  void Update(int64_t step, torch::Tensor& parameter, const torch::Tensor& gradient,
              std::array<torch::Tensor, 2>& moments) const {
    auto& [mean, mean_square] = moments;
    mean.mul_(beta1).add_(gradient, 1 - beta1);
    mean_square.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
    const double correction1 = 1 - std::pow(beta1, step);
    const double correction2 = 1 - std::pow(beta2, step);
    const torch::Tensor denominator = mean_square.sqrt().div_(std::sqrt(correction2)).add_(epsilon);
    parameter.addcdiv_(mean, denominator, -learning_rate / correction1);
  }
};

// RuleOptimizer applies `Rule` to every parameter of a network.
template <typename Rule>
class RuleOptimizer : public Optimizer {
 public:
  RuleOptimizer(const torch::nn::Module& network, const Rule& rule) : rule_(rule) {
    for (const auto& item : network.named_parameters()) {
      Slot& slot = slots_.emplace_back(Slot{item.key(), item.value(), {}});
      for (torch::Tensor& moment : slot.moments) moment = torch::zeros_like(slot.parameter).detach();
    }
  }

  void ZeroGradients() override {
    for (Slot& slot : slots_) slot.parameter.mutable_grad() = torch::Tensor();
  }

  void Step() override {
    const torch::NoGradGuard no_grad;
    ++steps_;
    for (Slot& slot : slots_) {
      if (slot.parameter.grad().defined()) {
        rule_.Update(steps_, slot.parameter, slot.parameter.grad(), slot.moments);
      }
    }
  }

  NamedTensors state() const override {
    NamedTensors state;
    for (const Slot& slot : slots_) {
      for (size_t i = 0; i < slot.moments.size(); ++i) {
        state.emplace(absl::StrCat(Rule::kMoments[i], ".", slot.name), slot.moments[i]);
      }
    }
    return state;
  }

 private:
  struct Slot {
    std::string name;
    torch::Tensor parameter;
    std::array<torch::Tensor, Rule::kMoments.size()> moments;
  };

  const Rule rule_;
  std::vector<Slot> slots_;
};

// MakeOptimizer makes the optimizer that `spec` describes, for all parameters of `network`.
inline std::unique_ptr<Optimizer> MakeOptimizer(const spec::Optimizer& spec, const torch::nn::Module& network) {
  const spec::Adam& adam = spec.adam();  // the default rule too
  return std::make_unique<RuleOptimizer<AdamRule>>(network, AdamRule{.learning_rate = spec.learning_rate(),
                                                                     .beta1 = adam.beta1(),
                                                                     .beta2 = adam.beta2(),
                                                                     .epsilon = adam.epsilon()});
}

}  // namespace ecg

#endif  // ECG_TRAIN_OPTIMIZER_H_

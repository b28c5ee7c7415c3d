// update_rule.h
//
// From gradients to new weights. A rule is a small value that holds its hyperparameters; the optimizer (optimizer.h)
// holds what the rule remembers of each parameter.
//
// To write one of your own, give a type a `Spec`, a constructor from it and
//
//   // What is remembered of each parameter, a tensor of its shape, in checkpoints under these names.
//   static constexpr std::array kMoments = {"exp_avg"};
//   // Changes step.parameters in place by step.gradients, and step.moments[m][i] of parameter i with them.
//   void Update(const UpdateStep& step) const;
//
// On a CUDA device the work is recorded and replayed, so what changes from step to step must be read from the tensors
// of UpdateStep: a C++ number would be frozen in.

#ifndef ECG_TRAIN_UPDATE_RULE_H_
#define ECG_TRAIN_UPDATE_RULE_H_

#include <ATen/ATen.h>

#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ecg/spec/part_registry.h"

namespace ecg {

// UpdateStep is one change of a group of parameters.
struct UpdateStep {
  // The number of the step, from 1; float32 [], where the parameters are.
  at::Tensor step;
  // The learning rate of this step; float64 [], where the parameters are.
  at::Tensor learning_rate;
  // The momentum of this step (Adam's beta1), where the schedule sets it; float64 []. Else the rule's own counts.
  std::optional<at::Tensor> momentum;
  // Whether weight decay applies to the group: not to biases and the parameters of norms.
  bool decays = true;
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> gradients;
  // For each kind of moment one tensor for each parameter.
  std::vector<std::vector<at::Tensor>> moments;
};

// UpdateRule is the concept.
template <typename R>
concept UpdateRule = requires(const R& rule, const UpdateStep& step) {
  typename R::Spec;
  { *std::begin(R::kMoments) } -> std::convertible_to<std::string>;
  rule.Update(step);
};

// AnyUpdateRule is a rule whose type is known when the program runs.
class AnyUpdateRule {
 public:
  virtual ~AnyUpdateRule() = default;
  virtual std::vector<std::string> moments() const = 0;
  virtual void Update(const UpdateStep& step) const = 0;
};

// UpdateRules is the kind of part.
struct UpdateRules {
  static constexpr char kName[] = "update_rules";
  using Interface = AnyUpdateRule;
  using Context = NoContext;

  template <UpdateRule R>
  static std::unique_ptr<AnyUpdateRule> Erase(R rule) {
    struct Erased : AnyUpdateRule {
      explicit Erased(R part) : rule(std::move(part)) {}
      std::vector<std::string> moments() const override { return {std::begin(R::kMoments), std::end(R::kMoments)}; }
      void Update(const UpdateStep& step) const override { rule.Update(step); }
      const R rule;
    };
    return std::make_unique<Erased>(std::move(rule));
  }
};

}  // namespace ecg

#endif  // ECG_TRAIN_UPDATE_RULE_H_

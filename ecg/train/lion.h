// lion.h
//
// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", arXiv:2302.06675, algorithm 2): steps by the
// sign of an average m of the gradients g:
//
//   w = w - learning_rate (sign(beta1 m + (1 - beta1) g) + weight_decay w)
//   m = beta2 m + (1 - beta2) g

#ifndef ECG_TRAIN_LION_H_
#define ECG_TRAIN_LION_H_

#include <ATen/ATen.h>

#include <array>
#include <cstddef>

#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Lion is the rule. A schedule's momentum takes the place of beta1.
class Lion {
 public:
  using Spec = spec::Lion;
  static constexpr std::array kMoments = {"exp_avg"};

  explicit Lion(const Spec& spec = {})
      : beta1_(spec.beta1()), beta2_(spec.beta2()), weight_decay_(spec.weight_decay()) {}

  void Update(const UpdateStep& step) const {
    const at::Tensor beta1 = step.momentum ? *step.momentum : at::full_like(step.learning_rate, beta1_);
    for (size_t i = 0; i < step.parameters.size(); ++i) {
      const at::Tensor &gradient = step.gradients[i], &average = step.moments[0][i];
      if (step.decays && weight_decay_ != 0) step.parameters[i].mul_(1 - step.learning_rate * weight_decay_);
      step.parameters[i].sub_((average * beta1 + gradient * (1 - beta1)).sign_() * step.learning_rate);
      average.mul_(beta2_).add_(gradient, 1 - beta2_);
    }
  }

 private:
  double beta1_, beta2_, weight_decay_;
};

static_assert(UpdateRule<Lion>);

}  // namespace ecg

#endif  // ECG_TRAIN_LION_H_

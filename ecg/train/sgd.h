// sgd.h
//
// Stochastic gradient descent with momentum (Sutskever et al. 2013, "On the importance of initialization and momentum
// in deep learning"), in PyTorch's form: v = momentum v + g, w = w - learning_rate v.

#ifndef ECG_TRAIN_SGD_H_
#define ECG_TRAIN_SGD_H_

#include <ATen/ATen.h>

#include <array>
#include <cstddef>

#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Sgd is the rule. The velocity starts at 0, which makes the first step PyTorch's.
class Sgd {
 public:
  using Spec = spec::Sgd;
  static constexpr std::array kMoments = {"momentum_buffer"};

  explicit Sgd(const Spec& spec = {})
      : momentum_(spec.momentum()), nesterov_(spec.nesterov()), weight_decay_(spec.weight_decay()) {}

  void Update(const UpdateStep& step) const {
    const at::Tensor momentum = step.momentum ? *step.momentum : at::full_like(step.learning_rate, momentum_);
    for (size_t i = 0; i < step.parameters.size(); ++i) {
      const bool decays = step.decays && weight_decay_ != 0;
      const at::Tensor gradient = decays ? step.gradients[i].add(step.parameters[i], weight_decay_) : step.gradients[i];
      const at::Tensor& velocity = step.moments[0][i];
      velocity.mul_(momentum).add_(gradient);
      step.parameters[i].sub_((nesterov_ ? gradient + velocity * momentum : velocity) * step.learning_rate);
    }
  }

 private:
  double momentum_;
  bool nesterov_;
  double weight_decay_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_SGD_H_

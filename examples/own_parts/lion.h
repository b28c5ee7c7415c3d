// lion.h
//
// An update rule: Lion (Chen et al. 2023, arXiv:2302.06675, algorithm 2), which steps by the sign of an average of the
// gradients.

#ifndef EXAMPLES_OWN_PARTS_LION_H_
#define EXAMPLES_OWN_PARTS_LION_H_

#include <ATen/ATen.h>

#include <array>
#include <cstddef>

#include "ecg/spec/own_values.h"
#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"

namespace my {

class Lion {
 public:
  using Spec = ecg::spec::Own;
  static constexpr std::array kMoments = {"exp_avg"};

  explicit Lion(const Spec& spec) {
    const ecg::OwnValues values(spec, {{"beta1", 0.9}, {"beta2", 0.99}, {"weight_decay", 0}});
    beta1_ = values.Number("beta1", 0, 1);
    beta2_ = values.Number("beta2", 0, 1);
    weight_decay_ = values.Number("weight_decay", 0, 10);
  }

  void Update(const ecg::UpdateStep& step) const {
    for (size_t i = 0; i < step.parameters.size(); ++i) {
      const at::Tensor &gradient = step.gradients[i], &average = step.moments[0][i];
      if (step.decays && weight_decay_ > 0) step.parameters[i].mul_(1 - step.learning_rate * weight_decay_);
      step.parameters[i].sub_((average * beta1_ + gradient * (1 - beta1_)).sign() * step.learning_rate);
      average.mul_(beta2_).add_(gradient, 1 - beta2_);
    }
  }

 private:
  double beta1_, beta2_, weight_decay_;
};

static_assert(ecg::UpdateRule<Lion>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_LION_H_

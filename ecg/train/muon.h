// muon.h
//
// Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks",
// https://kellerjordan.github.io/posts/muon): SGD with Nesterov momentum, whose step of a weight matrix is replaced by
// the nearest matrix with singular values of about 1, so that every direction is learned at the same pace:
//
//   m = momentum m + (1 - momentum) g
//   w = w - learning_rate (0.2 sqrt(max(rows, columns)) Orthogonalise(momentum m + (1 - momentum) g) + weight_decay w)
//
// The factor 0.2 sqrt(max(rows, columns)) makes the root mean square of a step 0.2, which is about that of AdamW's
// steps, so that both take the same learning rate (Liu et al. 2025, "Muon is Scalable for LLM Training",
// arXiv:2502.16982).

#ifndef ECG_TRAIN_MUON_H_
#define ECG_TRAIN_MUON_H_

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "ecg/train/adam.h"
#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Orthogonalise returns U V^T approximately, for a matrix U S V^T, [rows, columns]: five Newton-Schulz iterations with
// the quintic 3.4445 x - 4.7750 x^3 + 2.0315 x^5, which bring singular values to between 0.7 and 1.2. They start from
// at most 1, by the Frobenius norm.
inline at::Tensor Orthogonalise(const at::Tensor& matrix) {
  const bool is_tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = is_tall ? matrix.t() : matrix;
  x = x / (x.norm() + 1e-7);
  for (int i = 0; i < 5; ++i) {
    const at::Tensor square = x.mm(x.t());
    x = 3.4445 * x + (-4.7750 * square + 2.0315 * square.mm(square)).mm(x);
  }
  return is_tall ? x.t() : x;
}

// Muon is the rule. What weight decay does not apply to (biases, parameters of norms, ...) is no matrix, and is trained
// by AdamW without weight decay. A schedule's momentum takes the place of both momentum and beta1.
class Muon {
 public:
  using Spec = spec::Muon;
  static constexpr std::array kMoments = {"exp_avg", "exp_avg_sq"};

  explicit Muon(const Spec& spec = {})
      : momentum_(spec.momentum()),
        weight_decay_(spec.weight_decay()),
        adam_{spec.beta1(), spec.beta2(), spec.epsilon()} {}

  void Update(const UpdateStep& step) const {
    if (!step.decays) return adam_(step);
    const at::Tensor momentum = step.momentum ? *step.momentum : at::full_like(step.learning_rate, momentum_);
    for (size_t i = 0; i < step.parameters.size(); ++i) {
      const at::Tensor &parameter = step.parameters[i], &gradient = step.gradients[i], &average = step.moments[0][i];
      average.mul_(momentum).add_(gradient * (1 - momentum));
      const at::Tensor direction = (average * momentum + gradient * (1 - momentum)).flatten(1);  // [out, rest]
      const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(direction.size(0), direction.size(1))));
      if (weight_decay_ != 0) parameter.mul_(1 - step.learning_rate * weight_decay_);
      parameter.sub_((Orthogonalise(direction) * (step.learning_rate * scale)).reshape(parameter.sizes()));
    }
  }

 private:
  double momentum_, weight_decay_;
  AdamUpdate adam_;
};

static_assert(UpdateRule<Muon>);

}  // namespace ecg

#endif  // ECG_TRAIN_MUON_H_

// adam.h
//
// Adam with bias correction (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1) and AdamW, its form with decoupled
// weight decay (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2), in the order of operations that PyTorch
// uses.

#ifndef ECG_TRAIN_ADAM_H_
#define ECG_TRAIN_ADAM_H_

#include <ATen/ATen.h>
#include <torch/version.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// AdamUpdate is the arithmetic of both.
struct AdamUpdate {
  double beta1, beta2, epsilon, weight_decay = 0;

  void operator()(const UpdateStep& step) const {
    const double decay = step.decays ? weight_decay : 0;
    if (step.step.is_cpu()) {
      OnHost(step, step.learning_rate.item<double>(), step.momentum ? step.momentum->item<double>() : beta1, decay);
    } else if (kHasFusedTensorRate && !step.momentum) {
      FusedOnDevice(step, decay);
    } else {
      OnDevice(step, decay);
    }
  }

 private:
// One kernel for all parameters: for the CPU since LibTorch 2.4, and with the learning rate as a tensor since 2.2.
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#define ECG_ADAM_IS_FUSED_ON_CPU_
#endif
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 2)
#define ECG_ADAM_HAS_TENSOR_RATE_
  static constexpr bool kHasFusedTensorRate = true;
#else
  static constexpr bool kHasFusedTensorRate = false;
#endif

#if defined(ECG_ADAM_HAS_TENSOR_RATE_) || defined(ECG_ADAM_IS_FUSED_ON_CPU_)
  // `Rate` is double or Tensor.
  template <typename Rate>
  void Fused(const UpdateStep& step, const Rate& learning_rate, double mean_decay, double decay) const {
    const std::vector<at::Tensor> steps(step.parameters.size(), step.step);
    if (decay == 0) {
      at::_fused_adam_(step.parameters, step.gradients, step.moments[0], step.moments[1], /*max_exp_avg_sqs=*/{}, steps,
                       learning_rate, mean_decay, beta2, /*weight_decay=*/0, epsilon, /*amsgrad=*/false,
                       /*maximize=*/false);
    } else {
      at::_fused_adamw_(step.parameters, step.gradients, step.moments[0], step.moments[1], /*max_exp_avg_sqs=*/{},
                        steps, learning_rate, mean_decay, beta2, decay, epsilon, /*amsgrad=*/false,
                        /*maximize=*/false);
    }
  }
#endif

  // Reads step and learning rate on the device.
  void FusedOnDevice([[maybe_unused]] const UpdateStep& step, [[maybe_unused]] double decay) const {
#ifdef ECG_ADAM_HAS_TENSOR_RATE_
    Fused(step, step.learning_rate.to(at::kFloat), beta1, decay);
#endif
  }

  void OnHost(const UpdateStep& step, double learning_rate, double mean_decay, double decay) const {
#ifdef ECG_ADAM_IS_FUSED_ON_CPU_
    Fused(step, learning_rate, mean_decay, decay);
#else
    const std::vector<at::Tensor>&means = step.moments[0], &squares = step.moments[1];
    const double number = step.step.item<double>();
    const double correction1 = 1 - std::pow(mean_decay, number), correction2 = 1 - std::pow(beta2, number);
    for (size_t i = 0; i < step.parameters.size(); ++i) {
      if (decay != 0) step.parameters[i].mul_(1 - learning_rate * decay);
      means[i].mul_(mean_decay).add_(step.gradients[i], 1 - mean_decay);
      squares[i].mul_(beta2).addcmul_(step.gradients[i], step.gradients[i], 1 - beta2);
      const at::Tensor denominator = squares[i].sqrt().div_(std::sqrt(correction2)).add_(epsilon);
      step.parameters[i].addcdiv_(means[i], denominator, -learning_rate / correction1);
    }
#endif
  }

  // The same of tensors only, where momentum changes or LibTorch is older.
  void OnDevice(const UpdateStep& step, double decay) const {
    const at::Tensor number = step.step.to(at::kDouble);
    const at::Tensor mean_decay = step.momentum ? *step.momentum : at::full_like(number, beta1);
    const at::Tensor rate = step.learning_rate / (1 - mean_decay.pow(number));
    const at::Tensor root = (1 - at::full_like(number, beta2).pow(number)).sqrt();
    for (size_t i = 0; i < step.parameters.size(); ++i) {
      const at::Tensor &gradient = step.gradients[i], &mean = step.moments[0][i], &square = step.moments[1][i];
      if (decay != 0) step.parameters[i].mul_(1 - step.learning_rate * decay);
      mean.mul_(mean_decay).add_(gradient * (1 - mean_decay));
      square.mul_(beta2).addcmul_(gradient, gradient, 1 - beta2);
      step.parameters[i].sub_(mean / (square.sqrt().div_(root).add_(epsilon)) * rate);
    }
  }
};

// Adam is the rule.
class Adam {
 public:
  using Spec = spec::Adam;
  static constexpr std::array kMoments = {"exp_avg", "exp_avg_sq"};

  explicit Adam(const Spec& spec = {}) : update_{spec.beta1(), spec.beta2(), spec.epsilon()} {}
  void Update(const UpdateStep& step) const { update_(step); }

 private:
  AdamUpdate update_;
};

// AdamW is the rule.
class AdamW {
 public:
  using Spec = spec::AdamW;
  static constexpr std::array kMoments = {"exp_avg", "exp_avg_sq"};

  explicit AdamW(const Spec& spec = {}) : update_{spec.beta1(), spec.beta2(), spec.epsilon(), spec.weight_decay()} {}
  void Update(const UpdateStep& step) const { update_(step); }

 private:
  AdamUpdate update_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_ADAM_H_

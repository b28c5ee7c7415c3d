// optimizer.h
//
// From gradients to new weights. A rule is a small value that holds its hyperparameters and changes all tensors of a
// network at once; the optimizer holds what the rule remembers of each parameter. LibTorch has optimizers too, but
// keeps their state under memory addresses, differently in each version, which a checkpoint cannot use.

#ifndef ECG_TRAIN_OPTIMIZER_H_
#define ECG_TRAIN_OPTIMIZER_H_

#include <torch/torch.h>
#include <torch/version.h>

#include <array>
#include <cmath>
#include <cstddef>
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

  // state returns what is remembered, by name; the tensors can be written into.
  virtual NamedTensors state() const = 0;

  // steps says how often the weights were changed. It is counted where the weights are, so that a step which is
  // recorded and replayed counts each time.
  virtual int64_t steps() const = 0;
  virtual void set_steps(int64_t steps) = 0;
};

// AdamRule is Adam with bias correction (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), in the order of operations
// that PyTorch uses.
struct AdamRule {
  double learning_rate;
  double beta1;
  double beta2;
  double epsilon;

  static constexpr std::array kMoments = {"exp_avg", "exp_avg_sq"};

  // Update changes `parameters` by their `gradients`. `moments` has, for each kind of moment, one tensor for each
  // parameter; `step` counts from 1, float32 [].
  void Update(const torch::Tensor& step, std::vector<torch::Tensor>& parameters,
              const std::vector<torch::Tensor>& gradients, std::array<std::vector<torch::Tensor>, 2>& moments) const {
    auto& [means, mean_squares] = moments;
    if (step.is_cuda() || kIsFusedOnCpu) {
      // All of it in one kernel, which reads `step` where it lies.
      at::_fused_adam_(parameters, gradients, means, mean_squares, /*max_exp_avg_sqs=*/{},
                       std::vector<torch::Tensor>(parameters.size(), step), learning_rate, beta1, beta2,
                       /*weight_decay=*/0, epsilon, /*amsgrad=*/false, /*maximize=*/false);
      return;
    }
    const double correction1 = 1 - std::pow(beta1, step.item<double>());
    const double correction2 = 1 - std::pow(beta2, step.item<double>());
    for (size_t i = 0; i < parameters.size(); ++i) {
      means[i].mul_(beta1).add_(gradients[i], 1 - beta1);
      mean_squares[i].mul_(beta2).addcmul_(gradients[i], gradients[i], 1 - beta2);
      const torch::Tensor denominator = mean_squares[i].sqrt().div_(std::sqrt(correction2)).add_(epsilon);
      parameters[i].addcdiv_(means[i], denominator, -learning_rate / correction1);
    }
  }

 private:
  // LibTorch has the kernel for the CPU since 2.4.
  static constexpr bool kIsFusedOnCpu = TORCH_VERSION_MAJOR > 2 ||
                                        (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4);
};

// RuleOptimizer applies `Rule` to every parameter of a network that has a gradient.
template <typename Rule>
class RuleOptimizer : public Optimizer {
 public:
  // The network must be on its device already.
  RuleOptimizer(const torch::nn::Module& network, const Rule& rule) : rule_(rule) {
    for (const auto& item : network.named_parameters()) {
      Slot& slot = slots_.emplace_back(Slot{item.key(), item.value(), {}});
      for (torch::Tensor& moment : slot.moments) moment = torch::zeros_like(slot.parameter).detach();
    }
    step_ = torch::zeros({}, torch::dtype(torch::kFloat32).device(slots_.at(0).parameter.device()));
  }

  void ZeroGradients() override {
    for (Slot& slot : slots_) slot.parameter.mutable_grad() = torch::Tensor();
  }

  void Step() override {
    const torch::NoGradGuard no_grad;
    step_.add_(1);
    std::vector<torch::Tensor> parameters, gradients;
    std::array<std::vector<torch::Tensor>, kMoments> moments;
    for (Slot& slot : slots_) {
      const torch::Tensor& gradient = slot.parameter.grad();
      if (!gradient.defined()) continue;
      parameters.push_back(slot.parameter);
      // Along a dimension of size 1 it may have another stride, which one kernel for all does not take.
      const bool is_alike = gradient.strides() == slot.parameter.strides();
      gradients.push_back(is_alike ? gradient : torch::empty_like(slot.parameter).copy_(gradient));
      for (size_t i = 0; i < kMoments; ++i) moments[i].push_back(slot.moments[i]);
    }
    rule_.Update(step_, parameters, gradients, moments);
  }

  NamedTensors state() const override {
    NamedTensors state;
    for (const Slot& slot : slots_) {
      for (size_t i = 0; i < kMoments; ++i) {
        state.emplace(absl::StrCat(Rule::kMoments[i], ".", slot.name), slot.moments[i]);
      }
    }
    return state;
  }

  int64_t steps() const override { return static_cast<int64_t>(step_.item<float>()); }
  void set_steps(int64_t steps) override { step_.fill_(steps); }

 private:
  static constexpr size_t kMoments = Rule::kMoments.size();

  struct Slot {
    std::string name;
    torch::Tensor parameter;
    std::array<torch::Tensor, kMoments> moments;
  };

  const Rule rule_;
  std::vector<Slot> slots_;
  torch::Tensor step_;
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

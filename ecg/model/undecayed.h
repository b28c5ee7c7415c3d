// undecayed.h
//
// Marks parameters that weight decay must leave alone though they have two dimensions or more, such as the state matrix
// of a state-space layer.
//
//   class StateSpace : public torch::nn::Module, public Undecayed {
//     std::vector<torch::Tensor> undecayed() const override { return {a_, log_step_}; }
//     ...
//   };

#ifndef ECG_MODEL_UNDECAYED_H_
#define ECG_MODEL_UNDECAYED_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace ecg {

// Undecayed is a base class of modules that have such parameters.
class Undecayed {
 public:
  virtual ~Undecayed() = default;
  virtual std::vector<torch::Tensor> undecayed() const = 0;
};

// UndecayedIn returns those of `network` and of all modules in it.
inline std::vector<torch::Tensor> UndecayedIn(const torch::nn::Module& network) {
  std::vector<torch::Tensor> all;
  const auto add = [&all](const torch::nn::Module& module) {
    const auto* marked = dynamic_cast<const Undecayed*>(&module);
    if (marked == nullptr) return;
    for (const torch::Tensor& parameter : marked->undecayed()) all.push_back(parameter);
  };
  add(network);
  for (const std::shared_ptr<torch::nn::Module>& module : network.modules(/*include_self=*/false)) add(*module);
  return all;
}

}  // namespace ecg

#endif  // ECG_MODEL_UNDECAYED_H_

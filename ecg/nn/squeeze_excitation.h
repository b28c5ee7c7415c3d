// squeeze_excitation.h
//
// Squeeze-and-excitation: Hu, Shen and Sun 2018, "Squeeze-and-Excitation Networks", arXiv:1709.01507. Each channel is
// scaled by a gate, computed from the means of all channels over time.
//
//   SqueezeExcitation se(/*channels=*/256, {.squeezed = 16});
//   x = se.forward(x);

#ifndef ECG_NN_SQUEEZE_EXCITATION_H_
#define ECG_NN_SQUEEZE_EXCITATION_H_

#include <torch/nn/module.h>

#include <cstdint>
#include <functional>
#include <string>

#include "ecg/nn/activation.h"

namespace ecg {

// SqueezeExcitation returns x * gate(expand(activation(reduce(mean of x over time)))):
// [B, `channels`, L] -> [B, `channels`, L]. `reduce` maps `channels` to `squeezed` channels, and `expand` maps back.
class SqueezeExcitation : public torch::nn::Module {
 public:
  struct Options {
    int64_t squeezed;
    Activation activation = Activation::kRelu;
    Activation gate = Activation::kSigmoid;
    // Names of the two projections in the state.
    std::string reduce = "fc1";
    std::string expand = "fc2";
    // Whether the projections are parameters [1, out, in] without bias, uninitialised, rather than convolutions of
    // kernel size 1 with weights [out, in, 1] and biases.
    bool matrices = false;
  };

  SqueezeExcitation(int64_t channels, const Options& options);

  torch::Tensor forward(const torch::Tensor& x);

 private:
  using Projection = std::function<torch::Tensor(const torch::Tensor&)>;

  Projection Register(const std::string& name, int64_t in, int64_t out, bool is_matrix);

  const Activation activation_;
  const Activation gate_;
  const Projection reduce_;
  const Projection expand_;
};

}  // namespace ecg

#endif  // ECG_NN_SQUEEZE_EXCITATION_H_

#include "ecg/nn/squeeze_excitation.h"

#include <cstdint>
#include <string>

#include "ecg/nn/activation.h"
#include "ecg/nn/convolution.h"

namespace ecg {

SqueezeExcitation::SqueezeExcitation(int64_t channels, const Options& options)
    : activation_(options.activation),
      gate_(options.gate),
      reduce_(Register(options.reduce, channels, options.squeezed, options.matrices)),
      expand_(Register(options.expand, options.squeezed, channels, options.matrices)) {}

torch::Tensor SqueezeExcitation::forward(const torch::Tensor& x) {
  const torch::Tensor mean = x.mean(/*dim=*/-1, /*keepdim=*/true);  // [B, channels, 1]
  return x * Activate(expand_(Activate(reduce_(mean), activation_)), gate_);
}

SqueezeExcitation::Projection SqueezeExcitation::Register(const std::string& name, int64_t in, int64_t out,
                                                          bool is_matrix) {
  if (is_matrix) {
    return [weight = register_parameter(name, torch::empty({1, out, in}))](const torch::Tensor& x) {
      return torch::matmul(weight, x);
    };
  }
  return [convolution = register_module(name, Conv1d(in, out, 1))](const torch::Tensor& x) {
    return convolution->forward(x);
  };
}

}  // namespace ecg

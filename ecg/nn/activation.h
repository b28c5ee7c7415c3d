// activation.h
//
// Activation functions as options of layers.
//
//   ConvNormActivation layer(12, 32, {.kernel = 5, .activation = Activation::kHardswish});

#ifndef ECG_NN_ACTIVATION_H_
#define ECG_NN_ACTIVATION_H_

#include <torch/types.h>

namespace ecg {

// Activation is an element-wise function; kNone is the identity.
enum class Activation { kNone, kRelu, kSilu, kHardswish, kSigmoid, kHardsigmoid };

// Activate returns `activation` of each element of `x`, which has any shape.
inline torch::Tensor Activate(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kRelu:
      return torch::relu(x);
    case Activation::kSilu:
      return torch::silu(x);
    case Activation::kHardswish:
      return torch::hardswish(x);
    case Activation::kSigmoid:
      return torch::sigmoid(x);
    case Activation::kHardsigmoid:
      return torch::hardsigmoid(x);
  }
  TORCH_CHECK(false, "there is no activation ", static_cast<int>(activation));
}

}  // namespace ecg

#endif  // ECG_NN_ACTIVATION_H_

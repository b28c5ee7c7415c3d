#include "ecg/nn/conv_norm_activation.h"

#include <cstdint>
#include <string>

#include "ecg/nn/activation.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"

namespace ecg {

template <typename Layer>
Layer ConvNormActivation::Register(Layer layer) {
  return register_module(std::to_string(children().size() + (dropout_ > 0 ? 1 : 0)), layer);
}

ConvNormActivation::ConvNormActivation(int64_t in, int64_t out, const Options& options)
    : dropout_(options.dropout),
      activation_(options.activation),
      convolution_(Register(Conv1d(torch::nn::Conv1dOptions(in, out, options.kernel)
                                       .stride(options.stride)
                                       .padding((options.kernel - 1) / 2)
                                       .groups(options.groups)
                                       .bias(!options.norm)))),
      norm_(options.norm ? Register(BatchNorm1d(out, *options.norm)) : nullptr) {}

torch::Tensor ConvNormActivation::forward(const torch::Tensor& x) {
  torch::Tensor out = convolution_(dropout_ > 0 ? torch::dropout(x, dropout_, is_training()) : x);
  if (activation_ == Activation::kRelu) return norm_ ? norm_->NormRelu(out) : out.relu_();
  return Activate(norm_ ? norm_(out) : out, activation_);
}

}  // namespace ecg

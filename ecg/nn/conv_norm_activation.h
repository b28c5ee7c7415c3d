// conv_norm_activation.h
//
// Convolution, batch norm and activation as one layer of a sequence.
//
//   torch::nn::Sequential layers(ConvNormActivation(12, 32, {.kernel = 5, .stride = 2}),
//                                ConvNormActivation(32, 64, {.activation = Activation::kHardswish}));

#ifndef ECG_NN_CONV_NORM_ACTIVATION_H_
#define ECG_NN_CONV_NORM_ACTIVATION_H_

#include <torch/nn/module.h>

#include <cstdint>
#include <optional>

#include "ecg/nn/activation.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"

namespace ecg {

// ConvNormActivation is dropout, convolution, batch norm and activation, each optional except the convolution:
// [B, `in`, L] -> [B, `out`, ceil(L / stride)] for an odd kernel size. An even kernel size loses one sample: the
// padding on either side is (kernel - 1) / 2, rounded down.
//
// Names in the state are positions, as in a Sequential of the parts: "0" and "1" for convolution and batch norm, or "1"
// and "2" after dropout.
class ConvNormActivation : public torch::nn::Module {
 public:
  struct Options {
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t groups = 1;
    // Probability of dropout on the input.
    double dropout = 0;
    // Without batch norm the convolution has a bias.
    std::optional<BatchNormOptions> norm = BatchNormOptions{};
    Activation activation = Activation::kRelu;
  };

  ConvNormActivation(int64_t in, int64_t out, const Options& options);

  torch::Tensor forward(const torch::Tensor& x);

 private:
  // Register registers `layer` under its position.
  template <typename Layer>
  Layer Register(Layer layer);

  const double dropout_;
  const Activation activation_;
  Conv1d convolution_;
  BatchNorm1d norm_;
};

}  // namespace ecg

#endif  // ECG_NN_CONV_NORM_ACTIVATION_H_

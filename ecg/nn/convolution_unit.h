// convolution_unit.h
//
// A convolution with what usually goes around it, as one layer that a sequence can hold. State names and paddings are
// those of the networks of `helme/ecg_ptbxl_benchmarking` (Strodthoff et al. 2021, arXiv:2004.13701).
//
//   torch::nn::Sequential layers(ConvolutionUnit(12, 32, {.kernel = 5, .stride = 2}), ConvolutionUnit(32, 64, {}));

#ifndef ECG_NN_CONVOLUTION_UNIT_H_
#define ECG_NN_CONVOLUTION_UNIT_H_

#include <torch/torch.h>

#include <string>

#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"

namespace ecg {

// ConvolutionUnit is dropout, convolution, batch norm and ReLU, without those that its options leave out: [B, `in`, L]
// -> [B, `out`, L / stride], rounded up, where the kernel is odd; an even one loses a sample before it strides.
class ConvolutionUnit : public torch::nn::Module {
 public:
  struct Options {
    int kernel = 1;
    int stride = 1;
    double dropout = 0;
    // Without batch norm the convolution has a bias.
    bool batch_norm = true;
    bool relu = true;
  };

  ConvolutionUnit(int in, int out, const Options& options)
      : options_(options),
        convolution_(Register(Conv1d(torch::nn::Conv1dOptions(in, out, options.kernel)
                                         .stride(options.stride)
                                         .padding((options.kernel - 1) / 2)
                                         .bias(!options.batch_norm)))),
        norm_(options.batch_norm ? Register(BatchNorm1d(out)) : nullptr) {}

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = convolution_(options_.dropout > 0 ? torch::dropout(x, options_.dropout, is_training()) : x);
    if (norm_) return options_.relu ? norm_->NormRelu(out) : norm_(out);
    return options_.relu ? out.relu_() : out;
  }

 private:
  // Layers are called by their places, of which a dropout takes the first.
  template <typename Layer>
  Layer Register(Layer layer) {
    return register_module(std::to_string(children().size() + (options_.dropout > 0 ? 1 : 0)), layer);
  }

  const Options options_;
  Conv1d convolution_;
  BatchNorm1d norm_;
};

}  // namespace ecg

#endif  // ECG_NN_CONVOLUTION_UNIT_H_

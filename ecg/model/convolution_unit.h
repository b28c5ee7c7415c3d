// convolution_unit.h
//
// A convolution with what usually goes around it, as one layer that a sequence can hold. State names and paddings are
// those of the networks of `helme/ecg_ptbxl_benchmarking` (Strodthoff et al. 2021, arXiv:2004.13701).
//
//   torch::nn::Sequential layers(ConvolutionUnit(12, 32, {.kernel = 5, .stride = 2}), ConvolutionUnit(32, 64, {}));

#ifndef ECG_MODEL_CONVOLUTION_UNIT_H_
#define ECG_MODEL_CONVOLUTION_UNIT_H_

#include <torch/torch.h>

namespace ecg {

// ConvolutionUnit is dropout, convolution, batch norm and ReLU, without those that its options leave out: [B, `in`, L]
// -> [B, `out`, L / stride], rounded up, where the kernel is odd; an even one loses a sample before it strides.
class ConvolutionUnit : public torch::nn::SequentialImpl {
 public:
  struct Options {
    int kernel = 1;
    int stride = 1;
    double dropout = 0;
    // Without batch norm the convolution has a bias.
    bool batch_norm = true;
    bool relu = true;
  };

  ConvolutionUnit(int in, int out, const Options& options) {
    if (options.dropout > 0) push_back(torch::nn::Dropout(options.dropout));
    push_back(torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, options.kernel)
                                    .stride(options.stride)
                                    .padding((options.kernel - 1) / 2)
                                    .bias(!options.batch_norm)));
    if (options.batch_norm) push_back(torch::nn::BatchNorm1d(out));
    if (options.relu) push_back(torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true)));
  }

  // forward is not a template here, so that a sequence can hold this one.
  torch::Tensor forward(const torch::Tensor& x) { return SequentialImpl::forward(x); }
};

}  // namespace ecg

#endif  // ECG_MODEL_CONVOLUTION_UNIT_H_

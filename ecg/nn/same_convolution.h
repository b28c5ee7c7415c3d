// same_convolution.h
//
// Padding with zeros, and convolution with TensorFlow's "SAME" padding, for both memory layouts.
//
//   SameConvolution conv(/*in=*/64, /*out=*/64, {.kernel = 16, .stride = 2, .groups = 4});
//   x = conv.forward(x);  // [B, 64, L] -> [B, 64, ceil(L / 2)]

#ifndef ECG_NN_SAME_CONVOLUTION_H_
#define ECG_NN_SAME_CONVOLUTION_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/convolution.h"

namespace ecg {

// PadTime returns `x` with so many zeros before and after each channel: [B, C, L] -> [B, C, before + L + after], in the
// layout of `x`.
inline torch::Tensor PadTime(const torch::Tensor& x, int64_t before, int64_t after) {
  if (!IsChannelsLast(x)) return torch::constant_pad_nd(x, {before, after});
  return torch::constant_pad_nd(x.transpose(1, 2), {0, 0, before, after}).transpose(1, 2);
}

// PadChannels returns `x` with so many channels of zeros before and after its own: [B, C, L] -> [B, before + C + after,
// L], in the layout of `x`.
inline torch::Tensor PadChannels(const torch::Tensor& x, int64_t before, int64_t after) {
  if (!IsChannelsLast(x)) return torch::constant_pad_nd(x, {0, 0, before, after});
  return torch::constant_pad_nd(x.transpose(1, 2), {before, after}).transpose(1, 2);
}

// ConvolveSame returns `convolution` of `x` with TensorFlow's "SAME" padding for a signal of `samples` samples, instead
// of the convolution's own: as many zeros as give ceil(samples / stride) outputs. Half of them come first; of an odd
// number, the extra one comes last. If `samples` is even and the length of `x` odd, a stride of 2 gives half of that
// length, rounded down.
inline torch::Tensor ConvolveSame(const Conv1d& convolution, const torch::Tensor& x, int64_t samples) {
  const int64_t kernel = convolution->options.kernel_size()->at(0), stride = convolution->options.stride()->at(0);
  const int64_t beyond = samples % stride == 0 ? stride : samples % stride;
  const int64_t zeros = std::max<int64_t>(kernel - beyond, 0);
  return Convolve(zeros % 2 == 0 ? x : PadTime(x, 0, 1), convolution->weight, convolution->bias,
                  {.stride = stride, .padding = zeros / 2, .groups = convolution->options.groups()});
}

// SameConvolution is a convolution of any kernel size, with bias and "SAME" padding: [B, `in`, L] -> [B, `out`,
// ceil(L / stride)]. Its weights are those of the module "conv" in its state.
class SameConvolution : public torch::nn::Module {
 public:
  struct Options {
    int64_t kernel = 1;
    int64_t stride = 1;
    int64_t groups = 1;
  };

  SameConvolution(int64_t in, int64_t out, const Options& options)
      : conv_(register_module(
            "conv",
            Conv1d(torch::nn::Conv1dOptions(in, out, options.kernel).stride(options.stride).groups(options.groups)))) {}

  torch::Tensor forward(const torch::Tensor& x) { return ConvolveSame(conv_, x, x.size(-1)); }

 private:
  Conv1d conv_;
};

}  // namespace ecg

#endif  // ECG_NN_SAME_CONVOLUTION_H_

// convolution.h
//
// Convolution over time.

#ifndef ECG_NN_CONVOLUTION_H_
#define ECG_NN_CONVOLUTION_H_

#include <torch/nn/modules/conv.h>

#include <cstdint>

#include "ecg/nn/weight_cache.h"

namespace ecg {

// ConvolutionOptions are those of torch::conv1d.
struct ConvolutionOptions {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
};

// UsesWinograd tells whether Convolve computes with WinogradConvolution: where that supports the convolution and is
// faster than oneDNN's. `keeps_transform` is whether the transform of the weights is kept, as with a cache.
bool UsesWinograd(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                  const ConvolutionOptions& options, bool keeps_transform = false);

// Convolve is torch::conv1d for both layouts: [B, C, L] -> [B, out, L'], in the layout of `x`, with `weight`
// [out, C / groups, kernel] and `bias` [out], which may be undefined. What is made of the weights, their transform by
// Winograd's algorithm or their cast to bfloat16, is kept in `cache`, if there is one, which is for calls that need no
// gradients.
torch::Tensor Convolve(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                       const ConvolutionOptions& options, WeightCache* cache = nullptr);

// Conv1dImpl is LibTorch's layer for both layouts, with padding by zeros only. In evaluation mode without gradients it
// keeps what is made of its weights, until they change.
class Conv1dImpl : public torch::nn::Conv1dImpl {
 public:
  using torch::nn::Conv1dImpl::Conv1dImpl;

  torch::Tensor forward(const torch::Tensor& x);

  // train sets the mode, as in LibTorch; eval() calls it too.
  void train(bool on = true) override;

 private:
  WeightCache cache_;
};
TORCH_MODULE(Conv1d);

// ConvertToChannelsLast brings the weights of all Conv1d in `network` into the channels-last layout, in which they
// need no reordering when signals are channels last. Values and shapes stay.
void ConvertToChannelsLast(torch::nn::Module& network);

}  // namespace ecg

#endif  // ECG_NN_CONVOLUTION_H_

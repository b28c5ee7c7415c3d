// max_pool.h
//
// The maximum of neighbouring samples.
//
//   x = MaxPool(bn1_->NormRelu(conv1_(signals)), {.kernel = 3, .stride = 2, .padding = 1});

#ifndef ECG_NN_MAX_POOL_H_
#define ECG_NN_MAX_POOL_H_

#include <torch/torch.h>

#include "ecg/nn/channels_last.h"

namespace ecg {

// Pooling is which samples are taken together.
struct Pooling {
  int kernel;
  int stride;
  int padding = 0;
  // Whether the last pool may hang over the end.
  bool ceil_mode = false;
};

// MaxPool returns the maxima of pools: [B, C, L] -> [B, C, L'], in the layout that `x` has.
inline torch::Tensor MaxPool(const torch::Tensor& x, const Pooling& pooling) {
  const auto [kernel, stride, padding, ceil_mode] = pooling;
  if (!IsChannelsLast(x)) return torch::max_pool1d(x, kernel, stride, padding, /*dilation=*/1, ceil_mode);
  return OfImage(torch::max_pool2d(AsImage(x), {1, kernel}, {1, stride}, {0, padding}, /*dilation=*/1, ceil_mode));
}

// MaxPoolLayer returns MaxPool as a layer of a sequence.
inline torch::nn::Functional MaxPoolLayer(const Pooling& pooling) {
  return torch::nn::Functional([pooling](const torch::Tensor& x) { return MaxPool(x, pooling); });
}

// HalvingMaxPool is the pooling that follows the stem of residual networks, the maximum of three neighbours at every
// second sample: [B, C, L] -> [B, C, (L + 1) / 2].
inline torch::Tensor HalvingMaxPool(const torch::Tensor& x) {
  return MaxPool(x, {.kernel = 3, .stride = 2, .padding = 1});
}

}  // namespace ecg

#endif  // ECG_NN_MAX_POOL_H_

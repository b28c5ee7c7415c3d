// max_pool.h
//
// Max pooling over time.
//
//   x = MaxPool(bn1_->NormRelu(conv1_(signals)), {.kernel = 3, .stride = 2, .padding = 1});

#ifndef ECG_NN_MAX_POOL_H_
#define ECG_NN_MAX_POOL_H_

#include <torch/nn/modules/container/functional.h>

#include "ecg/nn/channels_last.h"

namespace ecg {

// Pooling is the options of max pooling, in samples.
struct Pooling {
  int kernel;
  int stride;
  int padding = 0;
  // Whether L' is rounded up, so that the last window may reach beyond the end of the signal.
  bool ceil_mode = false;
};

// MaxPool is torch::max_pool1d: [B, C, L] -> [B, C, L'], in the layout of `x`.
inline torch::Tensor MaxPool(const torch::Tensor& x, const Pooling& pooling) {
  const auto [kernel, stride, padding, ceil_mode] = pooling;
  if (!IsChannelsLast(x)) return torch::max_pool1d(x, kernel, stride, padding, /*dilation=*/1, ceil_mode);
  return FromImage(torch::max_pool2d(ToImage(x), {1, kernel}, {1, stride}, {0, padding}, /*dilation=*/1, ceil_mode));
}

// MaxPoolLayer returns MaxPool as a layer of a Sequential.
inline torch::nn::Functional MaxPoolLayer(const Pooling& pooling) {
  return torch::nn::Functional([pooling](const torch::Tensor& x) { return MaxPool(x, pooling); });
}

// HalvingMaxPool is the max pooling after the stem of a residual network, of kernel size 3 and stride 2:
// [B, C, L] -> [B, C, ceil(L / 2)].
inline torch::Tensor HalvingMaxPool(const torch::Tensor& x) {
  return MaxPool(x, {.kernel = 3, .stride = 2, .padding = 1});
}

}  // namespace ecg

#endif  // ECG_NN_MAX_POOL_H_

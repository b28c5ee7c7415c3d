// mobile.h
//
// What the networks share that were made for telephones, MobileNetV3 and EfficientNet: both come from TensorFlow, whose
// batch norm has figures of its own, and both round their widths.

#ifndef ECG_MODEL_MOBILE_H_
#define ECG_MODEL_MOBILE_H_

#include <torch/torch.h>

#include <algorithm>

#include "ecg/nn/batch_norm.h"

namespace ecg {

// MobileBatchNorm returns batch norm whose running statistics keep 0.99 of themselves at each step, and which adds
// 0.001 to variances; LibTorch's defaults are 0.9 and 0.00001.
inline BatchNorm1d MobileBatchNorm(int channels) {
  return BatchNorm1d(channels, /*momentum=*/1 - 0.99, /*epsilon=*/1e-3);
}

// RoundedChannels returns the multiple of 8 nearest to `channels`, at least 8, or the next one where that would lose
// more than a tenth.
inline int RoundedChannels(double channels) {
  const int rounded = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

}  // namespace ecg

#endif  // ECG_MODEL_MOBILE_H_

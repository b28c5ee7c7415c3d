// mobile.h
//
// What the mobile networks MobileNetV3 and EfficientNet share: the batch norm options of their TensorFlow code, and the
// rounding of the number of channels.

#ifndef ECG_MODEL_MOBILE_H_
#define ECG_MODEL_MOBILE_H_

#include <algorithm>

#include "ecg/nn/batch_norm.h"

namespace ecg {

// kMobileNorm is TensorFlow's momentum, 0.99 in its own notation, and epsilon.
inline constexpr BatchNormOptions kMobileNorm{.momentum = 1 - 0.99, .epsilon = 1e-3};

// RoundedChannels returns the multiple of 8 that is nearest to `channels`, at least 8; the next one if the nearest is
// less than 0.9 * channels.
inline int RoundedChannels(double channels) {
  const int rounded = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

}  // namespace ecg

#endif  // ECG_MODEL_MOBILE_H_

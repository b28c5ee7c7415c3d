// long_convolution.h
//
// Convolution of each channel with a kernel of its own that is as long as the signal.
//
//   const torch::Tensor y = LongConvolve(x, kernel);  // [B, L, C], [C, 2 L - 1] -> [B, L, C]
//
// By fast Fourier transforms of twice the length it takes O(L log L) operations a channel. On a CPU the definition, with
// its O(L^2), is three times as fast for a few hundred samples, because channels fill vector registers.

#ifndef ECG_NN_LONG_CONVOLUTION_H_
#define ECG_NN_LONG_CONVOLUTION_H_

#include <torch/types.h>

namespace ecg {

// LongConvolve returns y_i, the sum over j of k(i - j) x_j, for each channel: [B, L, C] -> [B, L, C]. `kernel`
// [C, 2 L - 1] holds k(-(L - 1)) to k(L - 1); a causal one is 0 before k(0). Both are float32 or float64, on the same
// device. While LibTorch traces operations it is a depthwise convolution, which other formats have too.
torch::Tensor LongConvolve(const torch::Tensor& x, const torch::Tensor& kernel);

}  // namespace ecg

#endif  // ECG_NN_LONG_CONVOLUTION_H_

// winograd.h
//
// Convolution with kernels of size 3 by Winograd's algorithm F(4, 3), which needs half the multiplications of a direct
// convolution: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308. In the
// paper's notation, for a tile of m = 4 outputs, which depends on alpha = m + r - 1 = 6 inputs d, and a kernel g of
// r = 3,
//
//   y = A^T [(G g) * (B^T d)]
//
// with an element-wise product of 6 elements, where a direct convolution multiplies 12 times. B^T d is computed once
// for each input channel, G g once for each pair of channels, and A^T once for each output channel. Summed over the
// input channels, the element-wise products are 6 matrix products: [tiles, in] x [in, out].

#ifndef ECG_NN_WINOGRAD_H_
#define ECG_NN_WINOGRAD_H_

#include <torch/types.h>

#include <cstdint>

namespace ecg {

// kWinogradChannels divides the numbers of input and output channels that Winograd's convolution takes.
inline constexpr int64_t kWinogradChannels = 64;

// TransformWeight returns the transform of `weight` [out, in, 3], float32 on a CPU.
torch::Tensor TransformWeight(const torch::Tensor& weight);

// ConvolveTransformed returns the convolution of `x` [B, in, L] with kernel size 3, stride 1 and padding 1, without
// bias: [B, out, L]. Both are float32 on a CPU, channels last. `in` and `out` are multiples of kWinogradChannels, and
// `transformed_weight` is what TransformWeight returns. Autograd does not see it. The result does not depend on the
// number of threads.
torch::Tensor ConvolveTransformed(const torch::Tensor& x, const torch::Tensor& transformed_weight);

// WinogradConvolve is ConvolveTransformed for `weight` [out, in, 3], with gradients.
torch::Tensor WinogradConvolve(const torch::Tensor& x, const torch::Tensor& weight);

}  // namespace ecg

#endif  // ECG_NN_WINOGRAD_H_

// long_convolution.h
//
// Convolution of each channel with a kernel of its own that is as long as the signal, by fast Fourier transforms of
// twice the length: O(L log L) operations a channel instead of O(L^2).
//
//   const torch::Tensor y = LongConvolve(x, kernel);  // [B, L, C], [C, 2 L - 1] -> [B, L, C]
//
// Derivatives are written out, because LibTorch's derivative of a real transform is a complex one of the whole length:
// this halves the time of a training step on a CPU.

#ifndef ECG_NN_LONG_CONVOLUTION_H_
#define ECG_NN_LONG_CONVOLUTION_H_

#include <ATen/TracerMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <cstdint>

namespace ecg {

namespace long_convolution_internal {

// SpectrumOf returns the transform of `x` [B, L, C] and zeros behind it: complex [B, L + 1, C].
inline torch::Tensor SpectrumOf(const torch::Tensor& x) { return torch::fft_rfft(x, 2 * x.size(1), /*dim=*/1); }

// SignalOf returns the first `length` samples of what has the transform `spectrum`: [B, `length`, C].
inline torch::Tensor SignalOf(const torch::Tensor& spectrum, int64_t length) {
  return torch::fft_irfft(spectrum, 2 * length, /*dim=*/1).narrow(1, 0, length);
}

// Convolution is for autograd: of `x` [B, L, C] with `kernel` [C, 2 L - 1].
class Convolution : public torch::autograd::Function<Convolution> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& kernel) {
    const int64_t length = x.size(1);
    // Lag l is at l modulo 2 L. The lag -L, which no sample of the result has, is 0.
    const torch::Tensor by_lag = torch::constant_pad_nd(kernel, {1, 0}).roll(length, 1);
    const torch::Tensor of_kernel = torch::fft_rfft(by_lag).t().contiguous();  // [L + 1, C]
    const torch::Tensor of_x = SpectrumOf(x);
    context->save_for_backward({of_x, of_kernel});
    return SignalOf(of_x * of_kernel, length);
  }

  // With g the gradient of the result, that of x is the correlation of g with the kernel, and that of the kernel the sum
  // over the batch of the correlations of g with x: products with conjugate transforms.
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grad_outputs) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor &of_x = saved[0], &of_kernel = saved[1];
    const int64_t length = grad_outputs[0].size(1);
    const torch::Tensor of_gradient = SpectrumOf(grad_outputs[0]);
    torch::Tensor grad_x, grad_kernel;
    if (context->needs_input_grad(0)) grad_x = SignalOf(of_gradient * of_kernel.conj().resolve_conj(), length);
    if (context->needs_input_grad(1)) {
      // conj(a) b is conj(a conj(b)); the sum is small, the product is not.
      const torch::Tensor sum = (of_x * of_gradient.conj_physical()).sum(0).conj().resolve_conj();  // [L + 1, C]
      const torch::Tensor by_lag = torch::fft_irfft(sum.t(), 2 * length);
      grad_kernel = by_lag.roll(-length, 1).narrow(1, 1, 2 * length - 1);
    }
    return {grad_x, grad_kernel};
  }
};

}  // namespace long_convolution_internal

// LongConvolve returns y_i, the sum over j of k(i - j) x_j, for each channel: [B, L, C] -> [B, L, C]. `kernel`
// [C, 2 L - 1] holds k(-(L - 1)) to k(L - 1); a causal one is 0 before k(0). Both are float32 or float64. While LibTorch
// traces operations it is a depthwise convolution, which other formats have too.
inline torch::Tensor LongConvolve(const torch::Tensor& x, const torch::Tensor& kernel) {
  const int64_t length = x.size(1), channels = x.size(2);
  TORCH_CHECK(kernel.dim() == 2 && kernel.size(0) == channels && kernel.size(1) == 2 * length - 1,
              "the kernel for signals of ", length, " samples and ", channels, " channels has the shape ",
              kernel.sizes());
  if (!at::tracer::impl::is_dispatch_enabled()) return long_convolution_internal::Convolution::apply(x, kernel);
  return torch::conv1d(x.transpose(1, 2), kernel.flip(1).unsqueeze(1), /*bias=*/{}, /*stride=*/1,
                       /*padding=*/length - 1, /*dilation=*/1, /*groups=*/channels)
      .transpose(1, 2);
}

}  // namespace ecg

#endif  // ECG_NN_LONG_CONVOLUTION_H_

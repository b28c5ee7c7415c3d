#include "ecg/nn/long_convolution.h"

#include <ATen/TracerMode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "ecg/nn/widest_vectors.h"

namespace ecg {
namespace {

// The longest signals that are convolved by definition, and the multiple of channels that this needs.
constexpr int64_t kMostDirect = 1024, kDirectChannels = 16;

bool IsDirect(const torch::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == torch::kFloat32 && x.size(1) <= kMostDirect &&
         x.size(2) % kDirectChannels == 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// By definition. A strip is the kLanes channels that fill a vector register; a row is one sample of a strip.

template <int kLanes>
struct VectorOf {
  using Type [[gnu::vector_size(kLanes * sizeof(float)), gnu::aligned(alignof(float)), gnu::may_alias]] = float;
};

// Rows that are computed at a time, so that their sums stay in registers.
constexpr int64_t kRows = 8;

// Correlate computes out[i] += sum over m in [begin, end) of a[i + m] b[m], for kRows rows i. All are rows of kLanes
// floats, those of `out` `out_stride` floats apart, of which `count` are written.
template <int kLanes>
[[gnu::always_inline]] inline void Correlate(const float* a, const float* b, int64_t begin, int64_t end, float* out,
                                             int64_t out_stride, int64_t count) {
  using Vector = typename VectorOf<kLanes>::Type;
  const Vector* const rows = reinterpret_cast<const Vector*>(a);
  const Vector* const factors = reinterpret_cast<const Vector*>(b);
  Vector sums[kRows] = {};
  int64_t m = begin;
  constexpr int64_t kUnrolled = 4;
  for (; m + kUnrolled <= end; m += kUnrolled) {
    Vector window[kRows + kUnrolled - 1];
    for (int64_t i = 0; i < kRows + kUnrolled - 1; ++i) window[i] = rows[i + m];
    for (int64_t u = 0; u < kUnrolled; ++u) {
      const Vector factor = factors[m + u];
      for (int64_t i = 0; i < kRows; ++i) sums[i] += window[i + u] * factor;
    }
  }
  for (; m < end; ++m) {
    const Vector factor = factors[m];
    for (int64_t i = 0; i < kRows; ++i) sums[i] += rows[i + m] * factor;
  }
  for (int64_t i = 0; i < count; ++i) *reinterpret_cast<Vector*>(out + i * out_stride) += sums[i];
}

// CopyRows writes `count` rows of a strip of `from`, a signal of `channels` channels, to `to`.
template <int kLanes>
[[gnu::always_inline]] inline void CopyRows(const float* from, int64_t channels, int64_t count, bool reversed,
                                            float* to) {
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(from + (reversed ? count - 1 - i : i) * channels, kLanes, to + i * kLanes);
  }
}

// ByStrip returns `kernel` [C, 2 L - 1] as [C / lanes, 2 L - 1 + kRows, lanes], with zeros behind it, which are read.
torch::Tensor ByStrip(const torch::Tensor& kernel) {
  const torch::Tensor padded = torch::constant_pad_nd(kernel, {0, kRows});
  return padded.view({-1, VectorLanes(), padded.size(1)}).transpose(1, 2).contiguous();
}

// ConvolveDirectly is LongConvolve.
torch::Tensor ConvolveDirectly(const torch::Tensor& x, const torch::Tensor& kernel) {
  const torch::Tensor by_strip = ByStrip(kernel), in = x.contiguous(), out = torch::zeros_like(in);
  const int64_t length = x.size(1), channels = x.size(2), strips = by_strip.size(0);
  const float *signals = in.data_ptr<float>(), *kernels = by_strip.data_ptr<float>();
  float* results = out.data_ptr<float>();
  ParallelForWidest(
      x.size(0) * strips, /*grain_size=*/1, [&](auto lanes, int64_t item) __attribute__((always_inline)) {
        constexpr int kLanes = lanes();
        const int64_t strip = item % strips, offset = item / strips * length * channels + strip * kLanes;
        const auto reversed = std::make_unique_for_overwrite<float[]>(length * kLanes);
        CopyRows<kLanes>(signals + offset, channels, length, /*reversed=*/true, reversed.get());
        const float* of_strip = kernels + strip * by_strip.stride(0);
        for (int64_t i = 0; i < length; i += kRows) {
          Correlate<kLanes>(of_strip + i * kLanes, reversed.get(), 0, length, results + offset + i * channels, channels,
                            std::min(kRows, length - i));
        }
      });
  return out;
}

// KernelGradient returns the gradient of the kernel, [C, 2 L - 1].
torch::Tensor KernelGradient(const torch::Tensor& x, const torch::Tensor& grad_output) {
  const torch::Tensor in = x.contiguous(), gradient = grad_output.contiguous();
  const int64_t batch = x.size(0), length = x.size(1), channels = x.size(2), strips = channels / VectorLanes();
  const int64_t lags = 2 * length - 1;
  const torch::Tensor sums = torch::zeros({strips, lags, VectorLanes()}, x.options());
  const float *signals = in.data_ptr<float>(), *gradients = gradient.data_ptr<float>();
  float* results = sums.data_ptr<float>();
  ParallelForWidest(
      strips, /*grain_size=*/1, [&](auto lanes, int64_t strip) __attribute__((always_inline)) {
        constexpr int kLanes = lanes();
        // Zeros before and behind the signal, which are read.
        const auto padded = std::make_unique<float[]>((length - 1 + length + kRows) * kLanes + length * kLanes);
        const auto of_output = std::make_unique_for_overwrite<float[]>(length * kLanes);
        for (int64_t b = 0; b < batch; ++b) {
          const int64_t offset = b * length * channels + strip * kLanes;
          CopyRows<kLanes>(signals + offset, channels, length, /*reversed=*/false,
                           padded.get() + (length - 1) * kLanes);
          CopyRows<kLanes>(gradients + offset, channels, length, /*reversed=*/false, of_output.get());
          // From the last lag to the first; only products with samples of the signal.
          for (int64_t i = 0; i < lags; i += kRows) {
            const int64_t begin = std::max<int64_t>(0, length - 1 - i - (kRows - 1));
            const int64_t end = std::min(length, lags - i);
            Correlate<kLanes>(padded.get() + i * kLanes, of_output.get(), begin, end,
                              results + (strip * lags + i) * kLanes, kLanes, std::min(kRows, lags - i));
          }
        }
      });
  return sums.transpose(1, 2).reshape({channels, lags}).flip(1);
}

// ---------------------------------------------------------------------------------------------------------------------
// By transforms. LibTorch's derivative of a real transform is a complex one of the whole length, so it is written out.

// SpectrumOf returns the transform of `x` [B, L, C] and zeros behind it: complex [B, L + 1, C].
torch::Tensor SpectrumOf(const torch::Tensor& x) { return torch::fft_rfft(x, 2 * x.size(1), /*dim=*/1); }

// SignalOf returns the first `length` samples of what has the transform `spectrum`: [B, `length`, C].
torch::Tensor SignalOf(const torch::Tensor& spectrum, int64_t length) {
  return torch::fft_irfft(spectrum, 2 * length, /*dim=*/1).narrow(1, 0, length);
}

// KernelSpectrum returns the transform of `kernel` [C, 2 L - 1]: complex [L + 1, C]. Lag l is at l modulo 2 L. The lag
// -L, which no sample of the result has, is 0.
torch::Tensor KernelSpectrum(const torch::Tensor& kernel) {
  const torch::Tensor by_lag = torch::constant_pad_nd(kernel, {1, 0}).roll((kernel.size(1) + 1) / 2, 1);
  return torch::fft_rfft(by_lag).t().contiguous();
}

// ---------------------------------------------------------------------------------------------------------------------

// Convolution is LongConvolve for autograd. With g the gradient of the result, that of x is the correlation of g with
// the kernel, and that of the kernel the sum over the batch of the correlations of g with x.
class Convolution : public torch::autograd::Function<Convolution> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& kernel) {
    if (IsDirect(x)) {
      context->save_for_backward({x, kernel});
      return ConvolveDirectly(x, kernel);
    }
    const torch::Tensor of_x = SpectrumOf(x), of_kernel = KernelSpectrum(kernel);
    context->save_for_backward({of_x, of_kernel});
    return SignalOf(of_x * of_kernel, x.size(1));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grad_outputs) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &kernel = saved[1], &gradient = grad_outputs[0];
    torch::Tensor grad_x, grad_kernel;
    if (IsDirect(gradient)) {
      if (context->needs_input_grad(0)) grad_x = ConvolveDirectly(gradient, kernel.flip(1));
      if (context->needs_input_grad(1)) grad_kernel = KernelGradient(x, gradient);
      return {grad_x, grad_kernel};
    }
    // x and kernel are spectra: a correlation is the product with a conjugate.
    const int64_t length = gradient.size(1);
    const torch::Tensor of_gradient = SpectrumOf(gradient);
    if (context->needs_input_grad(0)) grad_x = SignalOf(of_gradient * torch::conj_physical(kernel), length);
    if (context->needs_input_grad(1)) {
      // conj(a) b is conj(a conj(b)); the sum is small, the product is not.
      const torch::Tensor sum = torch::conj_physical((x * torch::conj_physical(of_gradient)).sum(0));  // [L + 1, C]
      grad_kernel = torch::fft_irfft(sum.t(), 2 * length).roll(-length, 1).narrow(1, 1, 2 * length - 1);
    }
    return {grad_x, grad_kernel};
  }
};

}  // namespace

torch::Tensor LongConvolve(const torch::Tensor& x, const torch::Tensor& kernel) {
  const int64_t length = x.size(1), channels = x.size(2);
  TORCH_CHECK(kernel.dim() == 2 && kernel.size(0) == channels && kernel.size(1) == 2 * length - 1,
              "the kernel for signals of ", length, " samples and ", channels, " channels has the shape ",
              kernel.sizes());
  if (!at::tracer::impl::is_dispatch_enabled()) return Convolution::apply(x, kernel);
  return torch::conv1d(x.transpose(1, 2), kernel.flip(1).unsqueeze(1), /*bias=*/{}, /*stride=*/1,
                       /*padding=*/length - 1, /*dilation=*/1, /*groups=*/channels)
      .transpose(1, 2);
}

}  // namespace ecg

#include "ecg/nn/batch_norm.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/widest_vectors.h"

namespace ecg {
namespace {

// Samples in a chunk. Each chunk has its own partial sums, so that results do not depend on the number of threads.
constexpr int64_t kChunk = 64;

// PerChannel is a value for each channel.
using PerChannel = std::vector<float>;

// Samples is signals [B, C, L], channels last, as B * L rows of C values.
template <typename T>
struct Samples {
  T* data;
  int64_t count;
  int64_t channels;

  explicit Samples(const torch::Tensor& x)
      : data(x.data_ptr<std::remove_const_t<T>>()), count(x.size(0) * x.size(2)), channels(x.size(1)) {}

  T* row(int64_t sample) const { return data + sample * channels; }
};

// ChunkCount returns the number of chunks of `samples` samples.
int64_t ChunkCount(int64_t samples) { return (samples + kChunk - 1) / kChunk; }

// ForEachChunk calls work(chunk, begin, end) for each chunk of `samples` samples, which are [begin, end), in all
// threads. `work` is always inlined.
template <typename Work>
[[gnu::always_inline]] inline void ForEachChunk(int64_t samples, const Work& work) {
  ParallelForWidest(
      ChunkCount(samples), /*grain_size=*/2, [&](auto, int64_t chunk) __attribute__((always_inline)) {
        work(chunk, chunk * kChunk, std::min(chunk * kChunk + kChunk, samples));
      });
}

// ComputeStatistics computes the mean and the biased variance of each channel. Each chunk has its own mean, so that no
// precision is lost where the mean is large (Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm
// for Computing Sample Variances"). `mean` and `variance` are zero before.
template <typename T>
void ComputeStatistics(const Samples<const T>& x, PerChannel& mean, PerChannel& variance) {
  const int64_t channels = x.channels, chunks = ChunkCount(x.count);
  std::vector<float> means(chunks * channels), squares(chunks * channels);
  ForEachChunk(
      x.count, [&](int64_t chunk, int64_t begin, int64_t end) __attribute__((always_inline)) {
        float* __restrict sum = &means[chunk * channels], * __restrict square = &squares[chunk * channels];
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict row = x.row(i);
          for (int64_t c = 0; c < channels; ++c) sum[c] += static_cast<float>(row[c]);
        }
        for (int64_t c = 0; c < channels; ++c) sum[c] /= static_cast<float>(end - begin);
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict row = x.row(i);
          for (int64_t c = 0; c < channels; ++c) {
            const float difference = static_cast<float>(row[c]) - sum[c];
            square[c] += difference * difference;
          }
        }
      });
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const float before = chunk * kChunk, size = std::min(kChunk, x.count - chunk * kChunk), all = before + size;
    for (int64_t c = 0; c < channels; ++c) {
      const float difference = means[chunk * channels + c] - mean[c];
      mean[c] += difference * (size / all);
      variance[c] += squares[chunk * channels + c] + difference * difference * (before * size / all);
    }
  }
  for (float& value : variance) value /= x.count;
}

// Normalise computes y = x * scale + shift, plus `shortcut` unless that is empty, and its ReLU if `relu`. NaN stays
// NaN.
template <typename T>
void Normalise(const Samples<const T>& x, const PerChannel& scale, const PerChannel& shift,
               const Samples<const T>& shortcut, bool relu, const Samples<T>& y) {
  const float minimum = relu ? 0 : -std::numeric_limits<float>::infinity();
  ForEachChunk(
      x.count, [&](int64_t, int64_t begin, int64_t end) __attribute__((always_inline)) {
        const float* __restrict a = scale.data(), * __restrict b = shift.data();
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict in = x.row(i);
          T* __restrict out = y.row(i);
          if (shortcut.count == 0) {
            for (int64_t c = 0; c < x.channels; ++c) {
              const float value = static_cast<float>(in[c]) * a[c] + b[c];
              out[c] = static_cast<T>(value < minimum ? minimum : value);
            }
          } else {
            const T* __restrict added = shortcut.row(i);
            for (int64_t c = 0; c < x.channels; ++c) {
              const float value = static_cast<float>(in[c]) * a[c] + b[c] + static_cast<float>(added[c]);
              out[c] = static_cast<T>(value < minimum ? minimum : value);
            }
          }
        }
      });
}

// ReluBackward computes grad_input = grad_output where the ReLU's output `y` is positive, else 0.
template <typename T>
void ReluBackward(const Samples<const T>& grad_output, const Samples<const T>& y, const Samples<T>& grad_input) {
  ForEachChunk(
      y.count, [&](int64_t, int64_t begin, int64_t end) __attribute__((always_inline)) {
        const T* __restrict gradient = grad_output.row(begin), * __restrict output = y.row(begin);
        T* __restrict to = grad_input.row(begin);
        for (int64_t i = 0; i < (end - begin) * y.channels; ++i) {
          to[i] = static_cast<T>(static_cast<float>(output[i]) > 0 ? static_cast<float>(gradient[i]) : 0.0f);
        }
      });
}

// SumGradients computes for each channel the sums of grad_output and of grad_output * (x - mean). `sums` and `products`
// are zero before.
template <typename T>
void SumGradients(const Samples<const T>& grad_output, const Samples<const T>& x, const float* mean, PerChannel& sums,
                  PerChannel& products) {
  const int64_t channels = x.channels, chunks = ChunkCount(x.count);
  std::vector<float> partial(2 * chunks * channels);
  ForEachChunk(
      x.count, [&](int64_t chunk, int64_t begin, int64_t end) __attribute__((always_inline)) {
        float* __restrict sum = &partial[2 * chunk * channels], * __restrict product = sum + channels;
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict gradient = grad_output.row(i), * __restrict in = x.row(i);
          for (int64_t c = 0; c < channels; ++c) {
            sum[c] += static_cast<float>(gradient[c]);
            product[c] += static_cast<float>(gradient[c]) * (static_cast<float>(in[c]) - mean[c]);
          }
        }
      });
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (int64_t c = 0; c < channels; ++c) {
      sums[c] += partial[2 * chunk * channels + c];
      products[c] += partial[(2 * chunk + 1) * channels + c];
    }
  }
}

// NormBackward computes grad_input = grad_output * scale + x * slope + shift.
template <typename T>
void NormBackward(const Samples<const T>& grad_output, const PerChannel& scale, const Samples<const T>& x,
                  const PerChannel& slope, const PerChannel& shift, const Samples<T>& grad_input) {
  ForEachChunk(
      x.count, [&](int64_t, int64_t begin, int64_t end) __attribute__((always_inline)) {
        const float* __restrict a = scale.data(), * __restrict s = slope.data(), * __restrict b = shift.data();
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict gradient = grad_output.row(i), * __restrict in = x.row(i);
          T* __restrict to = grad_input.row(i);
          for (int64_t c = 0; c < x.channels; ++c) {
            to[c] = static_cast<T>(a[c] * static_cast<float>(gradient[c]) + s[c] * static_cast<float>(in[c]) + b[c]);
          }
        }
      });
}

// ChannelsLastNorm is batch norm, the addition of a shortcut and ReLU in one pass over the memory, for signals that are
// channels last on a CPU. Its results do not depend on the number of threads.
class ChannelsLastNorm : public torch::autograd::Function<ChannelsLastNorm> {
 public:
  struct Options {
    // Normalises by the statistics of the batch, and updates the running ones; else by the running ones.
    bool training;
    double momentum;
    double epsilon;
    bool relu;
  };

  // forward returns the normalised `x` [B, C, L], float32 or bfloat16, plus `shortcut`, which has shape, type and
  // layout of `x` or is empty. The other tensors are float32 [C].
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& shortcut, const torch::Tensor& weight, const torch::Tensor& bias,
                               const torch::Tensor& running_mean, const torch::Tensor& running_variance,
                               const Options& options) {
    const torch::Tensor y = EmptyLike(x);
    const auto compute = [&]<typename T>(T) {
      const Samples<const T> samples(x);
      PerChannel mean(samples.channels), variance(samples.channels);
      if (options.training) {
        ComputeStatistics(samples, mean, variance);
        UpdateRunning(running_mean, mean, options.momentum, 1);
        // The running variance is the unbiased one, as in LibTorch.
        UpdateRunning(running_variance, variance, options.momentum, samples.count / std::max(1., samples.count - 1.));
      } else {
        std::copy_n(running_mean.data_ptr<float>(), mean.size(), mean.begin());
        std::copy_n(running_variance.data_ptr<float>(), variance.size(), variance.begin());
      }
      PerChannel inverse_deviation(samples.channels), scale(samples.channels), shift(samples.channels);
      for (int64_t c = 0; c < samples.channels; ++c) {
        inverse_deviation[c] = 1 / std::sqrt(variance[c] + options.epsilon);
        scale[c] = weight.data_ptr<float>()[c] * inverse_deviation[c];
        shift[c] = bias.data_ptr<float>()[c] - mean[c] * scale[c];
      }
      const Samples<const T> added(shortcut);
      Normalise(samples, scale, shift, added, options.relu, Samples<T>(y));
      context->save_for_backward(
          {x, weight, torch::tensor(mean), torch::tensor(inverse_deviation), options.relu ? y : torch::Tensor()});
    };
    x.scalar_type() == torch::kBFloat16 ? compute(at::BFloat16()) : compute(0.0f);
    context->saved_data["has_shortcut"] = shortcut.numel() > 0;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grad_outputs) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &inverse_deviation = saved[3],
                        &y = saved[4];
    const torch::Tensor grad_output = ChannelsLast(grad_outputs[0]);
    // The gradient of the sum of normalised x and shortcut, before the ReLU.
    const torch::Tensor grad_sum = y.defined() ? EmptyLike(x) : grad_output, grad_input = EmptyLike(x);
    const torch::Tensor grad_weight = torch::empty_like(weight), grad_bias = torch::empty_like(weight);
    const auto compute = [&]<typename T>(T) {
      using Read = Samples<const T>;
      using Written = Samples<T>;
      const Read samples(x);
      if (y.defined()) ReluBackward(Read(grad_output), Read(y), Written(grad_sum));
      PerChannel sums(samples.channels), products(samples.channels);
      SumGradients(Read(grad_sum), samples, mean.data_ptr<float>(), sums, products);
      // With g = grad_sum and x' = (x - mean) / deviation:
      // grad_input = (g - mean(g) - x' mean(g x')) * weight / deviation.
      PerChannel scale(samples.channels), slope(samples.channels), shift(samples.channels);
      for (int64_t c = 0; c < samples.channels; ++c) {
        const float inverse = inverse_deviation.data_ptr<float>()[c];
        grad_weight.data_ptr<float>()[c] = products[c] * inverse;
        grad_bias.data_ptr<float>()[c] = sums[c];
        scale[c] = weight.data_ptr<float>()[c] * inverse;
        slope[c] = -scale[c] * inverse * inverse * products[c] / samples.count;
        shift[c] = -scale[c] * sums[c] / samples.count - slope[c] * mean.data_ptr<float>()[c];
      }
      NormBackward(Read(grad_sum), scale, samples, slope, shift, Written(grad_input));
    };
    x.scalar_type() == torch::kBFloat16 ? compute(at::BFloat16()) : compute(0.0f);
    const bool has_shortcut = context->saved_data["has_shortcut"].toBool();
    return {grad_input, has_shortcut ? grad_sum : torch::Tensor(), grad_weight, grad_bias, {}, {}, {}};
  }

 private:
  // EmptyLike returns a tensor with size, strides and type of `x`.
  static torch::Tensor EmptyLike(const torch::Tensor& x) {
    return torch::empty_strided(x.sizes(), x.strides(), x.options());
  }

  // UpdateRunning computes running = (1 - momentum) * running + momentum * factor * batch.
  static void UpdateRunning(const torch::Tensor& running, const PerChannel& batch, double momentum, double factor) {
    float* values = running.data_ptr<float>();
    for (size_t c = 0; c < batch.size(); ++c) {
      values[c] = static_cast<float>((1 - momentum) * values[c] + momentum * factor * batch[c]);
    }
  }
};

}  // namespace

BatchNorm1dImpl::BatchNorm1dImpl(int64_t channels, const BatchNormOptions& options)
    : options(options),
      weight(register_parameter("weight", torch::ones({channels}))),
      bias(register_parameter("bias", torch::zeros({channels}))),
      running_mean(register_buffer("running_mean", torch::zeros({channels}))),
      running_var(register_buffer("running_var", torch::ones({channels}))),
      num_batches_tracked(register_buffer("num_batches_tracked", torch::tensor(0, torch::kLong))) {}

torch::Tensor BatchNorm1dImpl::forward(const torch::Tensor& x) {
  return IsFused(x) ? Fused(x, x.new_empty({0, 0, 0}), /*relu=*/false) : Plain(x);
}

torch::Tensor BatchNorm1dImpl::NormRelu(const torch::Tensor& x) {
  return IsFused(x) ? Fused(x, x.new_empty({0, 0, 0}), /*relu=*/true) : Plain(x).relu_();
}

torch::Tensor BatchNorm1dImpl::NormRelu(const torch::Tensor& x, const torch::Tensor& shortcut) {
  if (!IsFused(x)) return Plain(x).add_(shortcut).relu_();
  return Fused(x, ChannelsLast(shortcut.to(x.scalar_type())), /*relu=*/true);
}

bool BatchNorm1dImpl::IsFused(const torch::Tensor& x) const {
  const bool has_type = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
  // ChannelsLastNorm has no gradients for evaluation mode.
  return !IsSynchronised() && x.is_cpu() && has_type && IsChannelsLast(x) &&
         (is_training() || !torch::GradMode::is_enabled());
}

torch::Tensor BatchNorm1dImpl::Plain(const torch::Tensor& x) {
  if (IsSynchronised()) return Synchronised(x);
  if (is_training()) num_batches_tracked.add_(1);
  return torch::batch_norm(x, weight, bias, running_mean, running_var, is_training(), options.momentum, options.epsilon,
                           at::globalContext().userEnabledCuDNN());
}

torch::Tensor BatchNorm1dImpl::Synchronised(const torch::Tensor& x) {
  num_batches_tracked.add_(1);
  const std::vector<int64_t> over = x.dim() == 3 ? std::vector<int64_t>{0, 2} : std::vector<int64_t>{0};
  const auto per_channel = [&](const torch::Tensor& values) {
    return x.dim() == 3 ? values.unsqueeze(1) : values;  // [C, 1] or [C]
  };
  const torch::Tensor samples = x.to(torch::kFloat32);
  const torch::Tensor count = torch::full({}, static_cast<float>(x.numel() / x.size(1)), samples.options());
  sum_over_processes(count);
  const torch::Tensor mean = DifferentiableSum(samples.sum(over), sum_over_processes) / count;
  const torch::Tensor centred = samples - per_channel(mean);
  const torch::Tensor variance = DifferentiableSum(centred.square().sum(over), sum_over_processes) / count;
  {
    const torch::NoGradGuard no_grad;
    running_mean.lerp_(mean, options.momentum);
    // The running variance is the unbiased one, as in LibTorch.
    running_var.lerp_(variance * (count / (count - 1).clamp_min(1)), options.momentum);
  }
  const torch::Tensor scale = weight * (variance + options.epsilon).rsqrt();
  return (centred * per_channel(scale) + per_channel(bias)).to(x.scalar_type());
}

torch::Tensor BatchNorm1dImpl::Fused(const torch::Tensor& x, const torch::Tensor& shortcut, bool relu) {
  if (is_training()) num_batches_tracked.add_(1);
  return ChannelsLastNorm::apply(
      x, shortcut, weight, bias, running_mean, running_var,
      ChannelsLastNorm::Options{
          .training = is_training(), .momentum = options.momentum, .epsilon = options.epsilon, .relu = relu});
}

}  // namespace ecg

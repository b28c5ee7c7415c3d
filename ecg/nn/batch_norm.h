// batch_norm.h
//
// Batch norm, and what follows it in most networks: Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep
// Network Training by Reducing Internal Covariate Shift", arXiv:1502.03167.
//
//   torch::Tensor out = bn1_->NormRelu(conv1_(x));
//   return bn2_->NormRelu(conv2_(out), /*shortcut=*/x);

#ifndef ECG_NN_BATCH_NORM_H_
#define ECG_NN_BATCH_NORM_H_

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/widest_vectors.h"

namespace ecg {

namespace batch_norm_internal {

// How many samples are summed up at a time.
inline constexpr int64_t kPiece = 64;

// ForPieces calls work(piece, begin, end) for each piece of `count` samples: those from `begin` to `end`. Work is
// always inlined.
template <typename Work>
void ForPieces(int64_t count, const Work& work) {
  at::parallel_for(0, (count + kPiece - 1) / kPiece, /*grain_size=*/2, [&](int64_t first, int64_t last) {
    WithWidestVectors([&](auto) __attribute__((always_inline)) {
      for (int64_t piece = first; piece < last; ++piece) {
        work(piece, piece * kPiece, std::min(piece * kPiece + kPiece, count));
      }
    });
  });
}

// PerChannel is a number for each channel.
using PerChannel = std::vector<float>;

// Samples are signals that lie channels last: a row of `channels` numbers for each of `count` samples.
template <typename T>
struct Samples {
  T* numbers;
  int64_t count;
  int64_t channels;

  // `x` [B, C, L] lies channels last.
  explicit Samples(const torch::Tensor& x)
      : numbers(x.data_ptr<std::remove_const_t<T>>()), count(x.size(0) * x.size(2)), channels(x.size(1)) {}

  T* row(int64_t sample) const { return numbers + sample * channels; }
};

// TakeStatistics computes the mean and the biased variance of each channel. Each piece has its own mean, so that no
// precision is lost where the mean is large (Chan, Golub and LeVeque 1979, "Updating Formulae and a Pairwise Algorithm
// for Computing Sample Variances").
template <typename T>
void TakeStatistics(const Samples<const T>& x, PerChannel& mean, PerChannel& variance) {
  const int64_t channels = x.channels, pieces = (x.count + kPiece - 1) / kPiece;
  std::vector<float> means(pieces * channels), squares(pieces * channels);
  ForPieces(
      x.count, [&](int64_t piece, int64_t begin, int64_t end) __attribute__((always_inline)) {
        float* __restrict sum = &means[piece * channels], * __restrict square = &squares[piece * channels];
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
  for (int64_t piece = 0; piece < pieces; ++piece) {
    const float before = piece * kPiece, size = std::min(kPiece, x.count - piece * kPiece), all = before + size;
    for (int64_t c = 0; c < channels; ++c) {
      const float difference = means[piece * channels + c] - mean[c];
      mean[c] += difference * (size / all);
      variance[c] += squares[piece * channels + c] + difference * difference * (before * size / all);
    }
  }
  for (float& value : variance) value /= x.count;
}

// Normalise computes y = x * scale + shift, plus `shortcut` where that has samples; if `rectified`, zero where that is
// negative. What is not a number remains so.
template <typename T>
void Normalise(const Samples<const T>& x, const PerChannel& scale, const PerChannel& shift,
               const Samples<const T>& shortcut, bool rectified, const Samples<T>& y) {
  const float least = rectified ? 0 : -std::numeric_limits<float>::infinity();
  ForPieces(
      x.count, [&](int64_t, int64_t begin, int64_t end) __attribute__((always_inline)) {
        const float* __restrict a = scale.data(), * __restrict b = shift.data();
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict in = x.row(i);
          T* __restrict out = y.row(i);
          if (shortcut.count == 0) {
            for (int64_t c = 0; c < x.channels; ++c) {
              const float value = static_cast<float>(in[c]) * a[c] + b[c];
              out[c] = static_cast<T>(value < least ? least : value);
            }
          } else {
            const T* __restrict added = shortcut.row(i);
            for (int64_t c = 0; c < x.channels; ++c) {
              const float value = static_cast<float>(in[c]) * a[c] + b[c] + static_cast<float>(added[c]);
              out[c] = static_cast<T>(value < least ? least : value);
            }
          }
        }
      });
}

// PassRectifier computes the gradient of the rectifier's input: that of its output `y`, where `y` is positive.
template <typename T>
void PassRectifier(const Samples<const T>& gradient, const Samples<const T>& y, const Samples<T>& passed) {
  ForPieces(
      y.count, [&](int64_t, int64_t begin, int64_t end) __attribute__((always_inline)) {
        const T* __restrict given = gradient.row(begin), * __restrict kept = y.row(begin);
        T* __restrict out = passed.row(begin);
        for (int64_t i = 0; i < (end - begin) * y.channels; ++i) {
          out[i] = static_cast<T>(static_cast<float>(kept[i]) > 0 ? static_cast<float>(given[i]) : 0.0f);
        }
      });
}

// SumGradients computes of each channel the sum of the gradient, and of its products with x - mean.
template <typename T>
void SumGradients(const Samples<const T>& gradient, const Samples<const T>& x, const float* mean, PerChannel& sums,
                  PerChannel& products) {
  const int64_t channels = x.channels, pieces = (x.count + kPiece - 1) / kPiece;
  std::vector<float> of_pieces(2 * pieces * channels);
  ForPieces(
      x.count, [&](int64_t piece, int64_t begin, int64_t end) __attribute__((always_inline)) {
        float* __restrict sum = &of_pieces[2 * piece * channels], * __restrict product = sum + channels;
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict given = gradient.row(i), * __restrict in = x.row(i);
          for (int64_t c = 0; c < channels; ++c) {
            sum[c] += static_cast<float>(given[c]);
            product[c] += static_cast<float>(given[c]) * (static_cast<float>(in[c]) - mean[c]);
          }
        }
      });
  for (int64_t piece = 0; piece < pieces; ++piece) {
    for (int64_t c = 0; c < channels; ++c) {
      sums[c] += of_pieces[2 * piece * channels + c];
      products[c] += of_pieces[(2 * piece + 1) * channels + c];
    }
  }
}

// Combine computes out = gradient * scale + x * slope + shift.
template <typename T>
void Combine(const Samples<const T>& gradient, const PerChannel& scale, const Samples<const T>& x,
             const PerChannel& slope, const PerChannel& shift, const Samples<T>& out) {
  ForPieces(
      x.count, [&](int64_t, int64_t begin, int64_t end) __attribute__((always_inline)) {
        const float* __restrict a = scale.data(), * __restrict s = slope.data(), * __restrict b = shift.data();
        for (int64_t i = begin; i < end; ++i) {
          const T* __restrict given = gradient.row(i), * __restrict in = x.row(i);
          T* __restrict to = out.row(i);
          for (int64_t c = 0; c < x.channels; ++c) {
            to[c] = static_cast<T>(a[c] * static_cast<float>(given[c]) + s[c] * static_cast<float>(in[c]) + b[c]);
          }
        }
      });
}

}  // namespace batch_norm_internal

// ChannelsLastNorm is batch norm of signals that lie channels last, the addition of a shortcut, and the rectifier, in
// one: LibTorch reads and writes all numbers for each of them. It sums in pieces that do not depend on the number of
// threads.
class ChannelsLastNorm : public torch::autograd::Function<ChannelsLastNorm> {
 public:
  struct Options {
    // Statistics of the batch, towards which those that are kept are moved; or else those that are kept.
    bool of_batch;
    double momentum;
    double epsilon;
    bool rectified;
  };

  // forward returns the normalised `x` [B, C, L], float32 or bfloat16, plus `shortcut`, which is like it or empty. The
  // others are float32 [C].
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& shortcut, const torch::Tensor& weight, const torch::Tensor& bias,
                               const torch::Tensor& running_mean, const torch::Tensor& running_variance,
                               const Options& options) {
    const torch::Tensor y = Like(x);
    const auto compute = [&]<typename T>(T) {
      const batch_norm_internal::Samples<const T> samples(x);
      PerChannel mean(samples.channels), variance(samples.channels);
      if (options.of_batch) {
        batch_norm_internal::TakeStatistics(samples, mean, variance);
        Move(running_mean, mean, options.momentum, 1);
        Move(running_variance, variance, options.momentum, samples.count / std::max(1., samples.count - 1.));
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
      const batch_norm_internal::Samples<const T> added(shortcut);
      batch_norm_internal::Normalise(samples, scale, shift, added, options.rectified,
                                     batch_norm_internal::Samples<T>(y));
      context->save_for_backward(
          {x, weight, torch::tensor(mean), torch::tensor(inverse_deviation), options.rectified ? y : torch::Tensor()});
    };
    x.scalar_type() == torch::kBFloat16 ? compute(at::BFloat16()) : compute(0.0f);
    context->saved_data["has_shortcut"] = shortcut.numel() > 0;
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], &mean = saved[2], &inverse_deviation = saved[3],
                        &y = saved[4];
    const torch::Tensor given = ChannelsLast(gradients[0]);
    const torch::Tensor of_sum = y.defined() ? Like(x) : given, of_x = Like(x);
    const torch::Tensor of_weight = torch::empty_like(weight), of_bias = torch::empty_like(weight);
    const auto compute = [&]<typename T>(T) {
      using Read = batch_norm_internal::Samples<const T>;
      using Written = batch_norm_internal::Samples<T>;
      const Read samples(x);
      if (y.defined()) batch_norm_internal::PassRectifier(Read(given), Read(y), Written(of_sum));
      PerChannel sums(samples.channels), products(samples.channels);
      batch_norm_internal::SumGradients(Read(of_sum), samples, mean.data_ptr<float>(), sums, products);
      // With x' = (x - mean) / deviation: the gradient, less its mean, less x' times the mean of its product with x';
      // times weight / deviation.
      PerChannel scale(samples.channels), slope(samples.channels), shift(samples.channels);
      for (int64_t c = 0; c < samples.channels; ++c) {
        const float inverse = inverse_deviation.data_ptr<float>()[c];
        of_weight.data_ptr<float>()[c] = products[c] * inverse;
        of_bias.data_ptr<float>()[c] = sums[c];
        scale[c] = weight.data_ptr<float>()[c] * inverse;
        slope[c] = -scale[c] * inverse * inverse * products[c] / samples.count;
        shift[c] = -scale[c] * sums[c] / samples.count - slope[c] * mean.data_ptr<float>()[c];
      }
      batch_norm_internal::Combine(Read(of_sum), scale, samples, slope, shift, Written(of_x));
    };
    x.scalar_type() == torch::kBFloat16 ? compute(at::BFloat16()) : compute(0.0f);
    const bool has_shortcut = context->saved_data["has_shortcut"].toBool();
    return {of_x, has_shortcut ? of_sum : torch::Tensor(), of_weight, of_bias, {}, {}, {}};
  }

 private:
  using PerChannel = batch_norm_internal::PerChannel;

  static torch::Tensor Like(const torch::Tensor& x) {
    return torch::empty_strided(x.sizes(), x.strides(), x.options());
  }

  // Moves the statistics that are kept towards `current` times `factor`.
  static void Move(const torch::Tensor& kept, const PerChannel& current, double momentum, double factor) {
    float* values = kept.data_ptr<float>();
    for (size_t c = 0; c < current.size(); ++c) {
      values[c] = static_cast<float>((1 - momentum) * values[c] + momentum * factor * current[c]);
    }
  }
};

// BatchNorm1dImpl is LibTorch's layer, with the same weights and numbers, which also takes signals that lie channels
// last, and then gives such.
class BatchNorm1dImpl : public torch::nn::Module {
 public:
  explicit BatchNorm1dImpl(int64_t channels, double momentum = 0.1, double epsilon = 1e-5)
      : weight(register_parameter("weight", torch::ones({channels}))),
        bias(register_parameter("bias", torch::zeros({channels}))),
        running_mean(register_buffer("running_mean", torch::zeros({channels}))),
        running_var(register_buffer("running_var", torch::ones({channels}))),
        num_batches_tracked(register_buffer("num_batches_tracked", torch::tensor(0, torch::kLong))),
        momentum_(momentum),
        epsilon_(epsilon) {}

  // forward returns the normalised x [B, C, L], or [B, C].
  torch::Tensor forward(const torch::Tensor& x) {
    return Fuses(x) ? Fused(x, x.new_empty({0, 0, 0}), /*rectified=*/false) : Plain(x);
  }

  // NormRelu returns the normalised x [B, C, L], zero where it is negative.
  torch::Tensor NormRelu(const torch::Tensor& x) {
    return Fuses(x) ? Fused(x, x.new_empty({0, 0, 0}), /*rectified=*/true) : Plain(x).relu_();
  }

  // NormRelu returns the sum of the normalised x [B, C, L] and `shortcut` [B, C, L], zero where it is negative.
  torch::Tensor NormRelu(const torch::Tensor& x, const torch::Tensor& shortcut) {
    if (!Fuses(x)) return Plain(x).add_(shortcut).relu_();
    return Fused(x, ChannelsLast(shortcut.to(x.scalar_type())), /*rectified=*/true);
  }

  // Called as in LibTorch.
  torch::Tensor weight, bias, running_mean, running_var, num_batches_tracked;

 private:
  bool Fuses(const torch::Tensor& x) const {
    const bool has_type = x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kBFloat16;
    // The gradients of a network that is not in training are LibTorch's.
    return x.is_cpu() && has_type && IsChannelsLast(x) && (is_training() || !torch::GradMode::is_enabled());
  }

  torch::Tensor Plain(const torch::Tensor& x) {
    if (is_training()) num_batches_tracked.add_(1);
    return torch::batch_norm(x, weight, bias, running_mean, running_var, is_training(), momentum_, epsilon_,
                             at::globalContext().userEnabledCuDNN());
  }

  torch::Tensor Fused(const torch::Tensor& x, const torch::Tensor& shortcut, bool rectified) {
    if (is_training()) num_batches_tracked.add_(1);
    return ChannelsLastNorm::apply(
        x, shortcut, weight, bias, running_mean, running_var,
        ChannelsLastNorm::Options{
            .of_batch = is_training(), .momentum = momentum_, .epsilon = epsilon_, .rectified = rectified});
  }

  const double momentum_;
  const double epsilon_;
};
TORCH_MODULE(BatchNorm1d);

}  // namespace ecg

#endif  // ECG_NN_BATCH_NORM_H_

// winograd.h
//
// Convolution with a kernel of three samples in half the multiplications: Lavin and Gray 2016, "Fast Algorithms for
// Convolutional Neural Networks", arXiv:1509.09308; here F(4, 3) along time. A tile is four samples of the result,
// which depend on six of the signal. Six sums of those, multiplied with six sums of the weights, give six products, of
// which the four samples are sums; a direct convolution multiplies twelve times. The sums are taken for each channel
// once, and the products are those of matrices: tiles by channels, channels by channels.

#ifndef ECG_NN_WINOGRAD_H_
#define ECG_NN_WINOGRAD_H_

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/widest_vectors.h"

namespace ecg {

namespace winograd_internal {

inline constexpr int64_t kKernel = 3, kTile = 4, kProducts = 6;

template <size_t kRows, size_t kColumns>
using Matrix = std::array<std::array<float, kColumns>, kRows>;

template <size_t kRows, size_t kColumns>
constexpr Matrix<kColumns, kRows> Transposed(const Matrix<kRows, kColumns>& matrix) {
  Matrix<kColumns, kRows> transposed = {};
  for (size_t i = 0; i < kRows; ++i) {
    for (size_t j = 0; j < kColumns; ++j) transposed[j][i] = matrix[i][j];
  }
  return transposed;
}

// What the paper calls B transposed, G and A transposed, and what takes gradients back through the last two.
inline constexpr Matrix<kProducts, kProducts> kBT = {{{4, 0, -5, 0, 1, 0},
                                                      {0, -4, -4, 1, 1, 0},
                                                      {0, 4, -4, -1, 1, 0},
                                                      {0, -2, -1, 2, 1, 0},
                                                      {0, 2, -1, -2, 1, 0},
                                                      {0, 4, 0, -5, 0, 1}}};
inline constexpr Matrix<kProducts, kKernel> kG = {{{1.f / 4, 0, 0},
                                                   {-1.f / 6, -1.f / 6, -1.f / 6},
                                                   {-1.f / 6, 1.f / 6, -1.f / 6},
                                                   {1.f / 24, 1.f / 12, 1.f / 6},
                                                   {1.f / 24, -1.f / 12, 1.f / 6},
                                                   {0, 0, 1}}};
inline constexpr Matrix<kTile, kProducts> kAT = {
    {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}};
inline constexpr auto kA = Transposed(kAT);
inline constexpr auto kGT = Transposed(kG);

// Channels go by strips of so many: the sums of a few rows of a strip fit into AVX-512's registers, and a square of
// weights, a strip by a strip, into the first cache.
inline constexpr int64_t kStrip = 64;

template <int kLanes>
struct VectorOf {
  using Type [[gnu::vector_size(kLanes * sizeof(float)), gnu::aligned(alignof(float)), gnu::may_alias]] = float;
};

// AddRows adds to each of kRows rows of `to` the sum of `count` rows of `b`, each times a number of `a`: that of row r
// of `to` and row k of `b` stands at a[r * row_step + k * step]. Rows are a strip apart, and kVectors vectors wide.
template <int kLanes, int kRows, int kVectors>
[[gnu::always_inline]] inline void AddRows(const float* a, int64_t row_step, int64_t step, const float* b,
                                           int64_t count, float* to) {
  using Vector = typename VectorOf<kLanes>::Type;
  Vector sums[kRows][kVectors] = {};
  for (int64_t k = 0; k < count; ++k) {
    Vector row[kVectors];
    for (int v = 0; v < kVectors; ++v) row[v] = *reinterpret_cast<const Vector*>(b + k * kStrip + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const float factor = a[r * row_step + k * step];
      for (int v = 0; v < kVectors; ++v) sums[r][v] += factor * row[v];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vector*>(to + r * kStrip + v * kLanes) += sums[r][v];
  }
}

// Add does that for `rows` rows that are whole strips.
template <int kLanes>
[[gnu::always_inline]] inline void Add(const float* a, int64_t row_step, int64_t step, const float* b, int64_t count,
                                       float* to, int64_t rows) {
  // The sums of six rows, and a row of `b`, nearly fill the registers: 32 with AVX-512, else 16.
  constexpr int kRows = 6, kVectors = kLanes == 16 ? 4 : 2;
  for (int64_t column = 0; column < kStrip; column += kVectors * kLanes) {
    int64_t r = 0;
    for (; r + kRows <= rows; r += kRows) {
      AddRows<kLanes, kRows, kVectors>(a + r * row_step, row_step, step, b + column, count, to + r * kStrip + column);
    }
    for (; r + 2 <= rows; r += 2) {
      AddRows<kLanes, 2, kVectors>(a + r * row_step, row_step, step, b + column, count, to + r * kStrip + column);
    }
    for (; r < rows; ++r) {
      AddRows<kLanes, 1, kVectors>(a + r * row_step, row_step, step, b + column, count, to + r * kStrip + column);
    }
  }
}

// Combine writes to the strip to[i] the sum of the strips `from`, each times its number in row i of the matrix.
template <int kLanes, const auto& kMatrix, typename From, size_t kFrom, size_t kTo>
[[gnu::always_inline]] inline void Combine(const std::array<From*, kFrom>& from, const std::array<float*, kTo>& to) {
  using Vector = typename VectorOf<kLanes>::Type;
  for (int64_t c = 0; c < kStrip; c += kLanes) {
    Vector values[kFrom];
    for (size_t j = 0; j < kFrom; ++j) values[j] = *reinterpret_cast<const Vector*>(from[j] + c);
    for (size_t i = 0; i < kTo; ++i) {
      Vector sum = {};
      for (size_t j = 0; j < kFrom; ++j) {
        if (kMatrix[i][j] != 0) sum += kMatrix[i][j] * values[j];
      }
      *reinterpret_cast<Vector*>(to[i] + c) = sum;
    }
  }
}

// Tiled is signals [B, C, L] that lie channels last, in tiles.
template <typename T>
struct Tiled {
  T* numbers;
  int64_t channels, samples, tiles_each, tiles;

  Tiled(const torch::Tensor& x, T* numbers)
      : numbers(numbers),
        channels(x.size(1)),
        samples(x.size(2)),
        tiles_each((samples + kTile - 1) / kTile),
        tiles(x.size(0) * tiles_each) {}

  // Rows returns a strip of kCount neighbouring samples of `tile`, from its sample `first` on; `outside` for those that
  // the signal does not have.
  template <size_t kCount>
  [[gnu::always_inline]] std::array<T*, kCount> Rows(int64_t tile, int64_t first, int64_t strip, T* outside) const {
    const int64_t signal = tile / tiles_each, begin = tile % tiles_each * kTile + first;
    std::array<T*, kCount> rows;
    for (int64_t i = 0; i < static_cast<int64_t>(kCount); ++i) {
      const bool inside = begin + i >= 0 && begin + i < samples;
      rows[i] = inside ? numbers + (signal * samples + begin + i) * channels + strip * kStrip : outside;
    }
    return rows;
  }
};

// Strips is the factors or products of all channels, a strip of each row after the other:
// [kProducts, strips, rows, kStrip].
struct Strips {
  float* numbers;
  int64_t strips, rows;

  float* at(int64_t product, int64_t strip, int64_t row = 0) const {
    return numbers + ((product * strips + strip) * rows + row) * kStrip;
  }
  std::array<float*, kProducts> all(int64_t strip, int64_t row) const {
    std::array<float*, kProducts> rows;
    for (int64_t product = 0; product < kProducts; ++product) rows[product] = at(product, strip, row);
    return rows;
  }
};

// ForEach calls work(lanes, i) for each i below `count`, in all threads. Work is always inlined.
template <typename Work>
void ForEach(int64_t count, const Work& work) {
  at::parallel_for(0, count, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    WithWidestVectors([&](auto lanes) __attribute__((always_inline)) {
      for (int64_t i = begin; i < end; ++i) work(lanes, i);
    });
  });
}

// FactorsOfWeight returns the factors of `weight` [3, in, out], for the products with those of a signal of `in`
// channels.
inline torch::Tensor FactorsOfWeight(const torch::Tensor& weight) {
  const int64_t in = weight.size(1), out = weight.size(2);
  torch::Tensor factors = torch::empty({kProducts * in * out}, weight.options());
  const Strips strips{factors.data_ptr<float>(), out / kStrip, in};
  const float* numbers = weight.data_ptr<float>();
  ForEach(
      in, [&](auto lanes, int64_t row) __attribute__((always_inline)) {
        for (int64_t strip = 0; strip < strips.strips; ++strip) {
          const float* first = numbers + row * out + strip * kStrip;
          Combine<lanes(), kG>(std::array<const float*, kKernel>{first, first + in * out, first + 2 * in * out},
                               strips.all(strip, row));
        }
      });
  return factors;
}

// How many tiles are worked on at a time: their factors fit into the second cache, and there are enough to make up for
// reading those of the weights.
inline constexpr int64_t kBlock = 96;

// Convolved returns [B, out, L], channels last, of `x` [B, in, L], which lies so as well, and `weight` [3, in, out].
inline torch::Tensor Convolved(const torch::Tensor& x, const torch::Tensor& weight) {
  const int64_t in = weight.size(1), out = weight.size(2);
  // Not a view, so that it may be overwritten where gradients are wanted.
  const torch::Tensor y = torch::empty_strided({x.size(0), out, x.size(2)}, {x.size(2) * out, 1, out}, x.options());
  const torch::Tensor factors = FactorsOfWeight(weight);
  const Strips of_weight{factors.data_ptr<float>(), out / kStrip, in};
  const Tiled<const float> from(x, x.data_ptr<float>());
  const Tiled<float> to(y, y.data_ptr<float>());
  // Every thread gets as many blocks.
  const int64_t threads = at::get_num_threads();
  const int64_t blocks = (from.tiles + kBlock * threads - 1) / (kBlock * threads) * threads;
  const int64_t block = (from.tiles + blocks - 1) / blocks;
  ForEach(
      blocks, [&](auto lanes, int64_t i) __attribute__((always_inline)) {
        const int64_t begin = i * block, end = std::min(begin + block, from.tiles);
        if (begin >= end) return;
        const int64_t product_count = kProducts * block * kStrip;
        const auto signal_factors = std::make_unique_for_overwrite<float[]>(kProducts * block * in);
        const auto products = std::make_unique_for_overwrite<float[]>(product_count);
        const Strips of_signal{signal_factors.get(), in / kStrip, block}, of_products{products.get(), 1, block};
        std::array<float, kStrip> zeros = {}, unwanted;
        for (int64_t tile = begin; tile < end; ++tile) {
          for (int64_t strip = 0; strip < of_signal.strips; ++strip) {
            Combine<lanes(), kBT>(from.template Rows<kProducts>(tile, -1, strip, zeros.data()),
                                  of_signal.all(strip, tile - begin));
          }
        }
        for (int64_t strip = 0; strip < of_weight.strips; ++strip) {
          std::fill_n(products.get(), product_count, 0.0f);
          for (int64_t product = 0; product < kProducts; ++product) {
            for (int64_t part = 0; part < of_signal.strips; ++part) {
              Add<lanes()>(of_signal.at(product, part), kStrip, 1, of_weight.at(product, strip, part * kStrip), kStrip,
                           of_products.at(product, 0), end - begin);
            }
          }
          for (int64_t tile = begin; tile < end; ++tile) {
            Combine<lanes(), kAT>(of_products.all(0, tile - begin),
                                  to.template Rows<kTile>(tile, 0, strip, unwanted.data()));
          }
        }
      });
  return y;
}

// GradientOfWeight returns that of the weight [out, in, 3], channels last, from `x` [B, in, L] and the gradient
// [B, out, L] of what it gave.
inline torch::Tensor GradientOfWeight(const torch::Tensor& x, const torch::Tensor& gradient) {
  const Tiled<const float> from(x, x.data_ptr<float>()), given(gradient, gradient.data_ptr<float>());
  const int64_t in = from.channels, out = given.channels;
  const torch::Tensor signal_factors = torch::empty({kProducts * from.tiles * in}, x.options());
  const torch::Tensor gradient_factors = torch::empty({kProducts * from.tiles * out}, x.options());
  const Strips of_signal{signal_factors.data_ptr<float>(), in / kStrip, from.tiles};
  const Strips of_gradient{gradient_factors.data_ptr<float>(), out / kStrip, from.tiles};
  ForEach(
      from.tiles, [&](auto lanes, int64_t tile) __attribute__((always_inline)) {
        const std::array<float, kStrip> zeros = {};
        for (int64_t strip = 0; strip < of_signal.strips; ++strip) {
          Combine<lanes(), kBT>(from.template Rows<kProducts>(tile, -1, strip, zeros.data()),
                                of_signal.all(strip, tile));
        }
        for (int64_t strip = 0; strip < of_gradient.strips; ++strip) {
          Combine<lanes(), kA>(given.template Rows<kTile>(tile, 0, strip, zeros.data()), of_gradient.all(strip, tile));
        }
      });

  const torch::Tensor products = torch::zeros({kProducts * out * in}, x.options());
  const Strips of_products{products.data_ptr<float>(), in / kStrip, out};
  ForEach(
      kProducts * of_products.strips, [&](auto lanes, int64_t i) __attribute__((always_inline)) {
        const int64_t product = i / of_products.strips, strip = i % of_products.strips;
        for (int64_t begin = 0; begin < from.tiles; begin += kBlock) {
          const int64_t count = std::min(kBlock, from.tiles - begin);
          for (int64_t part = 0; part < of_gradient.strips; ++part) {
            Add<lanes()>(of_gradient.at(product, part, begin), 1, kStrip, of_signal.at(product, strip, begin), count,
                         of_products.at(product, strip, part * kStrip), kStrip);
          }
        }
      });

  const torch::Tensor of_weight = torch::empty({out, kKernel, in}, x.options());
  float* numbers = of_weight.data_ptr<float>();
  ForEach(
      out, [&](auto lanes, int64_t row) __attribute__((always_inline)) {
        for (int64_t strip = 0; strip < of_products.strips; ++strip) {
          float* first = numbers + row * kKernel * in + strip * kStrip;
          Combine<lanes(), kGT>(of_products.all(strip, row),
                                std::array<float*, kKernel>{first, first + in, first + 2 * in});
        }
      });
  return of_weight.transpose(1, 2);
}

}  // namespace winograd_internal

// WinogradConvolution is a convolution of signals that lie channels last, without bias, that leaves the number of
// samples as it is: [B, in, L], [out, in, 3] -> [B, out, L], float32 on a CPU. Its numbers do not depend on how many
// threads compute them.
class WinogradConvolution : public torch::autograd::Function<WinogradConvolution> {
 public:
  // Suits tells whether it is made for these numbers of channels, and whether there are enough samples, of all signals
  // together, to make up for the sums of the weights.
  static bool Suits(int64_t in, int64_t out, int64_t samples) {
    return in % winograd_internal::kStrip == 0 && out % winograd_internal::kStrip == 0 && samples >= 512;
  }

  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight) {
    context->save_for_backward({x, weight});
    // [out, 3, in] as a matrix, which LibTorch transposes quickly.
    const torch::Tensor matrix = weight.transpose(1, 2).contiguous().view({weight.size(0), -1});
    return winograd_internal::Convolved(x, matrix.t().contiguous().view({weight.size(2), weight.size(1), -1}));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], given = ChannelsLast(gradients[0]);
    torch::Tensor of_x, of_weight;
    // The gradient of x is a convolution of that of the result, with the weights the other way round.
    if (context->needs_input_grad(0)) {
      of_x = winograd_internal::Convolved(given, weight.permute({2, 0, 1}).flip(0).contiguous());
    }
    if (context->needs_input_grad(1)) of_weight = winograd_internal::GradientOfWeight(x, given);
    return {of_x, of_weight};
  }
};

}  // namespace ecg

#endif  // ECG_NN_WINOGRAD_H_

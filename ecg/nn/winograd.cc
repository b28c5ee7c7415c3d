// winograd.cc
//
// All loops are over strips of 64 channels. The micro-kernel, MultiplyAddRows, keeps the sums of a few rows of a strip
// in registers: 6 rows of 4 vectors with AVX-512, 6 rows of 2 with AVX2. A block of weights, 64 x 64 floats (16 KiB),
// stays in the L1 cache; transformed inputs are computed for 96 tiles at a time, which stay in the L2 cache.

#include "ecg/nn/winograd.h"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/widest_vectors.h"

namespace ecg {
namespace {

// r, m and alpha of the paper.
constexpr int64_t kKernel = 3, kOutputTile = 4, kInputTile = kOutputTile + kKernel - 1;

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

// B^T, G and A^T of F(4, 3) (Lavin and Gray 2016, section 4.3), and A and G^T, which the backward pass needs.
constexpr Matrix<kInputTile, kInputTile> kBT = {{{4, 0, -5, 0, 1, 0},
                                                 {0, -4, -4, 1, 1, 0},
                                                 {0, 4, -4, -1, 1, 0},
                                                 {0, -2, -1, 2, 1, 0},
                                                 {0, 2, -1, -2, 1, 0},
                                                 {0, 4, 0, -5, 0, 1}}};
constexpr Matrix<kInputTile, kKernel> kG = {{{1.f / 4, 0, 0},
                                             {-1.f / 6, -1.f / 6, -1.f / 6},
                                             {-1.f / 6, 1.f / 6, -1.f / 6},
                                             {1.f / 24, 1.f / 12, 1.f / 6},
                                             {1.f / 24, -1.f / 12, 1.f / 6},
                                             {0, 0, 1}}};
constexpr Matrix<kOutputTile, kInputTile> kAT = {
    {{1, 1, 1, 1, 1, 0}, {0, 1, -1, 2, -2, 0}, {0, 1, 1, 4, 4, 0}, {0, 1, -1, 8, -8, 1}}};
constexpr auto kA = Transposed(kAT);
constexpr auto kGT = Transposed(kG);

// Channels in a strip.
constexpr int64_t kStrip = kWinogradChannels;

template <int kLanes>
struct VectorOf {
  using Type [[gnu::vector_size(kLanes * sizeof(float)), gnu::aligned(alignof(float)), gnu::may_alias]] = float;
};

// MultiplyAddRows is the micro-kernel: c[r] += sum over k < `depth` of a[r * a_row + k * a_column] * b[k], for kRows
// rows r, each kVectors vectors wide. Rows of `b` and `c` are kStrip floats apart.
template <int kLanes, int kRows, int kVectors>
[[gnu::always_inline]] inline void MultiplyAddRows(const float* a, int64_t a_row, int64_t a_column, const float* b,
                                                   int64_t depth, float* c) {
  using Vector = typename VectorOf<kLanes>::Type;
  Vector sums[kRows][kVectors] = {};
  for (int64_t k = 0; k < depth; ++k) {
    Vector row[kVectors];
    for (int v = 0; v < kVectors; ++v) row[v] = *reinterpret_cast<const Vector*>(b + k * kStrip + v * kLanes);
    for (int r = 0; r < kRows; ++r) {
      const float factor = a[r * a_row + k * a_column];
      for (int v = 0; v < kVectors; ++v) sums[r][v] += factor * row[v];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) *reinterpret_cast<Vector*>(c + r * kStrip + v * kLanes) += sums[r][v];
  }
}

// MultiplyAdd computes c += a b, for `a` [rows, depth] with strides `a_row` and `a_column`, `b` [depth, kStrip] and
// `c` [rows, kStrip].
template <int kLanes>
[[gnu::always_inline]] inline void MultiplyAdd(const float* a, int64_t a_row, int64_t a_column, const float* b,
                                               int64_t depth, float* c, int64_t rows) {
  // The sums of six rows, and a row of `b`, nearly fill the vector registers: 32 with AVX-512, else 16.
  constexpr int kRows = 6, kVectors = kLanes == 16 ? 4 : 2;
  for (int64_t column = 0; column < kStrip; column += kVectors * kLanes) {
    int64_t r = 0;
    for (; r + kRows <= rows; r += kRows) {
      MultiplyAddRows<kLanes, kRows, kVectors>(a + r * a_row, a_row, a_column, b + column, depth,
                                               c + r * kStrip + column);
    }
    for (; r + 2 <= rows; r += 2) {
      MultiplyAddRows<kLanes, 2, kVectors>(a + r * a_row, a_row, a_column, b + column, depth, c + r * kStrip + column);
    }
    for (; r < rows; ++r) {
      MultiplyAddRows<kLanes, 1, kVectors>(a + r * a_row, a_row, a_column, b + column, depth, c + r * kStrip + column);
    }
  }
}

// Transform computes to = kMatrix from, for a strip of channels at a time: to[i] and from[j] are strips.
template <int kLanes, const auto& kMatrix, typename From, size_t kFrom, size_t kTo>
[[gnu::always_inline]] inline void Transform(const std::array<From*, kFrom>& from, const std::array<float*, kTo>& to) {
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

// Tiles is signals [B, C, L], channels last, cut into tiles of kOutputTile samples.
template <typename T>
struct Tiles {
  T* data;
  int64_t channels, samples, tiles_per_signal, count;

  Tiles(const torch::Tensor& x, T* data)
      : data(data),
        channels(x.size(1)),
        samples(x.size(2)),
        tiles_per_signal((samples + kOutputTile - 1) / kOutputTile),
        count(x.size(0) * tiles_per_signal) {}

  // Rows returns a strip of kCount consecutive samples, the first of which is `offset` samples after the begin of
  // `tile`; `padding` for samples outside the signal.
  template <size_t kCount>
  [[gnu::always_inline]] std::array<T*, kCount> Rows(int64_t tile, int64_t offset, int64_t strip, T* padding) const {
    const int64_t signal = tile / tiles_per_signal, begin = tile % tiles_per_signal * kOutputTile + offset;
    std::array<T*, kCount> rows;
    for (int64_t i = 0; i < static_cast<int64_t>(kCount); ++i) {
      const bool is_inside = begin + i >= 0 && begin + i < samples;
      rows[i] = is_inside ? data + (signal * samples + begin + i) * channels + strip * kStrip : padding;
    }
    return rows;
  }
};

// Transformed is a matrix [rows, strips * kStrip] for each of the kInputTile elements of the element-wise product, in
// the order [kInputTile, strips, rows, kStrip].
struct Transformed {
  float* data;
  int64_t strips, rows;

  float* at(int64_t element, int64_t strip, int64_t row = 0) const {
    return data + ((element * strips + strip) * rows + row) * kStrip;
  }
  std::array<float*, kInputTile> all(int64_t strip, int64_t row) const {
    std::array<float*, kInputTile> elements;
    for (int64_t element = 0; element < kInputTile; ++element) elements[element] = at(element, strip, row);
    return elements;
  }
};

// TransformTiles writes kMatrix times each of `count` tiles of `from`, from tile `tile` on, to the rows of `to` from
// `row` on. Of a tile it reads as many samples as kMatrix has columns, from `kOffset` on; samples outside the signal
// are zero.
template <int kLanes, const auto& kMatrix, int64_t kOffset>
[[gnu::always_inline]] inline void TransformTiles(const Tiles<const float>& from, int64_t tile, int64_t count,
                                                  const Transformed& to, int64_t row) {
  constexpr size_t kColumns = kMatrix[0].size();
  const std::array<float, kStrip> zeros = {};
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t strip = 0; strip < to.strips; ++strip) {
      Transform<kLanes, kMatrix>(from.template Rows<kColumns>(tile + i, kOffset, strip, zeros.data()),
                                 to.all(strip, row + i));
    }
  }
}

// TransformMatrices returns G g of the weights g, `weight` [kKernel, in, out], as Transformed with `in` rows.
torch::Tensor TransformMatrices(const torch::Tensor& weight) {
  const int64_t in = weight.size(1), out = weight.size(2);
  torch::Tensor transformed = torch::empty({kInputTile * in * out}, weight.options());
  const Transformed to{transformed.data_ptr<float>(), out / kStrip, in};
  const float* data = weight.data_ptr<float>();
  ParallelForWidest(
      in, /*grain_size=*/1, [&](auto lanes, int64_t row) __attribute__((always_inline)) {
        for (int64_t strip = 0; strip < to.strips; ++strip) {
          const float* first = data + row * out + strip * kStrip;
          Transform<lanes(), kG>(std::array<const float*, kKernel>{first, first + in * out, first + 2 * in * out},
                                 to.all(strip, row));
        }
      });
  return transformed;
}

// Tiles that are transformed at a time: enough to make up for reading the transformed weights from memory.
constexpr int64_t kBlock = 96;

// WeightGradient returns the gradient of the weights [out, in, 3], channels last, for `x` [B, in, L] and the gradient
// of the output, `grad_output` [B, out, L], both channels last: G^T [(A dy) * (B^T d)], summed over the tiles.
torch::Tensor WeightGradient(const torch::Tensor& x, const torch::Tensor& grad_output) {
  const Tiles<const float> inputs(x, x.data_ptr<float>()), gradients(grad_output, grad_output.data_ptr<float>());
  const int64_t in = inputs.channels, out = gradients.channels;
  const torch::Tensor input_data = torch::empty({kInputTile * inputs.count * in}, x.options());
  const torch::Tensor gradient_data = torch::empty({kInputTile * inputs.count * out}, x.options());
  const Transformed input{input_data.data_ptr<float>(), in / kStrip, inputs.count};
  const Transformed gradient{gradient_data.data_ptr<float>(), out / kStrip, inputs.count};
  ParallelForWidest(
      inputs.count, /*grain_size=*/1, [&](auto lanes, int64_t tile) __attribute__((always_inline)) {
        TransformTiles<lanes(), kBT, /*kOffset=*/-1>(inputs, tile, 1, input, tile);
        TransformTiles<lanes(), kA, /*kOffset=*/0>(gradients, tile, 1, gradient, tile);
      });

  const torch::Tensor product_data = torch::zeros({kInputTile * out * in}, x.options());
  const Transformed products{product_data.data_ptr<float>(), in / kStrip, out};
  ParallelForWidest(
      kInputTile * products.strips, /*grain_size=*/1, [&](auto lanes, int64_t i) __attribute__((always_inline)) {
        const int64_t element = i / products.strips, strip = i % products.strips;
        for (int64_t begin = 0; begin < inputs.count; begin += kBlock) {
          const int64_t count = std::min(kBlock, inputs.count - begin);
          for (int64_t part = 0; part < gradient.strips; ++part) {
            MultiplyAdd<lanes()>(gradient.at(element, part, begin), 1, kStrip, input.at(element, strip, begin), count,
                                 products.at(element, strip, part * kStrip), kStrip);
          }
        }
      });

  const torch::Tensor grad_weight = torch::empty({out, kKernel, in}, x.options());
  float* data = grad_weight.data_ptr<float>();
  ParallelForWidest(
      out, /*grain_size=*/1, [&](auto lanes, int64_t row) __attribute__((always_inline)) {
        for (int64_t strip = 0; strip < products.strips; ++strip) {
          float* first = data + row * kKernel * in + strip * kStrip;
          Transform<lanes(), kGT>(products.all(strip, row),
                                  std::array<float*, kKernel>{first, first + in, first + 2 * in});
        }
      });
  return grad_weight.transpose(1, 2);
}

// WinogradFunction is WinogradConvolve for autograd.
class WinogradFunction : public torch::autograd::Function<WinogradFunction> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight) {
    context->save_for_backward({x, weight});
    return ConvolveTransformed(x, TransformWeight(weight));
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grad_outputs) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], grad_output = ChannelsLast(grad_outputs[0]);
    torch::Tensor grad_input, grad_weight;
    // The gradient of x is the convolution of grad_output with the weights transposed and reversed in time.
    if (context->needs_input_grad(0)) {
      const torch::Tensor matrices = weight.permute({2, 0, 1}).flip(0).contiguous();  // [3, out, in]
      grad_input = ConvolveTransformed(grad_output, TransformMatrices(matrices));
    }
    if (context->needs_input_grad(1)) grad_weight = WeightGradient(x, grad_output);
    return {grad_input, grad_weight};
  }
};

}  // namespace

torch::Tensor TransformWeight(const torch::Tensor& weight) {
  // First [out, 3, in] as a matrix, which LibTorch transposes fast.
  const torch::Tensor matrix = weight.transpose(1, 2).contiguous().view({weight.size(0), -1});
  return TransformMatrices(matrix.t().contiguous().view({weight.size(2), weight.size(1), weight.size(0)}));
}

torch::Tensor ConvolveTransformed(const torch::Tensor& x, const torch::Tensor& transformed_weight) {
  const int64_t in = x.size(1), out = transformed_weight.numel() / (kInputTile * in);
  // Not a view, so that it may be overwritten in place where gradients are computed.
  const torch::Tensor y = torch::empty_strided({x.size(0), out, x.size(2)}, {x.size(2) * out, 1, out}, x.options());
  const Transformed weight{transformed_weight.data_ptr<float>(), out / kStrip, in};
  const Tiles<const float> from(x, x.data_ptr<float>());
  const Tiles<float> to(y, y.data_ptr<float>());
  // A multiple of the number of threads, so that all are busy to the end.
  const int64_t threads = at::get_num_threads();
  const int64_t blocks = (from.count + kBlock * threads - 1) / (kBlock * threads) * threads;
  const int64_t block = (from.count + blocks - 1) / blocks;
  ParallelForWidest(
      blocks, /*grain_size=*/1, [&](auto lanes, int64_t i) __attribute__((always_inline)) {
        const int64_t begin = i * block, end = std::min(begin + block, from.count);
        if (begin >= end) return;
        const int64_t product_count = kInputTile * block * kStrip;
        const auto input_data = std::make_unique_for_overwrite<float[]>(kInputTile * block * in);
        const auto product_data = std::make_unique_for_overwrite<float[]>(product_count);
        const Transformed input{input_data.get(), in / kStrip, block}, products{product_data.get(), 1, block};
        TransformTiles<lanes(), kBT, /*kOffset=*/-1>(from, begin, end - begin, input, 0);
        std::array<float, kStrip> discarded;
        for (int64_t strip = 0; strip < weight.strips; ++strip) {
          std::fill_n(product_data.get(), product_count, 0.0f);
          for (int64_t element = 0; element < kInputTile; ++element) {
            for (int64_t part = 0; part < input.strips; ++part) {
              MultiplyAdd<lanes()>(input.at(element, part), kStrip, 1, weight.at(element, strip, part * kStrip), kStrip,
                                   products.at(element, 0), end - begin);
            }
          }
          for (int64_t tile = begin; tile < end; ++tile) {
            Transform<lanes(), kAT>(products.all(0, tile - begin),
                                    to.template Rows<kOutputTile>(tile, 0, strip, discarded.data()));
          }
        }
      });
  return y;
}

torch::Tensor WinogradConvolve(const torch::Tensor& x, const torch::Tensor& weight) {
  return WinogradFunction::apply(x, weight);
}

}  // namespace ecg

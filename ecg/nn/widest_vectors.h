// widest_vectors.h
//
// Loops compiled for the widest vector instructions that the processor has (AVX-512, AVX2), chosen when the program
// runs. The program as a whole is compiled for the baseline of the architecture.
//
//   ParallelForWidest(rows, /*grain_size=*/1, [&](auto lanes, int64_t row) __attribute__((always_inline)) {
//     for (int64_t i = 0; i < columns; ++i) y[row * columns + i] = x[row * columns + i] * scale[i];
//   });

#ifndef ECG_NN_WIDEST_VECTORS_H_
#define ECG_NN_WIDEST_VECTORS_H_

#include <ATen/Parallel.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <type_traits>

namespace ecg {

// Lanes is the number of floats in a vector register.
template <int kCount>
using Lanes = std::integral_constant<int, kCount>;

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
template <typename Work>
__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512"), optimize("O3"))) void WithAvx512(
    const Work& work) {
  work(Lanes<16>());
}
template <typename Work>
__attribute__((optimize("O3"))) void WithBaseline(const Work& work) {
  work(Lanes<4>());
}
template <typename Work>
__attribute__((target("avx2,fma"), optimize("O3"))) void WithAvx2(const Work& work) {
  work(Lanes<8>());
}
#endif

// VectorLanes returns the number of lanes that WithWidestVectors uses in this process: that of the processor, or fewer
// if $ATEN_CPU_CAPABILITY, which LibTorch's own kernels obey, is "avx2" or "default".
inline int VectorLanes() {
  static const int lanes = [] {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    const char* const limit = std::getenv("ATEN_CPU_CAPABILITY");
    const std::string_view capability = limit == nullptr ? "" : limit;
    if (capability == "default") return 4;
    const bool avx512 =
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (avx512 && capability != "avx2") return 16;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 8;
#endif
    return 4;
  }();
  return lanes;
}

// WithWidestVectors calls work(lanes), compiled for the widest vectors; `lanes` is a Lanes. `work` is a lambda with
// __attribute__((always_inline)), and so is every function that it calls in its inner loops.
template <typename Work>
void WithWidestVectors(const Work& work) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  if (VectorLanes() == 16) return WithAvx512(work);
  if (VectorLanes() == 8) return WithAvx2(work);
#endif
  WithBaseline(work);
}

// ParallelForWidest calls work(lanes, i) for each i in [0, `count`), in LibTorch's threads, each of which gets at least
// `grain_size` neighbouring i. `work` is as for WithWidestVectors.
template <typename Work>
void ParallelForWidest(int64_t count, int64_t grain_size, const Work& work) {
  at::parallel_for(0, count, grain_size, [&](int64_t begin, int64_t end) {
    WithWidestVectors([&](auto lanes) __attribute__((always_inline)) {
      for (int64_t i = begin; i < end; ++i) work(lanes, i);
    });
  });
}

}  // namespace ecg

#endif  // ECG_NN_WIDEST_VECTORS_H_

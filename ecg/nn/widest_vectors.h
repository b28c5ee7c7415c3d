// widest_vectors.h
//
// Loops over many numbers, compiled for the vectors that the processor at hand has. The program as a whole is compiled
// for any processor of its kind.
//
//   WithWidestVectors([&](auto) __attribute__((always_inline)) {
//     for (int64_t i = 0; i < count; ++i) y[i] = x[i] * scale[i];
//   });

#ifndef ECG_NN_WIDEST_VECTORS_H_
#define ECG_NN_WIDEST_VECTORS_H_

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
__attribute__((target("avx2,fma"), optimize("O3"))) void WithAvx2(const Work& work) {
  work(Lanes<8>());
}
#endif

// VectorLanes returns the lanes that WithWidestVectors uses in this process: those of the processor, or fewer where
// $ATEN_CPU_CAPABILITY, which LibTorch's own kernels obey, is "avx2" or "default".
inline int VectorLanes() {
  static const int lanes = [] {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    const char* const limit = std::getenv("ATEN_CPU_CAPABILITY");
    const std::string_view capability = limit == nullptr ? "" : limit;
    if (capability == "default") return 4;
    const bool avx512 = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("avx512vl");
    if (avx512 && capability != "avx2") return 16;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 8;
#endif
    return 4;
  }();
  return lanes;
}

// WithWidestVectors calls `work`, a lambda that is always inlined and calls only what is inlined too, with the Lanes
// that it is compiled for.
template <typename Work>
void WithWidestVectors(const Work& work) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  if (VectorLanes() == 16) return WithAvx512(work);
  if (VectorLanes() == 8) return WithAvx2(work);
#endif
  work(Lanes<4>());
}

}  // namespace ecg

#endif  // ECG_NN_WIDEST_VECTORS_H_

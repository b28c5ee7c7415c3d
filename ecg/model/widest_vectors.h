// widest_vectors.h
//
// Loops over many numbers, compiled for the vectors that the processor at hand has. The program as a whole is compiled
// for any processor of its kind.
//
//   WithWidestVectors([&](auto) __attribute__((always_inline)) {
//     for (int64_t i = 0; i < count; ++i) y[i] = x[i] * scale[i];
//   });

#ifndef ECG_MODEL_WIDEST_VECTORS_H_
#define ECG_MODEL_WIDEST_VECTORS_H_

#include <type_traits>

namespace ecg {

// Lanes is how many floats a vector of the processor has.
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

// WithWidestVectors calls `work`, a lambda that is always inlined and calls only what is inlined too, with the Lanes
// that it is compiled for.
template <typename Work>
void WithWidestVectors(const Work& work) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return WithAvx512(work);
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return WithAvx2(work);
#endif
  work(Lanes<4>());
}

}  // namespace ecg

#endif  // ECG_MODEL_WIDEST_VECTORS_H_

// open_blas.h
//
// OpenBLAS, which computes the matrix products of Debian's LibTorch: its kernels and its threads. Where LibTorch uses
// another library, nothing is set.
//
//   const char* const kernels = BetterKernels(OpenBlasCore(), VectorUnits::OfThisProcessor());  // "SkylakeX"
//   SetOpenBlasThreads(1);

#ifndef ECG_DEVICE_OPEN_BLAS_H_
#define ECG_DEVICE_OPEN_BLAS_H_

#include <dlfcn.h>

#include <string>

#include "absl/strings/string_view.h"

namespace ecg {

namespace open_blas_internal {

// Function returns a function of OpenBLAS, or nullptr where OpenBLAS is not loaded.
template <typename Type>
Type* Function(const char* name) {
  return reinterpret_cast<Type*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace open_blas_internal

// VectorUnits are the units of a processor that decide which kernels it can run.
struct VectorUnits {
  bool avx2 = false;    // and fused multiply-add
  bool avx512 = false;  // F, CD, BW, DQ and VL, which Skylake-X was the first to have

  static VectorUnits OfThisProcessor() {
#ifdef __x86_64__
    return {.avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"),
            .avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl")};
#else
    return {};
#endif
  }
};

// OpenBlasCore returns the name of the processor whose kernels OpenBLAS uses, such as "SkylakeX"; "" where LibTorch
// uses another library.
inline std::string OpenBlasCore() {
  const auto get = open_blas_internal::Function<char*()>("openblas_get_corename");
  return get == nullptr ? "" : get();
}

// BetterKernels returns what $OPENBLAS_CORETYPE should be where OpenBLAS uses the kernels of `core`, or nullptr if they
// are right. On a processor that is newer than itself, OpenBLAS uses those of Prescott, of 2004, with a fifth of the
// speed: 0.3.21, that of Debian 12, does so on Intel's Emerald Rapids.
inline const char* BetterKernels(absl::string_view core, const VectorUnits& units) {
  if (core != "Prescott") return nullptr;
  if (units.avx512) return "SkylakeX";
  return units.avx2 ? "Haswell" : nullptr;
}

// SetOpenBlasThreads sets the number of threads that share a matrix product.
inline void SetOpenBlasThreads(int threads) {
  if (const auto set = open_blas_internal::Function<void(int)>("openblas_set_num_threads")) set(threads);
}

// OpenBlasThreads returns the number of threads that share a matrix product; 0 where LibTorch uses another library.
inline int OpenBlasThreads() {
  const auto get = open_blas_internal::Function<int()>("openblas_get_num_threads");
  return get == nullptr ? 0 : get();
}

}  // namespace ecg

#endif  // ECG_DEVICE_OPEN_BLAS_H_

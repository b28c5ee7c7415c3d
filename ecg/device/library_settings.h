// library_settings.h
//
// Settings of OpenMP and OpenBLAS, which read them from the environment before main: whether their idle threads spin or
// sleep, and which kernels OpenBLAS uses.

#ifndef ECG_DEVICE_LIBRARY_SETTINGS_H_
#define ECG_DEVICE_LIBRARY_SETTINGS_H_

#include <cstdlib>

#include "ecg/command_line/execute_self.h"
#include "ecg/device/open_blas.h"

namespace ecg {

// SetPassiveWaiting sets OpenMP's wait policy, for programs started from now on, to sleep after a few microseconds
// of spinning. It leaves $OMP_WAIT_POLICY alone if the user has set it, and returns whether it changed the policy. With
// the default, long spinning takes CPU time from other processes, and then waits for the very threads it keeps from
// running: beside another busy process, training with two threads runs at a third of its speed. Sleeping at once costs
// too many wake-ups: on an idle machine, a step in bfloat16 takes 8% longer. The same holds for OpenBLAS, whose threads
// by default spin for 2^26 cycles after each matrix product: records that are evaluated side by side, each with a
// product of its own, lose a fifth of the processors to them.
inline bool SetPassiveWaiting() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return false;
  // Spin iterations in GNU's OpenMP, which LibTorch uses; other implementations sleep at once.
  setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
  setenv("OPENBLAS_THREAD_TIMEOUT", "16", /*overwrite=*/0);  // 2^16 cycles
  return setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/1) == 0;
}

// SetKernels sets OpenBLAS' kernels, for programs started from now on, where it does not know this processor. It leaves
// $OPENBLAS_CORETYPE alone if the user has set it, and returns whether it set it.
inline bool SetKernels() {
  const char* const kernels = BetterKernels(OpenBlasCore(), VectorUnits::OfThisProcessor());
  if (kernels == nullptr || std::getenv("OPENBLAS_CORETYPE") != nullptr) return false;
  return setenv("OPENBLAS_CORETYPE", kernels, /*overwrite=*/1) == 0;
}

// RestartWithKernels restarts the program once, where OpenBLAS uses the wrong kernels. A restart takes half a second,
// to load LibTorch again, so that programs that should begin at once, such as predict, leave the wait policy as it is.
inline void RestartWithKernels(char** argv) {
  if (SetKernels()) ExecuteSelf(argv);
}

// RestartWithLibrarySettings restarts the program once, where settings are not yet as they should be.
inline void RestartWithLibrarySettings(char** argv) {
  const bool waiting = SetPassiveWaiting(), kernels = SetKernels();
  if (waiting || kernels) ExecuteSelf(argv);
}

}  // namespace ecg

#endif  // ECG_DEVICE_LIBRARY_SETTINGS_H_

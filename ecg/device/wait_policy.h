// wait_policy.h
//
// Whether idle threads of OpenMP and OpenBLAS spin or sleep.

#ifndef ECG_DEVICE_WAIT_POLICY_H_
#define ECG_DEVICE_WAIT_POLICY_H_

#include <cstdlib>

#include "ecg/command_line/execute_self.h"

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

// RestartWithPassiveWaiting restarts the program once with SetPassiveWaiting, because OpenMP and OpenBLAS read their
// settings before main.
inline void RestartWithPassiveWaiting(char** argv) {
  if (SetPassiveWaiting()) ExecuteSelf(argv);
}

}  // namespace ecg

#endif  // ECG_DEVICE_WAIT_POLICY_H_

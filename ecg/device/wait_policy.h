// wait_policy.h
//
// What threads that compute together do while they wait for one another.

#ifndef ECG_DEVICE_WAIT_POLICY_H_
#define ECG_DEVICE_WAIT_POLICY_H_

#include <unistd.h>

#include <cstdlib>

namespace ecg {

// LetWaitingThreadsSleep makes OpenMP, in programs that are begun from now on, let a thread that waits sleep after a
// few microseconds, unless the person has set $OMP_WAIT_POLICY; it returns whether that is so. Threads that wait in a
// loop for as long as they do otherwise take the time of whatever else runs on the machine, and then wait for those
// that it keeps from running: beside another busy process, a training with two threads runs at a third of its speed.
// Those that sleep at once must be woken too often: alone on the machine, a step in bfloat16 takes 8% longer.
inline bool LetWaitingThreadsSleep() {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return false;
  // How often the loop is run, in GNU's OpenMP, which is LibTorch's; others let threads sleep at once.
  setenv("GOMP_SPINCOUNT", "1000", /*overwrite=*/0);
  return setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/1) == 0;
}

// SleepWhileWaiting begins the program anew, once, with LetWaitingThreadsSleep: OpenMP reads its settings before main.
inline void SleepWhileWaiting(char** argv) {
  if (LetWaitingThreadsSleep()) execv("/proc/self/exe", argv);
}

}  // namespace ecg

#endif  // ECG_DEVICE_WAIT_POLICY_H_

// threads.h
//
// Number of threads, CPU affinity, and malloc settings of the process.

#ifndef ECG_DEVICE_THREADS_H_
#define ECG_DEVICE_THREADS_H_

#include <malloc.h>
#include <sched.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <vector>

#include "ecg/device/open_blas.h"

namespace ecg {

// CpuAffinity returns the CPUs in this process's affinity mask; empty if it cannot be read.
inline std::vector<int> CpuAffinity() {
  std::vector<int> allowed;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return allowed;
  for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
    if (CPU_ISSET(processor, &set)) allowed.push_back(processor);
  }
  return allowed;
}

// UseThreads sets the number of threads of LibTorch and of its matrix products, and returns it. 0 means one for each
// CPU in the affinity mask, which `processes` processes share.
inline int UseThreads(int threads, int processes = 1) {
  if (threads == 0) threads = std::max<int>(1, CpuAffinity().size() / processes);
  torch::set_num_threads(threads);
  SetOpenBlasThreads(threads);
  return threads;
}

// DisableMallocTrimming makes malloc keep freed memory instead of returning it to the system, and returns whether it
// does. Each training step frees its tensors and allocates the same sizes again; otherwise every page is unmapped,
// mapped and zeroed anew, which takes 6% of a ResNet-18 step in bfloat16. Peak memory does not change.
inline bool DisableMallocTrimming() {
#ifdef __GLIBC__
  static const bool disabled =
      mallopt(M_MMAP_MAX, 0) == 1 && mallopt(M_TRIM_THRESHOLD, -1) == 1 && mallopt(M_TOP_PAD, 64 << 20) == 1;
  return disabled;
#else
  return false;
#endif
}

}  // namespace ecg

#endif  // ECG_DEVICE_THREADS_H_

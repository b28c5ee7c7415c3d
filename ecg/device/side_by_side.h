// side_by_side.h
//
// Inference on several inputs at the same time.
//
//   std::vector<torch::Tensor> logits(inputs.size());
//   ForEachSideBySide(device, inputs.size(), [&](int i) { logits[i] = network->forward(inputs[i]); });

#ifndef ECG_DEVICE_SIDE_BY_SIDE_H_
#define ECG_DEVICE_SIDE_BY_SIDE_H_

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <atomic>
#include <cstdint>

#include "ecg/device/autocast.h"
#include "ecg/device/device.h"

namespace ecg {

// ForEachSideBySide calls work(i) for each i in [0, `count`), in inference mode and in the precision of `device`. On a
// CPU each of LibTorch's threads takes the next i as soon as it is free and computes it alone, which is faster than all
// threads on one small input; fewer inputs than threads, and those of a CUDA device, come one after another. Logits
// are the same either way but for the last digits, since some kernels sum in another order with more threads. An
// exception of `work` is thrown again, after the calls that have begun.
template <typename Work>
void ForEachSideBySide(const Device& device, int count, const Work& work) {
  std::atomic<int> next = 0;
  const auto take_all = [&](int64_t, int64_t) {
    const c10::InferenceMode inference;
    const Autocast autocast(device);  // here, so that weights are cast once for all i
    try {
      for (int i = next++; i < count; i = next++) work(i);
    } catch (...) {
      next = count;
      throw;
    }
  };
  const int threads = device.torch.is_cpu() ? at::get_num_threads() : 1;
  if (threads == 1 || count < threads) {
    take_all(0, 1);
  } else {
    at::parallel_for(0, threads, /*grain_size=*/1, take_all);
  }
}

}  // namespace ecg

#endif  // ECG_DEVICE_SIDE_BY_SIDE_H_

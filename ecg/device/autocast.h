// autocast.h
//
// Automatic mixed precision: convolutions and matrix products run in bfloat16, reductions (norms, losses) in float32.
// Weights stay float32 and are cast at each use.
//
//   torch::Tensor logits;
//   {
//     const Autocast autocast(device);
//     logits = network.forward(signals);
//   }

#ifndef ECG_DEVICE_AUTOCAST_H_
#define ECG_DEVICE_AUTOCAST_H_

#include <ATen/autocast_mode.h>
#include <torch/types.h>
#include <torch/version.h>

#include "ecg/device/device.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Autocast enables bfloat16 autocast in this thread for its lifetime, where the device's precision is BF16. The cache
// of cast weights is cleared at its end, since the next step changes the weights. On CUDA the cache is off: a CUDA
// graph must capture the casts, so it must not find them in the cache.
class Autocast {
 public:
  explicit Autocast(const Device& device) : on_(device.precision == spec::Runtime::BF16), type_(device.torch.type()) {
    if (!on_) return;
    Set(true);
    at::autocast::set_autocast_cache_enabled(type_ == torch::kCPU);
    at::autocast::increment_nesting();
  }

  ~Autocast() {
    if (!on_) return;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    Set(false);
  }

  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  void Set(bool on) const {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    at::autocast::set_autocast_dtype(type_, torch::kBFloat16);
    at::autocast::set_autocast_enabled(type_, on);
#else
    if (type_ == torch::kCPU) {
      at::autocast::set_autocast_cpu_dtype(torch::kBFloat16);
      at::autocast::set_cpu_enabled(on);
    } else {
      at::autocast::set_autocast_gpu_dtype(torch::kBFloat16);
      at::autocast::set_enabled(on);
    }
#endif
  }

  const bool on_;
  const torch::DeviceType type_;
};

}  // namespace ecg

#endif  // ECG_DEVICE_AUTOCAST_H_

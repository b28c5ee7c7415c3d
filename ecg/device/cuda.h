// cuda.h
//
// Everything specific to CUDA: memory, streams, graphs, uploads. On the CPU, and where LibTorch was built without CUDA,
// the same names fall back to plain work, so that callers need no #ifdef.
//
//   const ScopedStream stream(device);
//   Upload upload(device);
//   GraphedStep step(device, /*as_graph=*/true, [&] { TrainOn(on_device); });  // forward, backward, update
//   for (const torch::Tensor& batch : batches) {
//     upload({batch}, {on_device});  // overlaps with the step before
//     step();                        // the third call captures a CUDA graph; later calls replay it
//   }

#ifndef ECG_DEVICE_CUDA_H_
#define ECG_DEVICE_CUDA_H_

#include <torch/cuda.h>
#include <torch/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"

#ifdef ECG_WITH_CUDA
#include <ATen/cuda/CUDAEvent.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <cuda_runtime_api.h>
#endif

namespace ecg {

// DeviceMemory is the memory use of a CUDA device, in bytes.
struct DeviceMemory {
  int64_t free = 0;
  int64_t total = 0;
  // Reserved by this process's caching allocator, and the peak that its tensors allocated.
  int64_t reserved = 0;
  int64_t peak = 0;
};

// CudaDeviceCount returns the number of usable CUDA devices.
inline int CudaDeviceCount() {
#ifdef ECG_WITH_CUDA
  return static_cast<int>(torch::cuda::device_count());
#else
  return 0;
#endif
}

// DeviceName returns the product name of a CUDA device, and "cpu" for the CPU.
inline std::string DeviceName(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
  cudaDeviceProp properties;
  if (device.is_cuda() && cudaGetDeviceProperties(&properties, device.index()) == cudaSuccess) return properties.name;
#endif
  return device.str();
}

// MemoryOf returns the memory use of a CUDA device, and nullopt for the CPU or where CUDA does not tell.
inline std::optional<DeviceMemory> MemoryOf(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
  if (device.is_cuda()) {
    const c10::cuda::CUDAGuard guard(device);
    size_t free = 0, total = 0;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) return std::nullopt;
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(guard.current_device().index());
    // Element 0 is the total over small and large pools.
    return DeviceMemory{.free = static_cast<int64_t>(free),
                        .total = static_cast<int64_t>(total),
                        .reserved = stats.reserved_bytes[0].current,
                        .peak = stats.allocated_bytes[0].peak};
  }
#endif
  (void)device;
  return std::nullopt;
}

// ReleaseUnusedMemory empties the caching allocator, and resets the peak.
inline void ReleaseUnusedMemory(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
  if (device.is_cuda()) {
    const c10::cuda::CUDAGuard guard(device);
    c10::cuda::CUDACachingAllocator::emptyCache();
    c10::cuda::CUDACachingAllocator::resetPeakStats(guard.current_device().index());
  }
#endif
  (void)device;
}

// Synchronise waits until `device` has finished all queued work.
inline void Synchronise(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
#endif
  (void)device;
}

// IsOutOfHostMemory returns whether `error` means that the host is out of memory.
inline bool IsOutOfHostMemory(const std::exception& error) {
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  return of_torch != nullptr && absl::StrContains(of_torch->msg(), "DefaultCPUAllocator");
}

// IsOutOfDeviceMemory returns whether `error` means that a CUDA device is out of memory. LibTorch has a type for it,
// but errors of cuDNN and cuBLAS only say so in their message.
inline bool IsOutOfDeviceMemory(const std::exception& error) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  if (of_torch == nullptr || IsOutOfHostMemory(error)) return false;
  if (dynamic_cast<const c10::OutOfMemoryError*>(of_torch) != nullptr) return true;
  return absl::StrContains(of_torch->msg(), "out of memory") || absl::StrContains(of_torch->msg(), "_ALLOC_FAILED");
}

// StatusOf turns `error`, which was thrown during `what` on `device`, into a status. Out of memory becomes
// ResourceExhausted, with the memory in use and `advice` on what to lower.
inline absl::Status StatusOf(const std::exception& error, absl::string_view what, const torch::Device& device,
                             absl::string_view advice) {
  const auto* const of_torch = dynamic_cast<const c10::Error*>(&error);
  absl::string_view message = error.what();
  // Only the first line of LibTorch's message; the rest is about its own settings.
  if (of_torch != nullptr) message = absl::string_view(of_torch->msg()).substr(0, of_torch->msg().find('\n'));
  const bool on_host = IsOutOfHostMemory(error);
  if (!on_host && !IsOutOfDeviceMemory(error)) {
    return absl::InternalError(absl::StrCat(what, of_torch != nullptr ? ": LibTorch failed: " : ": ", message));
  }
  std::string there;
  if (const std::optional<DeviceMemory> memory = on_host ? std::nullopt : MemoryOf(device)) {
    const auto gigabytes = [](int64_t bytes) { return absl::StrFormat("%.2f GB", bytes / 1e9); };
    there = absl::StrCat("; ", gigabytes(memory->free), " of ", gigabytes(memory->total), " are free, ",
                         gigabytes(memory->reserved), " are reserved by this process");
  }
  return absl::ResourceExhaustedError(absl::StrCat(what, ": out of memory on ", on_host ? "the host" : device.str(),
                                                   ": ", message, there, ". ", advice));
}

// ScopedStream makes a side stream the current stream of this thread for its lifetime: the default stream cannot be
// captured. Its destructor synchronises with that stream. Inside another ScopedStream it does nothing.
class ScopedStream {
 public:
  explicit ScopedStream(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
    if (device.is_cuda() && c10::cuda::getCurrentCUDAStream(device.index()).id() == 0) {
      Synchronise(device);
      guard_.emplace(c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device.index()));
    }
#endif
    (void)device;
  }
  ScopedStream(const ScopedStream&) = delete;
  ScopedStream& operator=(const ScopedStream&) = delete;
#ifdef ECG_WITH_CUDA
  ~ScopedStream() {
    // An error on the device is reported by whoever reads a result.
    if (guard_) (void)cudaStreamSynchronize(c10::cuda::getCurrentCUDAStream());
  }

 private:
  std::optional<c10::cuda::CUDAStreamGuard> guard_;
#endif
};

// GraphedStep is work that is repeated on the same tensors. On a CUDA device the first two calls run eagerly (cuDNN
// benchmarks its algorithms in them), the third captures a CUDA graph, and from then on it is replayed, which costs the
// host one launch instead of hundreds. The work must not synchronise with the device. A tensor that it allocates keeps
// its address, and has new contents after each replay.
class GraphedStep {
 public:
  // Without `as_graph`, and on the CPU, every call runs eagerly.
  GraphedStep(const torch::Device& device, bool as_graph, std::function<void()> work)
      : work_(std::move(work)), as_graph_(as_graph && device.is_cuda()), device_(device) {}

  // Runs the work once.
  void operator()() {
#ifdef ECG_WITH_CUDA
    if (as_graph_ && ++times_ > kAsItIs) {
      if (!graph_) Record();
      graph_->replay();
      return;
    }
#endif
    work_();
  }

 private:
#ifdef ECG_WITH_CUDA
  static constexpr int kAsItIs = 2;

  void Record() {
    Synchronise(device_);
    // A CUDA graph has a memory pool of its own, so free what the eager calls left cached.
    c10::cuda::CUDACachingAllocator::emptyCache();
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    graph->capture_begin();
    try {
      work_();
    } catch (...) {
      // End the capture, so that LibTorch can be used again; the partial graph is discarded.
      try {
        graph->capture_end();
      } catch (const c10::Error&) {
      }
      throw;
    }
    graph->capture_end();
    graph_ = std::move(graph);
  }

  int times_ = 0;
  std::unique_ptr<at::cuda::CUDAGraph> graph_;
#endif

  const std::function<void()> work_;
  [[maybe_unused]] const bool as_graph_;
  const torch::Device device_;
};

// Upload copies tensors from the host to a device, double-buffered: through two sets of pinned buffers on a copy
// stream, so that transfers overlap with computation. On the CPU it is a plain copy.
class Upload {
 public:
  explicit Upload(const torch::Device& device) : device_(device) {}

  // Copies from[i] into to[i], ordered before what this thread queues on the device next. The tensors of all calls must
  // have the same shapes. Returns at once, unless the device lags two calls behind.
  void operator()(const std::vector<torch::Tensor>& from, const std::vector<torch::Tensor>& to) {
#ifdef ECG_WITH_CUDA
    if (device_.is_cuda()) {
      if (!stream_) stream_ = c10::cuda::getStreamFromPool(/*isHighPriority=*/false, device_.index());
      Buffers& buffers = buffers_[calls_++ % buffers_.size()];
      buffers.emptied.synchronize();
      if (buffers.on_host.empty()) {
        for (const torch::Tensor& tensor : from) {
          buffers.on_host.push_back(torch::empty_like(tensor).pin_memory());
          buffers.on_device.push_back(torch::empty_like(tensor, tensor.options().device(device_)));
        }
        Synchronise(device_);
      }
      for (size_t i = 0; i < from.size(); ++i) buffers.on_host[i].copy_(from[i]);
      {
        const c10::cuda::CUDAStreamGuard guard(*stream_);
        for (size_t i = 0; i < from.size(); ++i) buffers.on_device[i].copy_(buffers.on_host[i], /*non_blocking=*/true);
        buffers.filled.record(*stream_);
      }
      const c10::cuda::CUDAStream computing = c10::cuda::getCurrentCUDAStream(device_.index());
      buffers.filled.block(computing);
      for (size_t i = 0; i < from.size(); ++i) to[i].copy_(buffers.on_device[i], /*non_blocking=*/true);
      buffers.emptied.record(computing);
      return;
    }
#endif
    for (size_t i = 0; i < from.size(); ++i) to[i].copy_(from[i]);
  }

 private:
#ifdef ECG_WITH_CUDA
  struct Buffers {
    std::vector<torch::Tensor> on_host, on_device;
    at::cuda::CUDAEvent filled, emptied;
  };

  std::array<Buffers, 2> buffers_;
  size_t calls_ = 0;
  std::optional<c10::cuda::CUDAStream> stream_;
#endif

  const torch::Device device_;
};

}  // namespace ecg

#endif  // ECG_DEVICE_CUDA_H_

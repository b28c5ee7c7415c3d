// cuda.h
//
// All that is CUDA's own: memory, streams, graphs, transfers. Where LibTorch was built without CUDA, and on the CPU,
// the same names do the same work in the plain way, so that nobody else asks.
//
//   const ScopedStream stream(device);
//   GraphedStep step(device, /*as_graph=*/true, [&] { ... forward, backward, update ... });
//   for (...) {
//     upload(batch);      // Upload: while the device still computes the step before
//     step();             // the third time it is recorded, and from then on replayed
//   }

#ifndef ECG_DEVICE_CUDA_H_
#define ECG_DEVICE_CUDA_H_

#include <torch/torch.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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

// DeviceMemory is how a CUDA device's memory is used, in bytes.
struct DeviceMemory {
  int64_t free = 0;
  int64_t total = 0;
  // What this process keeps, and what its tensors took at the most.
  int64_t kept = 0;
  int64_t peak = 0;
};

// CudaDeviceCount returns the number of CUDA devices that can be used, counted from 0.
inline int CudaDeviceCount() {
#ifdef ECG_WITH_CUDA
  return static_cast<int>(torch::cuda::device_count());
#else
  return 0;
#endif
}

// DeviceName returns what the maker calls `device`, and of the CPU "cpu".
inline std::string DeviceName(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
  cudaDeviceProp properties;
  if (device.is_cuda() && cudaGetDeviceProperties(&properties, device.index()) == cudaSuccess) return properties.name;
#endif
  return device.str();
}

// MemoryOf returns the memory of `device`, and nothing of the CPU.
inline std::optional<DeviceMemory> MemoryOf(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
  if (device.is_cuda()) {
    const c10::cuda::CUDAGuard guard(device);
    size_t free = 0, total = 0;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) return std::nullopt;
    const auto stats = c10::cuda::CUDACachingAllocator::getDeviceStats(guard.current_device().index());
    // The first of each list is the sum of all kinds.
    return DeviceMemory{.free = static_cast<int64_t>(free),
                        .total = static_cast<int64_t>(total),
                        .kept = stats.reserved_bytes[0].current,
                        .peak = stats.allocated_bytes[0].peak};
  }
#endif
  (void)device;
  return std::nullopt;
}

// ReleaseUnusedMemory gives memory that no tensor uses back to the device, and begins a new peak.
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

// Synchronise waits until `device` has done all that it was given.
inline void Synchronise(const torch::Device& device) {
#ifdef ECG_WITH_CUDA
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
#endif
  (void)device;
}

// IsOutOfMemory tells whether `error` says that memory, the device's or the host's, ran out. LibTorch has a type for it
// that not all of its parts use: cuDNN, cuBLAS and the CPU say it in words.
inline bool IsOutOfMemory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  const std::string& what = error.msg();
  return absl::StrContains(what, "out of memory") || absl::StrContains(what, "_ALLOC_FAILED") ||
         absl::StrContains(what, "DefaultCPUAllocator");
}

// StatusOf returns what `error`, which happened during `what` on `device`, means for a person. When memory ran out,
// it says what was asked and what there is; `advice` tells what to lower.
inline absl::Status StatusOf(const c10::Error& error, absl::string_view what, const torch::Device& device,
                             absl::string_view advice) {
  // The first line of LibTorch's message; what follows is about its own settings.
  absl::string_view message = error.msg();
  message = message.substr(0, message.find('\n'));
  if (!IsOutOfMemory(error)) return absl::InternalError(absl::StrCat(what, ": LibTorch failed: ", message));
  std::string there;
  if (const std::optional<DeviceMemory> memory = MemoryOf(device)) {
    const auto gigabytes = [](int64_t bytes) { return absl::StrFormat("%.2f GB", bytes / 1e9); };
    there = absl::StrCat("; of ", gigabytes(memory->total), " are ", gigabytes(memory->free), " free, and ",
                         gigabytes(memory->kept), " are this process's");
  }
  return absl::ResourceExhaustedError(
      absl::StrCat(what, ": ", device.str(), " has too little memory: ", message, there, ". ", advice));
}

// ScopedStream makes a stream of its own the one that this thread gives work to, while it lives: work on the default one
// cannot be recorded. At its end it waits for all of that work. Inside another one it changes nothing.
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
    // What went wrong on the device is told by whoever asks for a result.
    if (guard_) (void)cudaStreamSynchronize(c10::cuda::getCurrentCUDAStream());
  }

 private:
  std::optional<c10::cuda::CUDAStreamGuard> guard_;
#endif
};

// GraphedStep is work that is done many times, always on the same tensors. On a CUDA device it is done twice as it is, in
// which cuDNN finds its fastest algorithms, is then recorded as a graph, and from then on replayed, which costs the
// host one call rather than hundreds. It must not wait for the device, nor hold on to memory that it did not have
// before: a tensor that it makes keeps its place, and has new content after each replay.
class GraphedStep {
 public:
  // Without `as_graph` the work is always done as it is.
  GraphedStep(const torch::Device& device, bool as_graph, std::function<void()> work)
      : work_(std::move(work)), as_graph_(as_graph && device.is_cuda()), device_(device) {}

  // Does the work once.
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
    // A graph has memory of its own, so what the work took before would be taken twice.
    c10::cuda::CUDACachingAllocator::emptyCache();
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    graph->capture_begin();
    try {
      work_();
    } catch (...) {
      // LibTorch must know that nothing is recorded any more, though what was recorded is of no use.
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

// Upload copies tensors from the host into tensors of a device, through two sets of page-locked buffers on a stream of
// its own, so that a transfer runs while the device computes. On the CPU it copies.
class Upload {
 public:
  explicit Upload(const torch::Device& device) : device_(device) {}

  // Copies each of `from` into the one of `to` at its place, before whatever this thread gives to the device next. All
  // calls must have tensors of the same shapes. It returns at once unless the device is two calls behind.
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

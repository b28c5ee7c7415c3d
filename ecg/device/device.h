// device.h
//
// Where a network runs. What is CUDA's own is behind cuda.h.

#ifndef ECG_DEVICE_DEVICE_H_
#define ECG_DEVICE_DEVICE_H_

#include <torch/torch.h>

#include <cstdlib>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/device/cuda.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Device is where a run computes, and how exactly.
struct Device {
  torch::Device torch = torch::kCPU;
  spec::Runtime::Precision precision = spec::Runtime::FP32;
  // A line for the person who asked for another device; empty when they got what they asked for.
  std::string note;
  // Whether work that is repeated is recorded and replayed; of CUDA only.
  bool graphs = false;
};

// ChooseDevice finds the device that `runtime` names, and sets how it computes. With fall_back_to_cpu a missing one
// becomes the CPU and a note, without it an error.
inline absl::StatusOr<Device> ChooseDevice(const spec::Runtime& runtime) {
  const spec::Runtime::Precision precision = runtime.precision();
  const std::string& name = runtime.device();
  if (name == "cpu") return Device{torch::kCPU, precision, ""};
  absl::string_view number = name;
  int index = 0;
  if (name != "cuda" && !(absl::ConsumePrefix(&number, "cuda:") && absl::SimpleAtoi(number, &index) && index >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no device \"", name, "\"; expected \"cpu\", \"cuda\" or \"cuda:N\""));
  }
  const int count = CudaDeviceCount();
  if (index < count) {
    // All of this is of the process. Products of float32 with mantissas of 10 bits:
    at::Context& context = at::globalContext();
    context.setAllowTF32CuBLAS(precision == spec::Runtime::TF32);
    context.setAllowTF32CuDNN(precision == spec::Runtime::TF32);
    // The fastest algorithm is found by timing, and not the same each time.
    context.setBenchmarkCuDNN(!runtime.deterministic());
    context.setDeterministicCuDNN(runtime.deterministic());
    context.setDeterministicAlgorithms(runtime.deterministic(), /*warn_only=*/true);
    // cuBLAS reads this when it is first used.
    if (runtime.deterministic()) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
    return Device{torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(index)), precision, "",
                  runtime.cuda_graphs()};
  }
#ifdef ECG_WITH_CUDA
  const std::string reason = count == 0 ? std::string("this machine has no usable CUDA device")
                                        : absl::StrCat("this machine has ", count, " CUDA devices, counted from 0");
#else
  const std::string reason = "this LibTorch is built without CUDA; set LIBTORCH_ROOT to one that has it";
#endif
  if (!runtime.fall_back_to_cpu()) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot use ", name, ": ", reason, ". Pass --device=cpu, or set runtime.fall_back_to_cpu"));
  }
  return Device{torch::kCPU, precision, absl::StrCat(name, " is not there (", reason, "); using the CPU instead")};
}

}  // namespace ecg

#endif  // ECG_DEVICE_DEVICE_H_

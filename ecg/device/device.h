// device.h
//
// The device that a network runs on. What is specific to CUDA is in cuda.h.

#ifndef ECG_DEVICE_DEVICE_H_
#define ECG_DEVICE_DEVICE_H_

#include <torch/types.h>

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

// Device is the device of a run, with its precision.
struct Device {
  torch::Device torch = torch::kCPU;
  spec::Runtime::Precision precision = spec::Runtime::FP32;
  // A message for the user who asked for another device; else empty.
  std::string note;
  // Whether training steps are captured as CUDA graphs; false on the CPU.
  bool graphs = false;
};

// ChooseDevice returns the device that `runtime` names, and sets LibTorch's precision and determinism for the process.
// If the device is missing, fall_back_to_cpu returns the CPU with a note; without it, it is an error.
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
    // These settings are per process. TF32 multiplies float32 with mantissas of 10 bits.
    at::Context& context = at::globalContext();
    context.setAllowTF32CuBLAS(precision == spec::Runtime::TF32);
    context.setAllowTF32CuDNN(precision == spec::Runtime::TF32);
    // cuDNN's benchmark picks the fastest algorithm by timing, which is not deterministic.
    context.setBenchmarkCuDNN(!runtime.deterministic());
    context.setDeterministicCuDNN(runtime.deterministic());
    context.setDeterministicAlgorithms(runtime.deterministic(), /*warn_only=*/true);
    // cuBLAS reads this when it is initialised.
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

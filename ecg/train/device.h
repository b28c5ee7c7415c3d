// device.h
//
// Where a network runs. All that differs between CPU and CUDA is meant to stay behind this header.

#ifndef ECG_TRAIN_DEVICE_H_
#define ECG_TRAIN_DEVICE_H_

#include <sched.h>
#include <torch/torch.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Device is where a run computes, and how exactly.
struct Device {
  torch::Device torch = torch::kCPU;
  spec::Runtime::Precision precision = spec::Runtime::FP32;
  // A line for the person who asked for another device; empty when they got what they asked for.
  std::string note;
};

// ChooseDevice finds the device that `runtime` names, and sets the precision of its arithmetic. With fall_back_to_cpu a
// missing one becomes the CPU and a note, without it an error.
inline absl::StatusOr<Device> ChooseDevice(const spec::Runtime& runtime) {
  const spec::Runtime::Precision precision = runtime.precision();
  // Of the process, and of CUDA only: products of float32 with mantissas of 10 bits.
  at::globalContext().setAllowTF32CuBLAS(precision == spec::Runtime::TF32);
  at::globalContext().setAllowTF32CuDNN(precision == spec::Runtime::TF32);
  const std::string& name = runtime.device();
  if (name == "cpu") return Device{torch::kCPU, precision, ""};
  absl::string_view number = name;
  int index = 0;
  if (name != "cuda" && !(absl::ConsumePrefix(&number, "cuda:") && absl::SimpleAtoi(number, &index) && index >= 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no device \"", name, "\"; expected \"cpu\", \"cuda\" or \"cuda:N\""));
  }
#ifdef ECG_WITH_CUDA
  const int count = static_cast<int>(torch::cuda::device_count());
  if (index < count) return Device{torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(index)), precision, ""};
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

// UseThreads makes LibTorch compute with `threads` threads, 0 meaning one for each core that this process may use, and
// returns their number.
inline int UseThreads(int threads) {
  if (threads == 0) {
    cpu_set_t set;
    threads = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  }
  torch::set_num_threads(threads);
  return threads;
}

}  // namespace ecg

#endif  // ECG_TRAIN_DEVICE_H_

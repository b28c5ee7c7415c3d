// weights.h
//
// A module's state by name: all that training changes, and all that is needed to use the module elsewhere.

#ifndef ECG_MODEL_WEIGHTS_H_
#define ECG_MODEL_WEIGHTS_H_

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/safetensors.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// NamedTensors are tensors by name. As a module's state the names are those of PyTorch's state_dict.
using NamedTensors = std::map<std::string, torch::Tensor>;

// StateOf returns the parameters and buffers of `module`. They share the module's memory.
inline NamedTensors StateOf(const torch::nn::Module& module) {
  NamedTensors state;
  for (const auto& item : module.named_parameters()) state.emplace(item.key(), item.value().detach());
  for (const auto& item : module.named_buffers()) state.emplace(item.key(), item.value().detach());
  return state;
}

// CopyOf returns the same tensors in memory of their own, on the CPU.
inline NamedTensors CopyOf(const NamedTensors& tensors) {
  NamedTensors copy;
  for (const auto& [name, tensor] : tensors)
    copy.emplace(name, tensor.to(torch::kCPU, /*non_blocking=*/false, /*copy=*/true));
  return copy;
}

// LoadState copies `from` into `state`, such as StateOf(module). Both must have the same names and shapes.
inline absl::Status LoadState(const NamedTensors& from, const NamedTensors& state) {
  std::vector<std::string> missing, unknown, misshapen;
  for (const auto& [name, tensor] : state) {
    const auto found = from.find(name);
    if (found == from.end()) {
      missing.push_back(name);
    } else if (found->second.sizes() != tensor.sizes()) {
      misshapen.push_back(absl::StrCat(name, " (expected [", absl::StrJoin(tensor.sizes(), ", "), "], found [",
                                       absl::StrJoin(found->second.sizes(), ", "), "])"));
    }
  }
  for (const auto& [name, tensor] : from) {
    if (!state.contains(name)) unknown.push_back(name);
  }
  std::vector<std::string> faults;
  const auto add = [&faults](absl::string_view what, const std::vector<std::string>& names) {
    if (!names.empty()) faults.push_back(absl::StrCat(what, " ", absl::StrJoin(names, ", ")));
  };
  add("missing:", missing);
  add("not of this network:", unknown);
  add("of another shape:", misshapen);
  if (!faults.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the weights are of another network; ", absl::StrJoin(faults, "; "),
                     ". Use the spec, and the number of classes, that they were trained with"));
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state) torch::Tensor(tensor).copy_(from.at(name));
  return absl::OkStatus();
}

// WriteTensors writes `tensors` (float32, float64 or int64) as safetensors, whole or not at all.
inline absl::Status WriteTensors(const std::filesystem::path& path, const NamedTensors& tensors,
                                 const std::map<std::string, std::string>& metadata = {}) {
  std::map<std::string, TensorBytes> file;
  std::vector<torch::Tensor> keep_alive;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor& plain = keep_alive.emplace_back(tensor.detach().to(torch::kCPU).contiguous());
    const char* dtype = plain.scalar_type() == torch::kFloat32   ? "F32"
                        : plain.scalar_type() == torch::kFloat64 ? "F64"
                        : plain.scalar_type() == torch::kInt64   ? "I64"
                                                                 : nullptr;
    if (dtype == nullptr) {
      return absl::UnimplementedError(
          absl::StrCat("tensor ", name, " has a type that is not written: ", torch::toString(plain.scalar_type())));
    }
    file.emplace(name, TensorBytes{dtype, plain.sizes().vec(),
                                   absl::string_view(static_cast<const char*>(plain.data_ptr()), plain.nbytes())});
  }
  return WriteSafetensors(path, file, metadata);
}

// ReadTensors reads a file that WriteTensors, or another program, wrote.
inline absl::StatusOr<NamedTensors> ReadTensors(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::Open(path));
  NamedTensors tensors;
  for (const auto& [name, tensor] : file.tensors()) {
    const torch::ScalarType type = tensor.dtype == "F32"   ? torch::kFloat32
                                   : tensor.dtype == "F64" ? torch::kFloat64
                                   : tensor.dtype == "I64" ? torch::kInt64
                                                           : torch::ScalarType::Undefined;
    if (type == torch::ScalarType::Undefined) {
      return absl::UnimplementedError(absl::StrCat("cannot use tensor ", name, " of ", path.string(), ": its type ",
                                                   tensor.dtype, " is none of F32, F64, I64"));
    }
    torch::Tensor copy = torch::empty(tensor.shape, type);
    std::memcpy(copy.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
    tensors.emplace(name, std::move(copy));
  }
  return tensors;
}

}  // namespace ecg

#endif  // ECG_MODEL_WEIGHTS_H_

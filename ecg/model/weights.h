// weights.h
//
// A module's state by name: all that training changes, and all that is needed to use the module elsewhere.
//
//   ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors("net.pth"));  // or model.safetensors
//   ECG_RETURN_IF_ERROR(LoadState(weights, StateOf(network)));

#ifndef ECG_MODEL_WEIGHTS_H_
#define ECG_MODEL_WEIGHTS_H_

#include <torch/torch.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
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
#include "ecg/file/weights_file.h"
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

// LoadState copies `from` into `state`, such as StateOf(module). Both must have the same names and shapes; numbers take
// the type of `state`.
inline absl::Status LoadState(const NamedTensors& from, const NamedTensors& state) {
  std::vector<std::string> missing, unknown, misshapen;
  bool same_but_for_rows = true;
  for (const auto& [name, tensor] : state) {
    const auto found = from.find(name);
    if (found == from.end()) {
      missing.push_back(name);
    } else if (const torch::IntArrayRef expected = tensor.sizes(), given = found->second.sizes(); given != expected) {
      misshapen.push_back(absl::StrCat(name, " (expected [", absl::StrJoin(expected, ", "), "], found [",
                                       absl::StrJoin(given, ", "), "])"));
      same_but_for_rows =
          same_but_for_rows && !expected.empty() && !given.empty() && expected.slice(1) == given.slice(1);
    }
  }
  for (const auto& [name, tensor] : from) {
    if (!state.contains(name)) unknown.push_back(name);
  }
  if (missing.empty() && unknown.empty() && misshapen.empty()) {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, tensor] : state) torch::Tensor(tensor).copy_(from.at(name));
    return absl::OkStatus();
  }

  // A weight and a bias of which only the rows are too few or too many can but be the last layer.
  std::string message = missing.empty() && unknown.empty() && same_but_for_rows && misshapen.size() <= 2
                            ? "the weights are for another number of classes"
                            : "the weights are of another network";
  for (const auto& [what, names] : {std::pair{"missing", &missing}, std::pair{"not of this network", &unknown},
                                    std::pair{"of another shape", &misshapen}}) {
    constexpr size_t kNamed = 5;
    if (names->empty()) continue;
    absl::StrAppend(&message, "; ", what, ": ",
                    absl::StrJoin(names->begin(), names->begin() + std::min(names->size(), kNamed), ", "),
                    names->size() > kNamed ? absl::StrCat(" and ", names->size() - kNamed, " more") : "");
  }
  return absl::InvalidArgumentError(
      absl::StrCat(message, ". Use the spec, and the number of classes, that they were trained with"));
}

// kElementTypes are the types of elements that can be in a file, as safetensors spells them.
inline constexpr std::pair<const char*, torch::ScalarType> kElementTypes[] = {
    {"F32", torch::kFloat32}, {"F64", torch::kFloat64}, {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
    {"I64", torch::kInt64},   {"I32", torch::kInt32},   {"I16", torch::kInt16},   {"I8", torch::kInt8},
    {"U8", torch::kUInt8},    {"BOOL", torch::kBool}};

// WriteTensors writes `tensors` as safetensors, whole or not at all.
inline absl::Status WriteTensors(const std::filesystem::path& path, const NamedTensors& tensors,
                                 const std::map<std::string, std::string>& metadata = {}) {
  std::map<std::string, TensorBytes> file;
  std::vector<torch::Tensor> keep_alive;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor& plain = keep_alive.emplace_back(tensor.detach().to(torch::kCPU).contiguous());
    const auto* type =
        std::ranges::find_if(kElementTypes, [&](const auto& one) { return one.second == plain.scalar_type(); });
    if (type == std::end(kElementTypes)) {
      return absl::UnimplementedError(
          absl::StrCat("tensor ", name, " has a type that is not written: ", torch::toString(plain.scalar_type())));
    }
    file.emplace(name, TensorBytes{type->first, plain.sizes().vec(),
                                   absl::string_view(static_cast<const char*>(plain.data_ptr()), plain.nbytes())});
  }
  return WriteSafetensors(path, file, metadata);
}

// ReadTensors reads safetensors, or what PyTorch's torch.save(model.state_dict(), `path`) wrote; the file's name does
// not matter. The tensors have the types that they have in the file.
inline absl::StatusOr<NamedTensors> ReadTensors(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const WeightsFile file, WeightsFile::Open(path));
  NamedTensors tensors;
  for (const auto& [name, tensor] : file.tensors()) {
    const auto* type = std::ranges::find_if(kElementTypes, [&](const auto& one) { return one.first == tensor.dtype; });
    if (type == std::end(kElementTypes)) {
      return absl::UnimplementedError(
          absl::StrCat("cannot use tensor ", name, " of ", path.string(), ": LibTorch has no type ", tensor.dtype));
    }
    torch::Tensor copy = torch::empty(tensor.shape, type->second);
    if (!tensor.bytes.empty()) std::memcpy(copy.data_ptr(), tensor.bytes.data(), tensor.bytes.size());
    tensors.emplace(name, std::move(copy));
  }
  return tensors;
}

}  // namespace ecg

#endif  // ECG_MODEL_WEIGHTS_H_

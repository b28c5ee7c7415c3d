// weights.h
//
// The state of a module by name: its parameters and buffers, as PyTorch's state_dict.
//
//   torch::nn::Linear network(3, 2);
//   ECG_RETURN_IF_ERROR(WriteTensors("model.safetensors", StateOf(*network)));
//   ECG_RETURN_IF_ERROR(LoadWeights("model.safetensors", StateOf(*network)));  // or "net.pth"
//
// LoadWeights reads what other programs wrote too, and allows for how they name things. LoadState is strict: it is for
// what this project wrote itself, such as checkpoints.

#ifndef ECG_MODEL_WEIGHTS_H_
#define ECG_MODEL_WEIGHTS_H_

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/safetensors.h"
#include "ecg/file/weights_file.h"
#include "ecg/model/state_names.h"
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

// CheckSameTensors checks that `found` has the names and shapes of `state`; the error says which differ.
inline absl::Status CheckSameTensors(const NamedTensors& found, const NamedTensors& state) {
  std::vector<std::string> missing, unknown, misshapen;
  bool same_but_for_rows = true;
  for (const auto& [name, tensor] : state) {
    const auto one = found.find(name);
    if (one == found.end()) {
      missing.push_back(name);
    } else if (const torch::IntArrayRef expected = tensor.sizes(), given = one->second.sizes(); given != expected) {
      misshapen.push_back(absl::StrCat(name, " (expected [", absl::StrJoin(expected, ", "), "], found [",
                                       absl::StrJoin(given, ", "), "])"));
      same_but_for_rows =
          same_but_for_rows && !expected.empty() && !given.empty() && expected.slice(1) == given.slice(1);
    }
  }
  for (const auto& [name, tensor] : found) {
    if (!state.contains(name)) unknown.push_back(name);
  }
  if (missing.empty() && unknown.empty() && misshapen.empty()) return absl::OkStatus();

  // A weight and a bias that differ in their number of rows only are the last layer's.
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

// LoadState copies `from` into `state`, such as StateOf(module). Both must have the same names and shapes; elements are
// converted to the type of `state`.
inline absl::Status LoadState(const NamedTensors& from, const NamedTensors& state) {
  ECG_RETURN_IF_ERROR(CheckSameTensors(from, state));
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : state) torch::Tensor(tensor).copy_(from.at(name));
  return absl::OkStatus();
}

// kElementTypes are the types of elements that can be in a file, as safetensors spells them.
inline constexpr std::pair<const char*, torch::ScalarType> kElementTypes[] = {
    {"F32", torch::kFloat32}, {"F64", torch::kFloat64}, {"F16", torch::kFloat16}, {"BF16", torch::kBFloat16},
    {"I64", torch::kInt64},   {"I32", torch::kInt32},   {"I16", torch::kInt16},   {"I8", torch::kInt8},
    {"U8", torch::kUInt8},    {"BOOL", torch::kBool}};

// WriteTensors writes `tensors` as safetensors, atomically.
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

// CheckUsable checks that the numbers of `tensor` can be those of `parameter`, a parameter or buffer called `name`.
inline absl::Status CheckUsable(const std::string& name, const torch::Tensor& tensor, const torch::Tensor& parameter) {
  if (!parameter.is_floating_point()) return absl::OkStatus();
  const auto error = [&](const auto&... what) {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", name, what...));
  };
  if (!tensor.is_floating_point()) {
    return error(" has elements of type ", torch::toString(tensor.scalar_type()),
                 ", expected floating-point numbers. Quantized weights cannot be used");
  }
  const torch::Tensor numbers = tensor.to(parameter.scalar_type());
  const torch::Tensor wrong = torch::nonzero(torch::isfinite(numbers).logical_not());
  if (wrong.size(0) > 0) {
    const torch::Tensor first = wrong[0].contiguous();
    return error(" has ", wrong.size(0), " of ", tensor.numel(), " elements that are NaN or infinite, the first at [",
                 absl::StrJoin(first.data_ptr<int64_t>(), first.data_ptr<int64_t>() + first.numel(), ", "),
                 "]. The weights are damaged, or of a training that diverged; use others");
  }
  if (absl::EndsWith(name, "running_var") && (numbers < 0).any().item<bool>()) {
    return error(" is a variance, and has a negative element. The weights are damaged; use others");
  }
  return absl::OkStatus();
}

// LoadWeights copies the weights in the file `path`, of either kind that ReadTensors reads, into `state`, such as
// StateOf(module). They may have been saved from a module around the network, see state_names.h, and by a PyTorch that
// did not count batches yet; these counters are then set to 0. Fails, and changes nothing, where names or shapes are
// others, or where a number is not finite.
inline absl::Status LoadWeights(const std::filesystem::path& path, const NamedTensors& state) {
  ECG_ASSIGN_OR_RETURN(const NamedTensors tensors, ReadTensors(path));
  const auto load = [&]() -> absl::Status {
    std::set<std::string> in_file, network;
    for (const auto& [name, tensor] : tensors) in_file.insert(name);
    for (const auto& [name, tensor] : state) network.insert(name);
    ECG_ASSIGN_OR_RETURN(const auto names, NamesInNetwork(in_file, network));
    NamedTensors weights;
    for (const auto& [name_in_file, name] : names) {
      if (weights.emplace(name, tensors.at(name_in_file)).second) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("two tensors are ", name, " of the network, one of them ", name_in_file));
    }
    for (const auto& [name, tensor] : state) {
      if (IsBatchCounter(name)) weights.emplace(name, torch::zeros_like(tensor));
    }
    ECG_RETURN_IF_ERROR(CheckSameTensors(weights, state));
    for (const auto& [name, tensor] : state) ECG_RETURN_IF_ERROR(CheckUsable(name, weights.at(name), tensor));
    return LoadState(weights, state);
  };
  return WithContext(load(), absl::StrCat("cannot use ", path.string()));
}

}  // namespace ecg

#endif  // ECG_MODEL_WEIGHTS_H_

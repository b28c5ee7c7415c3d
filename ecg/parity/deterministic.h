// deterministic.h
//
// Weights and signals as functions of their names, so that two programs can be compared without exchanging either:
// element k of the tensor `name` is a function of u(name, k), a number in [-1, 1).

#ifndef ECG_PARITY_DETERMINISTIC_H_
#define ECG_PARITY_DETERMINISTIC_H_

#include <torch/types.h>
#include <torch/utils.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ranges>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "ecg/model/weights.h"
#include "ecg/random/random.h"

namespace ecg {

// DeterministicTensor returns u(`name`, k) for every element, float64 of shape `shape`: the k-th output of SplitMix64
// from the state crc32(name) << 32, mapped to [-1, 1).
inline torch::Tensor DeterministicTensor(const std::string& name, torch::IntArrayRef shape) {
  torch::Tensor tensor = torch::empty(shape, torch::kFloat64);
  const uint64_t seed = uint64_t{crc32(0, reinterpret_cast<const Bytef*>(name.data()), name.size())} << 32;
  double* values = tensor.data_ptr<double>();
  for (int64_t k = 0; k < tensor.numel(); ++k) values[k] = UnitInterval(MixBits(seed + k + 0x9E3779B97F4A7C15)) * 2 - 1;
  return tensor;
}

// DeterministicWeight returns the value of the state tensor `name`, float64, scaled so that activations of a deep
// network neither vanish nor explode.
inline torch::Tensor DeterministicWeight(const std::string& name, torch::IntArrayRef shape) {
  if (absl::EndsWith(name, "num_batches_tracked")) return torch::zeros(shape, torch::kFloat64);
  const torch::Tensor u = DeterministicTensor(name, shape);
  if (absl::EndsWith(name, "running_var")) return 1 + 0.1 * u;
  if (absl::EndsWith(name, "running_mean")) return 0.1 * u;
  if (absl::EndsWith(name, "embedding")) return 0.05 * u;
  // Of state-space layers: time steps from 0.001 to 0.1, and weights of the order of one.
  if (absl::EndsWith(name, ".log_dt")) return std::log(0.01) + std::log(10) * u;
  if (absl::EndsWith(name, ".C") || absl::EndsWith(name, ".D")) return u;
  if (shape.size() >= 2) return u * std::sqrt(3.0 / (static_cast<double>(u.numel()) / shape[0]));
  if (absl::EndsWith(name, "weight")) return 1 + 0.1 * u;
  return 0.1 * u;
}

// FillDeterministically sets every tensor of `state` to its DeterministicWeight, rounded to float32 whatever its type,
// except what the network computes: positional encodings (`pe`), and the system of a state-space layer. A tensor with
// two names gets the value of the name that sorts first: in XResNet, whose module "convpath" holds "convs", this is the
// name that PyTorch sets last.
inline void FillDeterministically(const NamedTensors& state) {
  const torch::NoGradGuard no_grad;
  const auto is_computed = [](const std::string& name) {
    static constexpr const char* kComputed[] = {".pe", ".w", ".B", ".P", ".Q", ".omega", ".z"};
    return std::ranges::any_of(kComputed, [&](const char* end) { return absl::EndsWith(name, end); });
  };
  for (const auto& [name, tensor] : std::views::reverse(state)) {
    if (!is_computed(name)) torch::Tensor(tensor).copy_(DeterministicWeight(name, tensor.sizes()).to(torch::kFloat32));
  }
}

// DeterministicTargets returns 1 where u(`name`.target, k) > 0.9, else 0; float64 of shape `shape`.
inline torch::Tensor DeterministicTargets(const std::string& name, torch::IntArrayRef shape) {
  return DeterministicTensor(name + ".target", shape).gt(0.9).to(torch::kFloat64);
}

}  // namespace ecg

#endif  // ECG_PARITY_DETERMINISTIC_H_

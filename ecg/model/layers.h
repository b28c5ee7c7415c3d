// layers.h
//
// A network layer by layer: what each makes of its input, how many numbers it holds and how much it computes. The rows
// are what LibTorch does in one forward pass, observed rather than declared, so they are right for any network.
//
//   for (const Layer& layer : LayersOf(network, torch::zeros({1, 12, 1250}))) ...
//
//   backbone.conv1          conv1d       [1, 64, 625]      5,376 parameters    3,360,000 multiply-adds

#ifndef ECG_MODEL_LAYERS_H_
#define ECG_MODEL_LAYERS_H_

#include <ATen/record_function.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/model/network.h"
#include "ecg/report/progress.h"

namespace ecg {

// Layer is one operation of a forward pass.
struct Layer {
  // The module whose weights it uses, such as "backbone.layer1.0.conv1"; empty when it uses none.
  std::string name;
  // The operation, as LibTorch calls it: "conv1d", "batch_norm", "relu_", ...
  std::string operation;
  // The shape of its output.
  std::vector<int64_t> shape;
  // How many numbers it is trained in.
  int64_t parameters = 0;
  // Multiplications with a following addition, counted for convolutions and matrix products only.
  int64_t multiply_adds = 0;
};

namespace layers_internal {

// Observation is what is seen of the forward pass that runs in this thread.
struct Observation {
  // The network's parameters and buffers, each with its module, by the address of their numbers: an operation may see a
  // weight through a view of it.
  std::map<const void*, std::pair<std::string, torch::Tensor>> weights;
  std::vector<Layer> layers;
  int depth = 0;

  static Observation*& Current() {
    static thread_local Observation* current = nullptr;
    return current;
  }
};

inline std::unique_ptr<at::ObserverContext> Enter(const at::RecordFunction&) {
  ++Observation::Current()->depth;
  return nullptr;
}

inline void Leave(const at::RecordFunction& function, at::ObserverContext*) {
  Observation& observation = *Observation::Current();
  if (--observation.depth > 0) return;  // a part of the operation that is being observed
  const std::vector<c10::IValue> outputs = function.outputs();
  if (outputs.empty() || !outputs[0].isTensor() || !outputs[0].toTensor().defined()) return;
  Layer layer;
  layer.operation = function.name();
  if (const size_t colons = layer.operation.rfind("::"); colons != std::string::npos)
    layer.operation.erase(0, colons + 2);
  layer.shape = outputs[0].toTensor().sizes().vec();
  for (const c10::IValue& input : function.inputs()) {
    if (!input.isTensor() || !input.toTensor().defined()) continue;
    const auto weight = observation.weights.find(input.toTensor().data_ptr());
    if (weight == observation.weights.end()) continue;
    const auto& [module, tensor] = weight->second;
    layer.name = module;
    if (tensor.requires_grad()) layer.parameters += tensor.numel();
    // Each output value of a convolution or linear layer is a sum over one row of the weight.
    if (tensor.dim() >= 2) layer.multiply_adds = outputs[0].toTensor().numel() * (tensor.numel() / tensor.size(0));
  }
  observation.layers.push_back(std::move(layer));
}

}  // namespace layers_internal

// LayersOf returns the operations of `network.forward(signals)` in evaluation mode, in their order. Operations that
// only look at the same numbers in another way (views) are left out.
inline std::vector<Layer> LayersOf(Network& network, const torch::Tensor& signals) {
  using layers_internal::Observation;
  Observation observation;
  const auto add = [&observation](const auto& named) {
    for (const auto& item : named) {
      const std::string& name = item.key();
      const size_t dot = name.rfind('.');
      // A tensor with two names goes by the one that it is trained under.
      observation.weights.try_emplace(item.value().data_ptr(), dot == std::string::npos ? name : name.substr(0, dot),
                                      item.value());
    }
  };
  add(network.named_parameters());
  add(network.named_buffers());

  const bool was_training = network.is_training();
  network.eval();
  {
    const torch::NoGradGuard no_grad;
    Observation::Current() = &observation;
    const at::CallbackHandle handle =
        at::addThreadLocalCallback(at::RecordFunctionCallback(&layers_internal::Enter, &layers_internal::Leave)
                                       .needsInputs(true)
                                       .needsOutputs(true)
                                       .scopes({at::RecordScope::FUNCTION}));
    network.forward(signals);
    at::removeCallback(handle);
    Observation::Current() = nullptr;
  }
  network.train(was_training);
  constexpr std::array kViews = {"view",      "reshape", "flatten", "squeeze", "unsqueeze",
                                 "transpose", "permute", "slice",   "t"};
  std::erase_if(observation.layers,
                [&](const Layer& layer) { return std::ranges::find(kViews, layer.operation) != kViews.end(); });
  return std::move(observation.layers);
}

// LayerTable returns `layers` as text: a line for each, and one with the sums.
inline std::string LayerTable(const std::vector<Layer>& layers) {
  size_t name_width = 5, operation_width = 9, shape_width = 6;
  int64_t parameters = 0, multiply_adds = 0;
  const auto shape_text = [](const Layer& layer) { return absl::StrCat("[", absl::StrJoin(layer.shape, ", "), "]"); };
  for (const Layer& layer : layers) {
    name_width = std::max(name_width, layer.name.size());
    operation_width = std::max(operation_width, layer.operation.size());
    shape_width = std::max(shape_width, shape_text(layer).size());
    parameters += layer.parameters;
    multiply_adds += layer.multiply_adds;
  }
  std::string table;
  const auto add_line = [&](absl::string_view name, absl::string_view operation, absl::string_view shape,
                            absl::string_view parameters, absl::string_view multiply_adds) {
    absl::StrAppendFormat(&table, "%-*s  %-*s  %-*s  %12s  %14s\n", name_width, name, operation_width, operation,
                          shape_width, shape, parameters, multiply_adds);
  };
  add_line("layer", "operation", "output", "parameters", "multiply-adds");
  for (const Layer& layer : layers) {
    add_line(layer.name, layer.operation, shape_text(layer),
             layer.parameters > 0 ? WithThousands(layer.parameters) : "",
             layer.multiply_adds > 0 ? WithThousands(layer.multiply_adds) : "");
  }
  add_line("total", "", "", WithThousands(parameters), WithThousands(multiply_adds));
  return table;
}

}  // namespace ecg

#endif  // ECG_MODEL_LAYERS_H_

// layers.h
//
// The layers of a network: output shape, trainable parameters and multiply-adds of each. They are the operations of one
// forward pass, as LibTorch reports them, so they are right for any network. A weight that is computed from others,
// such as a standardised one, belongs to the layer that uses it.
//
//   for (const Layer& layer : LayersOf(network, torch::zeros({1, 12, 1250}))) ...
//
//   backbone.conv1          conv1d       [1, 64, 625]      5,376 parameters    3,360,000 multiply-adds

#ifndef ECG_MODEL_LAYERS_H_
#define ECG_MODEL_LAYERS_H_

#include <ATen/record_function.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
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
#include "ecg/terminal/progress.h"

namespace ecg {

// Layer is one operation of a forward pass.
struct Layer {
  // The module whose weights it uses, such as "backbone.layer1.0.conv1"; empty if it uses none.
  std::string name;
  // LibTorch's name of the operation: "conv1d", "batch_norm", "relu_", ...; "unused" for weights that no operation
  // uses.
  std::string operation;
  // Output shape.
  std::vector<int64_t> shape;
  // Trainable parameters, without those that an earlier layer uses too.
  int64_t parameters = 0;
  // Multiply-adds of convolutions and matrix products; 0 for other operations.
  int64_t multiply_adds = 0;
};

namespace layers_internal {

// Weight is a parameter, a buffer, or the result of an operation on nothing else.
struct Weight {
  // Kept alive, so that no other tensor gets its address.
  torch::Tensor tensor;
  std::string module;
  // Not yet counted for any layer: parameters, and multiply-adds of the operations that computed it.
  int64_t parameters = 0;
  int64_t multiply_adds = 0;
};

// Operation is an operation that has begun and not ended.
struct Operation {
  // Copied when it begins: at its end they may be gone or overwritten.
  std::vector<torch::Tensor> inputs;
  // Of the nested operations that have ended.
  int64_t multiply_adds = 0;
};

// Observation is the state of observing the forward pass of this thread.
struct Observation {
  // By data pointer: an operation may use a view of a weight.
  std::map<const void*, Weight> weights;
  std::vector<Layer> layers;
  // The operations that have begun, the outermost first.
  std::vector<Operation> stack;

  static Observation*& Current() {
    static thread_local Observation* current = nullptr;
    return current;
  }
};

// TensorsIn returns the tensors among the arguments or results of an operation, including those in lists.
template <typename Values>
std::vector<torch::Tensor> TensorsIn(const Values& values) {
  std::vector<torch::Tensor> tensors;
  for (const c10::IValue& value : values) {
    if (value.isTensor() && value.toTensor().defined()) tensors.push_back(value.toTensor());
    if (!value.isList()) continue;
    for (const torch::Tensor& tensor : TensorsIn(value.toListRef())) tensors.push_back(tensor);
  }
  return tensors;
}

// MultiplyAddsOf returns the multiply-adds of the operation `name`, if it is a convolution, a matrix product or a
// recurrent layer.
inline std::optional<int64_t> MultiplyAddsOf(absl::string_view name, const std::vector<torch::Tensor>& inputs,
                                             const std::vector<torch::Tensor>& outputs) {
  // Multiply-adds for each output.
  const auto summands = [&]() -> std::optional<int64_t> {
    // Of weights [out, in / groups, kernel size].
    if (name == "convolution") return inputs[1].numel() / inputs[1].size(0);
    // The columns of the first factor, which may come after the tensor that is added to the product.
    if (name == "mm" || name == "bmm" || name == "mv" || name == "dot") return inputs[0].size(-1);
    if (name == "addmm" || name == "baddbmm" || name == "addmv") return inputs[1].size(-1);
    return std::nullopt;
  }();
  if (summands) return outputs[0].numel() * *summands;
  // One direction of a layer multiplies both its matrices with each of L steps of B sequences [L, B, in].
  if (name == "mkldnn_rnn_layer") {
    return inputs[0].size(0) * inputs[0].size(1) * (inputs[1].numel() + inputs[2].numel());
  }
  return std::nullopt;
}

inline std::unique_ptr<at::ObserverContext> Enter(const at::RecordFunction& function) {
  Observation::Current()->stack.push_back({TensorsIn(function.inputs())});
  return nullptr;
}

inline void Leave(const at::RecordFunction& function, at::ObserverContext*) {
  Observation& observation = *Observation::Current();
  const auto [inputs, nested_multiply_adds] = std::move(observation.stack.back());
  observation.stack.pop_back();
  const std::vector<torch::Tensor> outputs = TensorsIn(function.outputs());
  Layer layer;
  layer.operation = function.name();
  if (const size_t colons = layer.operation.rfind("::"); colons != std::string::npos)
    layer.operation.erase(0, colons + 2);
  layer.multiply_adds = MultiplyAddsOf(layer.operation, inputs, outputs).value_or(nested_multiply_adds);
  if (!observation.stack.empty()) {
    observation.stack.back().multiply_adds += layer.multiply_adds;
    return;
  }
  if (inputs.empty() || outputs.empty()) return;

  const auto is_known = [&](const torch::Tensor& input) { return observation.weights.contains(input.data_ptr()); };
  const bool is_weight = std::ranges::all_of(inputs, is_known);
  // A view of a weight, such as one in the shape of a signal, leaves its parameters to the operation that uses it.
  const bool in_place = layer.operation.back() == '_';
  const auto is_view_of = [&](const torch::Tensor& input) { return outputs[0].is_alias_of(input); };
  if (!is_weight && !in_place && std::ranges::any_of(inputs, is_view_of)) return;

  for (const torch::Tensor& input : inputs) {
    const auto found = observation.weights.find(input.data_ptr());
    if (found == observation.weights.end()) continue;
    Weight& weight = found->second;
    layer.name = weight.module;
    layer.parameters += std::exchange(weight.parameters, 0);
    layer.multiply_adds += std::exchange(weight.multiply_adds, 0);
  }
  if (!is_weight) {
    layer.shape = outputs[0].sizes().vec();
    observation.layers.push_back(std::move(layer));
    return;
  }
  for (const torch::Tensor& output : outputs) {
    observation.weights[output.data_ptr()] = {output, layer.name, std::exchange(layer.parameters, 0),
                                              std::exchange(layer.multiply_adds, 0)};
  }
}

}  // namespace layers_internal

// LayersOf returns the operations of `network.forward(signals)` in evaluation mode, in their order, and then the
// weights that no operation uses. Views, and operations that do nothing in evaluation, are left out. The parameters of
// all layers sum to ParameterCount(network).
inline std::vector<Layer> LayersOf(Network& network, const torch::Tensor& signals) {
  using layers_internal::Observation;
  using layers_internal::Weight;
  Observation observation;
  const auto add = [&observation](const auto& named) {
    for (const auto& item : named) {
      const std::string& name = item.key();
      const size_t dot = name.rfind('.');
      // A tensor with two names gets that of the parameter.
      observation.weights.try_emplace(item.value().data_ptr(),
                                      Weight{item.value(), dot == std::string::npos ? name : name.substr(0, dot),
                                             item.value().requires_grad() ? item.value().numel() : 0});
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
  for (const auto& [address, weight] : observation.weights) {
    if (weight.parameters > 0) {
      observation.layers.push_back({weight.module, "unused", weight.tensor.sizes().vec(), weight.parameters});
    }
  }
  return std::move(observation.layers);
}

// LayerTable returns `layers` as a text table: a line for each, and one with the totals.
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

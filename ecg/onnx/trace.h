// trace.h
//
// Traces one forward pass of a network as a graph of LibTorch's operations: the first half of an export to another
// format, and the same for every network.
//
//   const Trace trace = TraceOf(network, {torch::zeros({2, 12, 1250})}, [&](const std::vector<torch::Tensor>& inputs) {
//     return std::vector{network.forward(inputs[0])};
//   });
//   std::cout << *trace.graph;
//
//   %278 : Float(2, 64, 625) = aten::_convolution(%0, %1, %263, %265, ...)

#ifndef ECG_ONNX_TRACE_H_
#define ECG_ONNX_TRACE_H_

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace ecg {

// Trace is the graph of one forward pass.
struct Trace {
  // The first inputs are those that were traced, the signals before others, and the rest are the weights. Sizes that
  // the network reads from tensors are constants in the graph, valid for this input shape only.
  std::shared_ptr<torch::jit::Graph> graph;

  // Weight is a parameter or a buffer; the tensor shares the network's memory.
  struct Weight {
    // The name in PyTorch's state_dict.
    std::string name;
    torch::Tensor tensor;
  };
  std::map<const torch::jit::Value*, Weight> weights;
};

// TraceOf returns the trace of `forward(inputs)`, in which the weights of `network` keep their names. It throws what
// `forward` and LibTorch throw.
inline Trace TraceOf(const torch::nn::Module& network, const std::vector<torch::Tensor>& inputs,
                     const std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>& forward) {
  namespace tracer = torch::jit::tracer;
  Trace trace;
  const auto run = [&](const torch::jit::Stack& traced) {
    const std::shared_ptr<tracer::TracingState> state = tracer::getTracingState();
    // Weights that are not inputs would become constants without names.
    const auto add_inputs = [&](const auto& named) {
      for (const auto& item : named) {
        if (state->hasValue(item.value())) continue;  // shared under a second name
        torch::jit::Value* const value = state->graph->addInput();
        value->inferTypeFrom(item.value());
        tracer::setValueTrace(item.value(), value);
        trace.weights.emplace(value, Trace::Weight{item.key(), item.value().detach()});
      }
    };
    add_inputs(network.named_parameters());
    add_inputs(network.named_buffers());
    torch::jit::Stack outputs;
    std::vector<torch::Tensor> tensors;
    for (const c10::IValue& input : traced) tensors.push_back(input.toTensor());
    for (const torch::Tensor& output : forward(tensors)) outputs.emplace_back(output);
    return outputs;
  };
  const torch::NoGradGuard no_grad;
  trace.graph = tracer::trace({inputs.begin(), inputs.end()}, run, [](const torch::Tensor&) {
                  return std::string();
                }).first->graph;
  return trace;
}

}  // namespace ecg

#endif  // ECG_ONNX_TRACE_H_

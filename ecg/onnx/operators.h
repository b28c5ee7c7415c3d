// operators.h
//
// Translations of LibTorch's operations to ONNX, opset 17 (https://onnx.ai/onnx/operators), for the operations that the
// networks here use. A backbone of your own may need another; that takes a few lines in the table.
//
//   {"relu", [](Translation& to) { to.Return(to.Node("Relu", {to.Input("self")})); }},
//
// Arguments have the names of LibTorch's schema, such as
// `aten::max_pool1d(Tensor self, int[1] kernel_size, int[1] stride, int[1] padding, int[1] dilation, bool ceil_mode)`.

#ifndef ECG_ONNX_OPERATORS_H_
#define ECG_ONNX_OPERATORS_H_

#include <onnx/onnx_pb.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/onnx/trace.h"
#include "ecg/onnx/translation.h"

namespace ecg {

// kOnnxOperators is the opset version, and kOnnxFormat the IR version that came with it.
inline constexpr int kOnnxOperators = 17, kOnnxFormat = 8;

namespace onnx_operators {

// Elementwise translates unary operations that ONNX has too.
template <const char* type>
void Elementwise(Translation& to) {
  to.Return(to.Node(type, {to.Input("self")}));
}

// Arithmetic translates operations of two tensors, or of a tensor and a scalar.
template <const char* type>
void Arithmetic(Translation& to) {
  to.Return(to.Node(type, {to.Input("self"), to.Input("other")}));
}

// Sum translates additions and subtractions without a factor `alpha`.
template <const char* type>
void Sum(Translation& to) {
  TORCH_CHECK(to.Number("alpha") == 1, "alpha other than 1 is not supported");
  Arithmetic<type>(to);
}

// Reshape translates operations that change the shape only.
inline void Reshape(Translation& to) {
  const std::vector<int64_t> shape = to.ResultShape();
  TORCH_CHECK(std::ranges::count(shape, -1) <= 1, "two of its dimensions depend on the size of the batch");
  to.Return(to.Node("Reshape", {to.Input("self"), to.Constant(shape)}));
}

// Permute translates a transposition: dimension i of the result is dimension `order`[i] of the input.
inline void Permute(Translation& to, const std::vector<int64_t>& order) {
  to.Return(to.Node("Transpose", {to.Input("self")}, {Attribute("perm", order)}));
}

// Ordered returns `dimension` counted from the front; LibTorch may count it from the end.
inline int64_t Ordered(int64_t dimension, size_t dimensions) {
  return dimension < 0 ? dimension + static_cast<int64_t>(dimensions) : dimension;
}

// Convolution translates convolutions of any number of dimensions. LibTorch may give one value for all dimensions.
inline void Convolution(Translation& to) {
  TORCH_CHECK(!to.Flag("transposed"), "transposed convolutions are not supported");
  std::vector<std::string> inputs = {to.Input("input"), to.Input("weight")};
  if (to.Has("bias")) inputs.push_back(to.Input("bias"));
  const size_t dimensions = to.Shape("weight").size() - 2;
  const auto numbers = [&](const std::string& name) {
    const std::vector<int64_t> given = to.Ints(name);
    return given.size() == 1 ? std::vector<int64_t>(dimensions, given[0]) : given;
  };
  const std::vector<int64_t> padding = numbers("padding");
  std::vector<int64_t> pads = padding;
  pads.insert(pads.end(), padding.begin(), padding.end());
  to.Return(to.Node("Conv", inputs,
                    {Attribute("strides", numbers("stride")), Attribute("pads", pads),
                     Attribute("dilations", numbers("dilation")), Attribute("group", to.Int("groups"))}));
}

// Pool translates 1-d pooling. `ceil_mode` becomes padding at the end, since runtimes differ in how they implement it.
inline void Pool(Translation& to, const std::string& type, int64_t dilation,
                 std::vector<onnx::AttributeProto> attributes = {}) {
  const int64_t kernel = to.Ints("kernel_size").at(0), padding = to.Ints("padding").at(0);
  const std::vector<int64_t> strides = to.Ints("stride");
  const int64_t stride = strides.empty() ? kernel : strides[0];
  const int64_t read = (to.ResultShape().back() - 1) * stride + dilation * (kernel - 1) + 1;
  const int64_t beyond = std::max<int64_t>(read - to.Shape("self").back() - 2 * padding, 0);
  if (type == "AveragePool") {
    // LibTorch counts padding, but not what ceil_mode adds beyond it.
    const bool counts = to.Flag("count_include_pad") && padding > 0;
    TORCH_CHECK(!counts || beyond == 0, "count_include_pad together with ceil_mode is not supported");
    attributes.push_back(Attribute("count_include_pad", int64_t{counts}));
  }
  attributes.push_back(Attribute("kernel_shape", std::vector<int64_t>{kernel}));
  attributes.push_back(Attribute("strides", std::vector<int64_t>{stride}));
  attributes.push_back(Attribute("pads", std::vector<int64_t>{padding, padding + beyond}));
  to.Return(to.Node(type, {to.Input("self")}, attributes));
}

inline void BatchNorm(Translation& to) {
  to.Return(to.Node(
      "BatchNormalization",
      {to.Input("input"), to.Input("weight"), to.Input("bias"), to.Input("running_mean"), to.Input("running_var")},
      {Attribute("epsilon", to.Number("eps"))}));
}

inline void LayerNorm(Translation& to) {
  std::vector<std::string> inputs = {to.Input("input"), to.Input("weight")};
  if (to.Has("bias")) inputs.push_back(to.Input("bias"));
  to.Return(to.Node("LayerNormalization", inputs,
                    {Attribute("axis", -static_cast<int64_t>(to.Ints("normalized_shape").size())),
                     Attribute("epsilon", to.Number("eps"))}));
}

// Norm translates the norms of order 1 and 2 over dimensions.
inline void Norm(Translation& to) {
  const double order = to.Has("p") ? to.Number("p") : 2;
  TORCH_CHECK(order == 1 || order == 2, "the order of a norm must be 1 or 2");
  to.Return(to.Node(order == 1 ? "ReduceL1" : "ReduceL2", {to.Input("self")},
                    {Attribute("axes", to.Ints("dim")), Attribute("keepdims", int64_t{to.Flag("keepdim")})}));
}

inline void Linear(Translation& to) {
  const std::string weight =
      to.Node("Transpose", {to.Input("weight")}, {Attribute("perm", std::vector<int64_t>{1, 0})});
  const std::string product = to.Node("MatMul", {to.Input("input"), weight});
  to.Return(to.Has("bias") ? to.Node("Add", {product, to.Input("bias")}) : product);
}

// Recurrent translates layers of LSTM or GRU with a zero initial state. LibTorch stacks the weights of the gates, in
// another order than ONNX: ONNX's gate i is LibTorch's `gates`[i].
inline void Recurrent(Translation& to, const std::string& type, const std::vector<int64_t>& gates,
                      const std::vector<onnx::AttributeProto>& attributes = {}) {
  TORCH_CHECK(to.IsZeros("hx"), "an initial state other than zeros is not supported");
  const auto reordered = [&gates](const torch::Tensor& weight) {
    const std::vector<torch::Tensor> parts = weight.chunk(static_cast<int64_t>(gates.size()));
    std::vector<torch::Tensor> ordered;
    for (const int64_t gate : gates) ordered.push_back(parts.at(gate));
    return torch::cat(ordered);
  };
  const bool batch_first = to.Flag("batch_first"), has_biases = to.Flag("has_biases");
  const int64_t directions = to.Flag("bidirectional") ? 2 : 1;
  const std::vector<torch::Tensor> weights = to.Weights("params");
  const auto swap = Attribute("perm", std::vector<int64_t>{1, 0, 2});
  std::string x = batch_first ? to.Node("Transpose", {to.Input("input")}, {swap}) : to.Input("input");
  for (auto weight = weights.begin(); weight != weights.end();) {
    const int64_t hidden = weight->size(0) / static_cast<int64_t>(gates.size());
    std::vector<torch::Tensor> of_input, of_state, biases;
    for (int64_t direction = 0; direction < directions; ++direction) {
      of_input.push_back(reordered(*weight++));
      of_state.push_back(reordered(*weight++));
      if (!has_biases) continue;
      const torch::Tensor bias_of_input = reordered(*weight++);
      biases.push_back(torch::cat({bias_of_input, reordered(*weight++)}));
    }
    std::vector<std::string> inputs = {x, to.Constant(torch::stack(of_input)), to.Constant(torch::stack(of_state))};
    if (has_biases) inputs.push_back(to.Constant(torch::stack(biases)));
    std::vector<onnx::AttributeProto> all = attributes;
    all.push_back(Attribute("hidden_size", hidden));
    all.push_back(Attribute("direction", std::string(directions == 2 ? "bidirectional" : "forward")));
    // [L, directions, B, hidden] -> [L, B, directions * hidden]
    const std::string y = to.Node(type, inputs, all);
    const std::string together = to.Node("Transpose", {y}, {Attribute("perm", std::vector<int64_t>{0, 2, 1, 3})});
    x = to.Node("Reshape", {together, to.Constant({0, 0, -1})});
  }
  to.Return(batch_first ? to.Node("Transpose", {x}, {swap}) : x);
}

inline constexpr char kAdd[] = "Add", kDiv[] = "Div", kHardSwish[] = "HardSwish", kMatMul[] = "MatMul", kMul[] = "Mul",
                      kRelu[] = "Relu", kSigmoid[] = "Sigmoid", kSub[] = "Sub", kTanh[] = "Tanh";

// Table returns the translations by LibTorch's name of the operation.
inline const std::map<std::string, void (*)(Translation&)>& Table() {
  static const auto& table = *new std::map<std::string, void (*)(Translation&)>{
      {"_convolution", Convolution},
      {"adaptive_max_pool1d",
       [](Translation& to) {
         TORCH_CHECK(to.ResultShape().back() == 1, "adaptive pooling is only supported with output size 1");
         to.Return(to.Node("GlobalMaxPool", {to.Input("self")}));
       }},
      {"add", Sum<kAdd>},
      {"addmm",
       [](Translation& to) {
         to.Return(to.Node("Gemm", {to.Input("mat1"), to.Input("mat2"), to.Input("self")},
                           {Attribute("alpha", to.Number("alpha")), Attribute("beta", to.Number("beta"))}));
       }},
      {"avg_pool1d", [](Translation& to) { Pool(to, "AveragePool", /*dilation=*/1); }},
      {"batch_norm", BatchNorm},
      {"cat",
       [](Translation& to) { to.Return(to.Node("Concat", to.Inputs("tensors"), {Attribute("axis", to.Int("dim"))})); }},
      {"clamp",
       [](Translation& to) {
         to.Return(to.Node("Clip", {to.Input("self"), to.Input("min"), to.Input("max")}));
       }},
      {"clamp_min",
       [](Translation& to) {
         to.Return(to.Node("Max", {to.Input("self"), to.Input("min")}));
       }},
      {"constant_pad_nd",
       [](Translation& to) {
         // LibTorch: begin and end of each dimension, from the last one. ONNX: all begins, then all ends.
         const std::vector<int64_t> given = to.Ints("pad");
         const size_t dimensions = to.Shape("self").size();
         std::vector<int64_t> pads(2 * dimensions);
         for (size_t i = 0; i < given.size(); ++i) {
           pads[dimensions - 1 - i / 2 + (i % 2 == 0 ? 0 : dimensions)] = given[i];
         }
         to.Return(to.Node("Pad", {to.Input("self"), to.Constant(pads), to.Input("value")}));
       }},
      {"div", Arithmetic<kDiv>},
      {"dropout",
       [](Translation& to) {
         TORCH_CHECK(!to.Flag("train"), "dropout in evaluation mode is not supported");
         to.Return(to.Input("input"));
       }},
      {"einsum",
       [](Translation& to) {
         to.Return(to.Node("Einsum", to.Inputs("tensors"), {Attribute("equation", to.Text("equation"))}));
       }},
      {"expand_as",
       [](Translation& to) {
         to.Return(to.Node("Expand", {to.Input("self"), to.Node("Shape", {to.Input("other")})}));
       }},
      {"flatten", Reshape},
      {"gru",
       [](Translation& to) {
         Recurrent(to, "GRU", /*update, reset, new=*/{1, 0, 2}, {Attribute("linear_before_reset", int64_t{1})});
       }},
      {"gelu",
       [](Translation& to) {
         TORCH_CHECK(!to.Has("approximate") || to.Text("approximate") == "none", "only the exact GELU is supported");
         // x / 2 (1 + erf(x / sqrt(2))); opset 20 has it.
         const std::string x = to.Input("self");
         const auto number = [&](double value) { return to.Constant(torch::tensor(value)); };
         const std::string erf = to.Node("Erf", {to.Node("Mul", {x, number(M_SQRT1_2)})});
         to.Return(to.Node("Mul", {to.Node("Mul", {x, number(0.5)}), to.Node("Add", {erf, number(1)})}));
       }},
      {"glu",
       [](Translation& to) {
         const int64_t dimension = Ordered(to.Int("dim"), to.Shape("self").size());
         const int64_t half = to.Shape("self").at(dimension) / 2;
         const auto part = [&](int64_t start) {
           return to.Node("Slice", {to.Input("self"), to.Constant({start}), to.Constant({start + half}),
                                    to.Constant({dimension})});
         };
         to.Return(to.Node("Mul", {part(0), to.Node("Sigmoid", {part(half)})}));
       }},
      {"hardsigmoid",
       [](Translation& to) {
         to.Return(to.Node("HardSigmoid", {to.Input("self")}, {Attribute("alpha", 1. / 6), Attribute("beta", 0.5)}));
       }},
      {"hardswish", Elementwise<kHardSwish>},
      {"layer_norm", LayerNorm},
      {"linear", Linear},
      {"lstm",
       [](Translation& to) {
         Recurrent(to, "LSTM", /*input, output, forget, cell=*/{0, 3, 1, 2});
       }},
      {"matmul", Arithmetic<kMatMul>},
      {"max_pool1d",
       [](Translation& to) {
         const std::vector<int64_t> dilation = to.Ints("dilation");
         Pool(to, "MaxPool", dilation.at(0), {Attribute("dilations", dilation)});
       }},
      {"mean",
       [](Translation& to) {
         to.Return(to.Node("ReduceMean", {to.Input("self")},
                           {Attribute("axes", to.Ints("dim")), Attribute("keepdims", int64_t{to.Flag("keepdim")})}));
       }},
      {"mul", Arithmetic<kMul>},
      {"norm", Norm},
      {"permute",
       [](Translation& to) {
         std::vector<int64_t> order = to.Ints("dims");
         for (int64_t& dimension : order) dimension = Ordered(dimension, order.size());
         Permute(to, order);
       }},
      {"relu", Elementwise<kRelu>},
      {"reshape", Reshape},
      {"select",
       [](Translation& to) {
         to.Return(to.Node("Gather", {to.Input("self"), to.Constant(torch::tensor(to.Int("index")))},
                           {Attribute("axis", to.Int("dim"))}));
       }},
      {"sigmoid", Elementwise<kSigmoid>},
      {"silu",
       [](Translation& to) {
         to.Return(to.Node("Mul", {to.Input("self"), to.Node("Sigmoid", {to.Input("self")})}));
       }},
      {"slice",
       [](Translation& to) {
         to.Return(to.Node("Slice", {to.Input("self"), to.Index("start"), to.Index("end"), to.Constant({to.Int("dim")}),
                                     to.Index("step")}));
       }},
      {"softmax",
       [](Translation& to) { to.Return(to.Node("Softmax", {to.Input("self")}, {Attribute("axis", to.Int("dim"))})); }},
      {"squeeze", Reshape},
      {"sub", Sum<kSub>},
      {"tanh", Elementwise<kTanh>},
      {"transpose",
       [](Translation& to) {
         std::vector<int64_t> order(to.Shape("self").size());
         std::iota(order.begin(), order.end(), 0);
         std::swap(order[Ordered(to.Int("dim0"), order.size())], order[Ordered(to.Int("dim1"), order.size())]);
         Permute(to, order);
       }},
      {"unbind",
       [](Translation& to) {
         const int64_t dimension = Ordered(to.Int("dim"), to.Shape("self").size());
         std::vector<std::string> parts;
         for (int64_t i = 0; i < to.Shape("self").at(dimension); ++i) {
           parts.push_back(
               to.Node("Gather", {to.Input("self"), to.Constant(torch::tensor(i))}, {Attribute("axis", dimension)}));
         }
         to.ReturnList(parts);
       }},
      {"unsqueeze", Reshape},
      {"view", Reshape},
      // The initial state of a recurrent layer; no other use is supported, see Recurrent.
      {"zeros", [](Translation&) {}},
  };
  return table;
}

}  // namespace onnx_operators

// TranslateAll translates the operations of both traces into `graph`, with `results` as the names of its outputs. An
// unsupported operation is an UnimplementedError that names it.
inline absl::Status TranslateAll(const std::array<Trace, 2>& traces, const std::vector<std::string>& results,
                                 onnx::GraphProto& graph) {
  Translation to(traces, graph);
  try {
    while (to.Advance()) {
      const auto translate = onnx_operators::Table().find(to.operation());
      TORCH_CHECK(translate != onnx_operators::Table().end(), "ecg/onnx/operators.h has no translation for it");
      translate->second(to);
    }
    to.Finish(results);
  } catch (const c10::Error& error) {
    return absl::UnimplementedError(absl::StrCat("cannot write the operation ", to.operation(), " in or behind layer ",
                                                 to.layer(), " as ONNX: ", error.what_without_backtrace()));
  }
  return absl::OkStatus();
}

}  // namespace ecg

#endif  // ECG_ONNX_OPERATORS_H_

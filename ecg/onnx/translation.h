// translation.h
//
// Builds an ONNX graph (https://onnx.ai/onnx/operators) from a trace of LibTorch's operations. What each operation
// becomes is in operators.h.
//
// A trace is specific to one batch size, but the graph must accept any. Therefore two traces, of different batch sizes,
// are read side by side: what differs between them depends on the batch size. Operations on weights only are folded
// into constants.
//
//   Translation to(traces, graph);
//   while (to.Advance()) {
//     // to.operation() is "relu"
//     to.Return(to.Node("Relu", {to.Input("self")}));
//   }
//   to.Finish({"logits"});

#ifndef ECG_ONNX_TRANSLATION_H_
#define ECG_ONNX_TRANSLATION_H_

#include <onnx/onnx_pb.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "ecg/onnx/trace.h"

namespace ecg {

// Attribute returns an attribute of a node: an integer, several, a real number or a string.
inline onnx::AttributeProto Attribute(const std::string& name, int64_t value) {
  onnx::AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
  return attribute;
}
inline onnx::AttributeProto Attribute(const std::string& name, const std::vector<int64_t>& values) {
  onnx::AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  attribute.mutable_ints()->Add(values.begin(), values.end());
  return attribute;
}
inline onnx::AttributeProto Attribute(const std::string& name, double value) {
  onnx::AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::FLOAT);
  attribute.set_f(static_cast<float>(value));
  return attribute;
}
inline onnx::AttributeProto Attribute(const std::string& name, const std::string& value) {
  onnx::AttributeProto attribute;
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::STRING);
  attribute.set_s(value);
  return attribute;
}

// SetFloats sets the name of `value`, and its type to float32 of `shape`, where -1 is a dynamic size.
inline void SetFloats(const std::string& name, const std::vector<int64_t>& shape, onnx::ValueInfoProto& value) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const int64_t size : shape) {
    onnx::TensorShapeProto::Dimension& dimension = *type.mutable_shape()->add_dim();
    if (size >= 0) dimension.set_dim_value(size);
  }
}

// Translation walks two traces and writes one graph. Its functions throw c10::Error for what is not supported.
class Translation {
 public:
  // kInputs are the names of the graph's inputs, of which a network may read the first only.
  static constexpr const char* kInputs[] = {"signals", "demographics"};

  // Starts before the first operation. The traces and the graph must outlive the object.
  Translation(const std::array<Trace, 2>& traces, onnx::GraphProto& graph) : traces_(traces), graph_(graph) {
    for (size_t i = 0; i < traces_.size(); ++i) {
      for (const auto& [value, weight] : traces_[i].weights) known_[value] = weight.tensor;
      next_[i] = traces_[i].graph->nodes().begin();
      batch_[i] = ShapeOf(traces_[i].graph->inputs()[0]).at(0);
    }
    size_t traced = 0;
    for (const Value* input : traces_[0].graph->inputs()) {
      if (!traces_[0].weights.contains(input)) names_[input] = kInputs[traced++];
    }
  }

  // Advance moves to the next operation to translate, and returns false at the end.
  bool Advance() {
    while (next_[0] != traces_[0].graph->nodes().end()) {
      node_[0] = *next_[0]++;
      TORCH_CHECK(next_[1] != traces_[1].graph->nodes().end() && (*next_[1])->kind() == node_[0]->kind() &&
                      (*next_[1])->inputs().size() == node_[0]->inputs().size(),
                  "the operations of the network depend on the size of the batch");
      node_[1] = *next_[1]++;
      for (const Value* input : node_[0]->inputs()) {
        const auto weight = traces_[0].weights.find(input);
        if (weight != traces_[0].weights.end()) layer_ = weight->second.name.substr(0, weight->second.name.rfind('.'));
      }
      if (!Compute() && !TakeList()) return true;
    }
    node_ = {};
    return false;
  }

  // operation returns LibTorch's name of the current operation, without the "_" of in-place ones: in a trace every
  // result is a value of its own.
  std::string operation() const {
    const std::string name = node_[0] == nullptr ? "" : node_[0]->kind().toUnqualString();
    return std::string(absl::StripSuffix(name, "_"));
  }

  // layer returns the name of the module whose weights were used last.
  const std::string& layer() const { return layer_; }

  // Has returns whether the argument `name` of the current operation is given, i.e. not None.
  bool Has(const std::string& name) const {
    const auto known = known_.find(Argument(0, name));
    return known == known_.end() || !known->second.isNone();
  }

  // Int, Ints, Number, Flag and Text return an argument that does not depend on the batch size.
  int64_t Int(const std::string& name) const {
    return Only<int64_t>(name, [](const IValue& v) { return v.toInt(); });
  }
  std::vector<int64_t> Ints(const std::string& name) const {
    return Only<std::vector<int64_t>>(name, [](const IValue& v) { return v.toIntVector(); });
  }
  double Number(const std::string& name) const {
    return Only<double>(name, [](const IValue& v) { return v.toScalar().toDouble(); });
  }
  bool Flag(const std::string& name) const {
    return Only<bool>(name, [](const IValue& v) { return v.toBool(); });
  }
  std::string Text(const std::string& name) const {
    return Only<std::string>(name, [](const IValue& v) { return v.toStringRef(); });
  }

  // Weights returns a list of tensors that do not depend on the signals.
  std::vector<torch::Tensor> Weights(const std::string& name) const { return Known(0, name).toTensorVector(); }

  // Shape returns the shape of an argument; sizes that depend on the batch size are -1.
  std::vector<int64_t> Shape(const std::string& name) const { return Shape(Argument(0, name), Argument(1, name)); }

  // ResultShape returns the shape of the result; sizes that depend on the batch size are -1.
  std::vector<int64_t> ResultShape() const { return Shape(node_[0]->outputs()[0], node_[1]->outputs()[0]); }

  // Input returns the name in the graph of a tensor, or of a scalar used as one.
  std::string Input(const std::string& name) {
    const auto known = known_.find(Argument(0, name));
    if (known != known_.end() && !known->second.isTensor())
      Number(name);  // checks that it does not depend on the batch size
    return NameOf(Argument(0, name));
  }

  // Inputs returns the names in the graph of a list of tensors.
  std::vector<std::string> Inputs(const std::string& name) {
    std::vector<std::string> names;
    const Value* const list = Argument(0, name);
    TORCH_CHECK(lists_.contains(list), "its list of tensors is computed");
    for (const Value* value : lists_.at(list)) names.push_back(NameOf(value));
    return names;
  }

  // IsZeros returns whether a tensor, or every tensor of a list, is the result of LibTorch's `zeros`.
  bool IsZeros(const std::string& name) const {
    const Value* const argument = Argument(0, name);
    const auto list = lists_.find(argument);
    const auto values = list == lists_.end() ? std::vector<const Value*>{argument} : list->second;
    return std::ranges::all_of(
        values, [](const Value* value) { return value->node()->kind() == c10::Symbol::fromQualString("aten::zeros"); });
  }

  // Index returns the name of an integer [1] in the graph, which may be the batch size.
  std::string Index(const std::string& name) {
    const int64_t a = Known(0, name).toInt(), b = Known(1, name).toInt();
    if (a == b) return Constant({a});
    TORCH_CHECK(a == batch_[0] && b == batch_[1], "its ", name, " depends on the size of the batch");
    return Node("Shape", {kInputs[0]}, {Attribute("start", int64_t{0}), Attribute("end", int64_t{1})});
  }

  // Constant adds integers [n] or a tensor to the graph, and returns the name. Floating point becomes float32, the rest
  // int64.
  std::string Constant(const std::vector<int64_t>& numbers) { return Constant(torch::tensor(numbers, torch::kInt64)); }
  std::string Constant(const torch::Tensor& tensor) { return Initializer(absl::StrCat("constant/", ++count_), tensor); }

  // Node adds a node of operator `type` to the graph, and returns the name of its output.
  std::string Node(const std::string& type, const std::vector<std::string>& inputs,
                   const std::vector<onnx::AttributeProto>& attributes = {}) {
    const std::string name = absl::StrCat(layer_, layer_.empty() ? "" : "/", type, "/", ++count_);
    AddNode(name, type, inputs, attributes);
    return name;
  }

  // Return sets the name in the graph of the result of the current operation.
  void Return(const std::string& name) {
    names_[node_[0]->outputs()[0]] = name;
    if (name != graph_.node().rbegin()->name()) return;
    // Record the shape that LibTorch computed, so that onnx.checker finds a wrong translation.
    SetFloats(name, ResultShape(), *graph_.add_value_info());
  }

  // ReturnList sets the names of the tensors in the list that the current operation returns.
  void ReturnList(const std::vector<std::string>& names) {
    for (const torch::jit::Use& use : node_[0]->outputs()[0]->uses()) {
      TORCH_CHECK(use.user->kind() == torch::jit::prim::ListUnpack, "its result is used as a list");
      for (size_t i = 0; i < names.size(); ++i) names_[use.user->outputs().at(i)] = names[i];
    }
  }

  // Finish names the outputs of the network.
  void Finish(const std::vector<std::string>& results) {
    for (size_t i = 0; i < results.size(); ++i) {
      AddNode(results[i], "Identity", {NameOf(traces_[0].graph->outputs().at(i))}, {});
    }
  }

 private:
  using IValue = torch::jit::IValue;
  using Value = torch::jit::Value;

  static std::vector<int64_t> ShapeOf(const Value* value) {
    const auto shape = value->type()->expect<torch::jit::TensorType>()->sizes().concrete_sizes();
    TORCH_CHECK(shape.has_value(), "its shape is not known");
    return *shape;
  }

  static std::vector<int64_t> Shape(const Value* a, const Value* b) {
    std::vector<int64_t> shape = ShapeOf(a);
    const std::vector<int64_t> other = ShapeOf(b);
    TORCH_CHECK(shape.size() == other.size(), "its number of dimensions depends on the size of the batch");
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] != other[i]) shape[i] = -1;
    }
    return shape;
  }

  const Value* Argument(int trace, const std::string& name) const { return node_[trace]->namedInput(name); }

  const IValue& Known(int trace, const std::string& name) const {
    const auto known = known_.find(Argument(trace, name));
    TORCH_CHECK(known != known_.end(), "its ", name, " is computed from the signals");
    return known->second;
  }

  // Only returns an argument that must be equal in both traces.
  template <typename T, typename Get>
  T Only(const std::string& name, const Get& get) const {
    const T a = get(Known(0, name)), b = get(Known(1, name));
    TORCH_CHECK(a == b, "its ", name, " depends on the size of the batch");
    return a;
  }

  // Same returns whether two results are equal in their tensors. Numbers may differ.
  static bool Same(const IValue& a, const IValue& b) {
    if (a.isTensor()) {
      const torch::Tensor x = a.toTensor(), y = b.toTensor();
      return x.sizes() == y.sizes() && (x.data_ptr() == y.data_ptr() || torch::equal(x, y));
    }
    if (!a.isTensorList()) return true;
    const std::vector<torch::Tensor> x = a.toTensorVector(), y = b.toTensorVector();
    return std::ranges::equal(x, y, [](const torch::Tensor& s, const torch::Tensor& t) { return Same(s, t); });
  }

  // Compute evaluates an operation whose inputs are all known (constant folding). It returns false if some input is not
  // known, or if a tensor of the result depends on the batch size.
  bool Compute() {
    std::array<torch::jit::Stack, 2> stacks;
    for (size_t i = 0; i < node_.size(); ++i) {
      for (const Value* input : node_[i]->inputs()) {
        const auto known = known_.find(input);
        if (known == known_.end()) return false;
        stacks[i].push_back(known->second);
      }
      const auto kind = node_[i]->kind();
      if (kind == torch::jit::prim::Constant) {
        stacks[i] = {torch::jit::toIValue(node_[i]->output()).value()};
      } else if (kind == torch::jit::prim::ListConstruct) {
        c10::impl::GenericList list(node_[i]->output()->type()->expectRef<torch::jit::ListType>().getElementType());
        for (const IValue& element : stacks[i]) list.push_back(element);
        stacks[i] = {list};
      } else if (kind == torch::jit::prim::ListUnpack) {
        stacks[i] = stacks[i][0].toListRef().vec();
      } else if (node_[i]->maybeSchema() == nullptr || node_[i]->schema().is_mutable()) {
        return false;  // in-place: it would change the weights
      } else {
        node_[i]->getOperation()(stacks[i]);
      }
    }
    if (!std::ranges::equal(stacks[0], stacks[1], Same)) {
      TORCH_CHECK(node_[0]->kind() != torch::jit::prim::Constant, "a constant depends on the size of the batch");
      return false;
    }
    for (size_t i = 0; i < node_.size(); ++i) {
      for (size_t k = 0; k < stacks[i].size(); ++k) known_[node_[i]->outputs().at(k)] = stacks[i][k];
    }
    return true;
  }

  // TakeList records the elements of a list, which has no node in the graph.
  bool TakeList() {
    if (node_[0]->kind() == torch::jit::prim::ListConstruct) {
      lists_[node_[0]->output()] = {node_[0]->inputs().begin(), node_[0]->inputs().end()};
      return true;
    }
    return node_[0]->kind() == torch::jit::prim::ListUnpack;  // see ReturnList
  }

  // NameOf returns the name in the graph of a value of the first trace, which becomes an initializer if it is known.
  std::string NameOf(const Value* value) {
    std::string& name = names_[value];
    if (!name.empty()) return name;
    const auto known = known_.find(value);
    TORCH_CHECK(known != known_.end(), "it needs a result of aten::", value->node()->kind().toUnqualString(),
                " that is not translated");
    const torch::Tensor tensor =
        known->second.isTensor() ? known->second.toTensor() : torch::scalar_tensor(known->second.toScalar());
    const auto weight = traces_[0].weights.find(value);
    return name = weight == traces_[0].weights.end() ? Constant(tensor) : Initializer(weight->second.name, tensor);
  }

  std::string Initializer(const std::string& name, const torch::Tensor& tensor) {
    const bool real = tensor.is_floating_point();
    const torch::Tensor plain = tensor.to(torch::kCPU, real ? torch::kFloat32 : torch::kInt64).contiguous();
    onnx::TensorProto& initializer = *graph_.add_initializer();
    initializer.set_name(name);
    initializer.set_data_type(real ? onnx::TensorProto::FLOAT : onnx::TensorProto::INT64);
    for (const int64_t size : plain.sizes()) initializer.add_dims(size);
    initializer.set_raw_data(plain.data_ptr(), plain.nbytes());
    return name;
  }

  void AddNode(const std::string& name, const std::string& type, const std::vector<std::string>& inputs,
               const std::vector<onnx::AttributeProto>& attributes) {
    onnx::NodeProto& node = *graph_.add_node();
    node.set_name(name);
    node.set_op_type(type);
    for (const std::string& input : inputs) node.add_input(input);
    for (const onnx::AttributeProto& attribute : attributes) *node.add_attribute() = attribute;
    node.add_output(name);
  }

  const std::array<Trace, 2>& traces_;
  onnx::GraphProto& graph_;
  std::array<torch::jit::graph_node_list_iterator, 2> next_;
  std::array<const torch::jit::Node*, 2> node_ = {};
  // The batch sizes of the two traces.
  std::array<int64_t, 2> batch_;
  // Known values of both traces: weights, constants, and results computed from them.
  std::map<const Value*, IValue> known_;
  // Of the first trace: the elements of lists of unknown tensors, and the names of values.
  std::map<const Value*, std::vector<const Value*>> lists_;
  std::map<const Value*, std::string> names_;
  std::string layer_;
  int count_ = 0;
};

}  // namespace ecg

#endif  // ECG_ONNX_TRANSLATION_H_

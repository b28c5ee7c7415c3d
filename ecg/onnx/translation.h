// translation.h
//
// The way from LibTorch's operations to a graph of ONNX's (https://onnx.ai/onnx/operators), apart from what each
// operation becomes, which operators.h says.
//
// A trace is of one batch and the graph is for any, so there are two traces, of batches of different sizes, which are
// read side by side: what differs between them depends on the batch. What depends on weights only is computed here, and
// the graph has the result.
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
#include <torch/torch.h>

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

// Attribute is one of a node: a whole number or several, a real number, or a text.
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

// SetFloats says that `value` is called `name` and is float32 of `shape`, where -1 is any size.
inline void SetFloats(const std::string& name, const std::vector<int64_t>& shape, onnx::ValueInfoProto& value) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const int64_t size : shape) {
    onnx::TensorShapeProto::Dimension& dimension = *type.mutable_shape()->add_dim();
    if (size >= 0) dimension.set_dim_value(size);
  }
}

// Translation goes along two traces, and writes one graph. Where it cannot go on its functions throw c10::Error.
class Translation {
 public:
  // kInput is what the graph's input is called.
  static constexpr char kInput[] = "signals";

  // Translation begins before the first operation. The traces and the graph must outlive it.
  Translation(const std::array<Trace, 2>& traces, onnx::GraphProto& graph) : traces_(traces), graph_(graph) {
    for (size_t i = 0; i < traces_.size(); ++i) {
      for (const auto& [value, weight] : traces_[i].weights) known_[value] = weight.tensor;
      next_[i] = traces_[i].graph->nodes().begin();
      batch_[i] = ShapeOf(traces_[i].graph->inputs()[0]).at(0);
    }
    names_[traces_[0].graph->inputs()[0]] = kInput;
  }

  // Advance goes to the next operation that has to be translated, and returns false when there is none left.
  bool Advance() {
    while (next_[0] != traces_[0].graph->nodes().end()) {
      node_[0] = *next_[0]++;
      TORCH_CHECK(next_[1] != traces_[1].graph->nodes().end() && (*next_[1])->kind() == node_[0]->kind() &&
                      (*next_[1])->inputs().size() == node_[0]->inputs().size(),
                  "which operations the network uses depends on how many signals it is given at once");
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

  // operation returns LibTorch's name of the current operation. That it would write to its input is no part of the
  // name: in a trace each result has a place of its own.
  std::string operation() const {
    const std::string name = node_[0] == nullptr ? "" : node_[0]->kind().toUnqualString();
    return std::string(absl::StripSuffix(name, "_"));
  }

  // layer returns the module whose weights were used last.
  const std::string& layer() const { return layer_; }

  // Has tells whether the argument `name` of the current operation is given.
  bool Has(const std::string& name) const {
    const auto known = known_.find(Argument(0, name));
    return known == known_.end() || !known->second.isNone();
  }

  // Int, Ints, Number, Flag and Text return an argument that does not depend on the batch.
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

  // Weights returns a list of tensors that depend on no signal.
  std::vector<torch::Tensor> Weights(const std::string& name) const { return Known(0, name).toTensorVector(); }

  // Shape returns the shape of an argument; what depends on the batch is -1.
  std::vector<int64_t> Shape(const std::string& name) const { return Shape(Argument(0, name), Argument(1, name)); }

  // ResultShape returns the shape of the result; what depends on the batch is -1.
  std::vector<int64_t> ResultShape() const { return Shape(node_[0]->outputs()[0], node_[1]->outputs()[0]); }

  // Input returns what a tensor, or a number used as one, is called in the graph.
  std::string Input(const std::string& name) {
    const auto known = known_.find(Argument(0, name));
    if (known != known_.end() && !known->second.isTensor())
      Number(name);  // which checks that it is right for any batch
    return NameOf(Argument(0, name));
  }

  // Inputs returns what the tensors in a list are called.
  std::vector<std::string> Inputs(const std::string& name) {
    std::vector<std::string> names;
    const Value* const list = Argument(0, name);
    TORCH_CHECK(lists_.contains(list), "its tensors are not known by name");
    for (const Value* value : lists_.at(list)) names.push_back(NameOf(value));
    return names;
  }

  // IsZeros tells whether a tensor, or each in a list, was made by LibTorch's `zeros`.
  bool IsZeros(const std::string& name) const {
    const Value* const argument = Argument(0, name);
    const auto list = lists_.find(argument);
    const auto values = list == lists_.end() ? std::vector<const Value*>{argument} : list->second;
    return std::ranges::all_of(
        values, [](const Value* value) { return value->node()->kind() == c10::Symbol::fromQualString("aten::zeros"); });
  }

  // Index returns the name of a whole number [1] in the graph; it may be the size of the batch.
  std::string Index(const std::string& name) {
    const int64_t a = Known(0, name).toInt(), b = Known(1, name).toInt();
    if (a == b) return Constant({a});
    TORCH_CHECK(a == batch_[0] && b == batch_[1], "its ", name, " depends on the size of the batch");
    return Node("Shape", {kInput}, {Attribute("start", int64_t{0}), Attribute("end", int64_t{1})});
  }

  // Constant puts numbers [n] or a tensor into the graph, and returns its name there. Numbers with a point become
  // float32, others int64.
  std::string Constant(const std::vector<int64_t>& numbers) { return Constant(torch::tensor(numbers, torch::kInt64)); }
  std::string Constant(const torch::Tensor& tensor) { return Initializer(absl::StrCat("constant/", ++count_), tensor); }

  // Node puts a node of the type `type` into the graph, and returns the name of its result.
  std::string Node(const std::string& type, const std::vector<std::string>& inputs,
                   const std::vector<onnx::AttributeProto>& attributes = {}) {
    const std::string name = absl::StrCat(layer_, layer_.empty() ? "" : "/", type, "/", ++count_);
    AddNode(name, type, inputs, attributes);
    return name;
  }

  // Return says what the result of the current operation is called in the graph.
  void Return(const std::string& name) {
    names_[node_[0]->outputs()[0]] = name;
    if (name != graph_.node().rbegin()->name()) return;
    // What LibTorch knows of its shape, so that those who check the graph find a translation that is wrong.
    SetFloats(name, ResultShape(), *graph_.add_value_info());
  }

  // ReturnList says what the tensors in the list that it returns are called.
  void ReturnList(const std::vector<std::string>& names) {
    for (const torch::jit::Use& use : node_[0]->outputs()[0]->uses()) {
      TORCH_CHECK(use.user->kind() == torch::jit::prim::ListUnpack, "its result is used as a list");
      for (size_t i = 0; i < names.size(); ++i) names_[use.user->outputs().at(i)] = names[i];
    }
  }

  // Finish gives the results of the network their names.
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
    TORCH_CHECK(shape.size() == other.size(), "how many dimensions it has depends on the batch");
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

  // Only returns an argument that is the same in both traces.
  template <typename T, typename Get>
  T Only(const std::string& name, const Get& get) const {
    const T a = get(Known(0, name)), b = get(Known(1, name));
    TORCH_CHECK(a == b, "its ", name, " depends on the size of the batch");
    return a;
  }

  // Same tells whether two results are, as far as they are tensors. Numbers may differ.
  static bool Same(const IValue& a, const IValue& b) {
    if (a.isTensor()) {
      const torch::Tensor x = a.toTensor(), y = b.toTensor();
      return x.sizes() == y.sizes() && (x.data_ptr() == y.data_ptr() || torch::equal(x, y));
    }
    if (!a.isTensorList()) return true;
    const std::vector<torch::Tensor> x = a.toTensorVector(), y = b.toTensorVector();
    return std::ranges::equal(x, y, [](const torch::Tensor& s, const torch::Tensor& t) { return Same(s, t); });
  }

  // Compute computes the operation where its inputs are known, and its result, if a tensor, is one for all batches.
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
        return false;  // it would write to the weights
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

  // TakeList notes what is in a list that is made, or what was in it when it is taken apart: for this the graph has no
  // nodes.
  bool TakeList() {
    if (node_[0]->kind() == torch::jit::prim::ListConstruct) {
      lists_[node_[0]->output()] = {node_[0]->inputs().begin(), node_[0]->inputs().end()};
      return true;
    }
    return node_[0]->kind() == torch::jit::prim::ListUnpack;  // see ReturnList
  }

  // NameOf returns what a value of the first trace is called in the graph.
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
  // The sizes of the batches.
  std::array<int64_t, 2> batch_;
  // Of either trace: weights, constants, and what was computed of them.
  std::map<const Value*, IValue> known_;
  // Of the first trace: what lists of unknown tensors consist of, and the names of values.
  std::map<const Value*, std::vector<const Value*>> lists_;
  std::map<const Value*, std::string> names_;
  std::string layer_;
  int count_ = 0;
};

}  // namespace ecg

#endif  // ECG_ONNX_TRANSLATION_H_

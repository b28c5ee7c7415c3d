// merge.h
//
// One ONNX model of several that read the same windows: the mean of what they give.
//
//   const onnx::ModelProto first, second;
//   ECG_ASSIGN_OR_RETURN(const onnx::ModelProto model,
//                        MergeOnnx({first, second}, {.of = MembersMean::Of::kProbability}, {{"name", "both"}}));
//
// Its input is that of export.h, `signals`, and so are its outputs: `probabilities`, the mean for each window, and
// `logits`, of which these are the probabilities. A third, `member_logits` [batch, members, classes], has the logits of
// each member, because the mean over members of a maximum over windows is not the maximum of the means.

#ifndef ECG_ONNX_MERGE_H_
#define ECG_ONNX_MERGE_H_

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/score/mean_of_members.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace merge_internal {

// Add adds a node to `graph`, whose output has the name `output`.
inline onnx::NodeProto& Add(onnx::GraphProto& graph, const char* operation, const std::vector<std::string>& inputs,
                            const std::string& output) {
  onnx::NodeProto& node = *graph.add_node();
  node.set_op_type(operation);
  node.set_name(output);
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(output);
  return node;
}

inline void SetAxis(int64_t axis, onnx::NodeProto& node) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name("axis");
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(axis);
}

// AddConstant adds a constant of one number, or of several integers.
inline std::string AddConstant(onnx::GraphProto& graph, const std::string& name, float number) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_float_data(number);
  return name;
}
inline std::string AddConstant(onnx::GraphProto& graph, const std::string& name, const std::vector<int64_t>& numbers) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(numbers.size()));
  for (const int64_t number : numbers) tensor.add_int64_data(number);
  return name;
}

// AddMember adds what `member` computes to `graph`. All names but the inputs' get `prefix`, so that those of two
// members do not meet.
inline absl::Status AddMember(const onnx::GraphProto& member, const std::string& prefix, onnx::GraphProto& graph) {
  // An empty name is an input that is left out.
  const auto named = [&](const std::string& name) {
    const bool is_shared = std::ranges::any_of(member.input(), [&](const auto& input) { return input.name() == name; });
    return name.empty() || is_shared ? name : absl::StrCat(prefix, name);
  };
  for (onnx::NodeProto node : member.node()) {
    for (const onnx::AttributeProto& attribute : node.attribute()) {
      if (!attribute.has_g() && attribute.graphs_size() == 0) continue;
      return absl::UnimplementedError(
          absl::StrCat("the node ", node.name(), " has a graph of its own, which is not merged"));
    }
    if (!node.name().empty()) node.set_name(absl::StrCat(prefix, node.name()));
    for (std::string& name : *node.mutable_input()) name = named(name);
    for (std::string& name : *node.mutable_output()) name = named(name);
    *graph.add_node() = std::move(node);
  }
  for (const onnx::TensorProto& weight : member.initializer()) {
    onnx::TensorProto& added = *graph.add_initializer();
    added = weight;
    added.set_name(named(weight.name()));
  }
  for (const onnx::ValueInfoProto& value : member.value_info()) {
    onnx::ValueInfoProto& added = *graph.add_value_info();
    added = value;
    added.set_name(named(value.name()));
  }
  return absl::OkStatus();
}

// CheckAlike refuses models that cannot be one graph: all must have the signals, the outputs and the operators of the
// first. Some may read demographics besides.
inline absl::Status CheckAlike(const std::vector<onnx::ModelProto>& members) {
  for (size_t i = 0; i < members.size(); ++i) {
    const onnx::GraphProto &first = members[0].graph(), &graph = members[i].graph();
    const auto differs = [&](const char* what) {
      return absl::UnimplementedError(absl::StrCat("the ", what, " of the model.onnx of member ", i + 1,
                                                   " is not that of the first. Write both again, with "
                                                   "--mode=evaluate on the runs' own records"));
    };
    if (graph.input_size() < 1 || graph.input_size() > 2 || graph.output_size() != 2 ||
        (graph.input_size() == 2 && graph.input(1).name() != "demographics") || graph.output(0).name() != "logits" ||
        graph.output(1).name() != "probabilities") {
      return absl::UnimplementedError(absl::StrCat("the model.onnx of member ", i + 1,
                                                   " does not have the input signals, or besides it demographics, "
                                                   "and the outputs logits and probabilities"));
    }
    if (graph.input(0).SerializeAsString() != first.input(0).SerializeAsString()) return differs("input");
    if (graph.output(0).SerializeAsString() != first.output(0).SerializeAsString()) return differs("output");
    if (members[i].ir_version() != members[0].ir_version()) return differs("version of the format");
    if (members[i].opset_import_size() != 1 || members[0].opset_import_size() != 1 ||
        members[i].opset_import(0).SerializeAsString() != members[0].opset_import(0).SerializeAsString()) {
      return differs("set of operators");
    }
  }
  return absl::OkStatus();
}

}  // namespace merge_internal

// MergeOnnx returns the mean of `members`, at least one, each of them what OnnxModel returns. `mean` says of what,
// where its number of classes is not read. `metadata` becomes the model's metadata_props. Models that do not read the
// same windows, or that use other versions of ONNX, are an UnimplementedError, as is a result over protobuf's 2 GB.
inline absl::StatusOr<onnx::ModelProto> MergeOnnx(const std::vector<onnx::ModelProto>& members, const MembersMean& mean,
                                                  const std::map<std::string, std::string>& metadata) {
  using merge_internal::Add;
  using merge_internal::AddConstant;
  ECG_RETURN_IF_ERROR(merge_internal::CheckAlike(members));
  size_t bytes = 0;
  for (const onnx::ModelProto& member : members) bytes += member.ByteSizeLong();
  // Protobuf's limit is 2 GB; names grow, too.
  constexpr size_t kMostBytes = 2'000'000'000;
  if (bytes >= kMostBytes) {
    return absl::UnimplementedError(absl::StrCat("the networks of the ", members.size(),
                                                 " members take 2 GB or more together, which is over protobuf's limit "
                                                 "for an ONNX file. Take fewer members"));
  }

  onnx::ModelProto model;
  model.set_ir_version(members[0].ir_version());
  model.set_producer_name(members[0].producer_name());
  *model.mutable_opset_import() = members[0].opset_import();
  for (const auto& [key, value] : metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("ensemble");
  *graph.mutable_input() =
      std::ranges::max_element(members, {}, [](const onnx::ModelProto& member) { return member.graph().input_size(); })
          ->graph()
          .input();
  *graph.mutable_output() = members[0].graph().output();
  onnx::ValueInfoProto& output = *graph.add_output();
  output = members[0].graph().output(0);
  output.set_name("member_logits");
  onnx::TensorShapeProto& shape = *output.mutable_type()->mutable_tensor_type()->mutable_shape();
  const onnx::TensorShapeProto::Dimension classes = shape.dim(1);
  shape.mutable_dim(1)->set_dim_value(static_cast<int64_t>(members.size()));
  *shape.add_dim() = classes;

  std::vector<std::string> logits, probabilities, rows;
  const std::string axis = AddConstant(graph, "axis_of_members", std::vector<int64_t>{1});
  for (size_t i = 0; i < members.size(); ++i) {
    const std::string prefix = absl::StrCat("member", i + 1, "/");
    ECG_RETURN_IF_ERROR(merge_internal::AddMember(members[i].graph(), prefix, graph));
    logits.push_back(prefix + "logits");
    probabilities.push_back(prefix + "probabilities");
    rows.push_back(prefix + "row");
    Add(graph, "Unsqueeze", {logits.back(), axis}, rows.back());
  }
  merge_internal::SetAxis(1, Add(graph, "Concat", rows, "member_logits"));
  if (mean.of == MembersMean::Of::kLogit) {
    Add(graph, "Mean", logits, "logits");
    onnx::NodeProto& node = Add(graph, mean.exclusive ? "Softmax" : "Sigmoid", {"logits"}, "probabilities");
    if (mean.exclusive) merge_internal::SetAxis(1, node);
    return model;
  }
  Add(graph, "Mean", probabilities, "probabilities");
  Add(graph, "Log", {"probabilities"}, "log_probability");
  std::string unlimited = "log_probability";
  if (!mean.exclusive) {
    Add(graph, "Sub", {AddConstant(graph, "one", 1.f), "probabilities"}, "complement");
    Add(graph, "Log", {"complement"}, "log_complement");
    Add(graph, "Sub", {"log_probability", "log_complement"}, "log_odds");
    unlimited = "log_odds";
  }
  // As in calibration.h; the logits of classes that exclude each other are further apart.
  const float limit = mean.exclusive ? 104.f : 17.f;
  Add(graph, "Clip", {unlimited, AddConstant(graph, "least", -limit), AddConstant(graph, "greatest", limit)}, "logits");
  return model;
}

}  // namespace ecg

#endif  // ECG_ONNX_MERGE_H_

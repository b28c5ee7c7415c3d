// export.h
//
// Exports a trained network to ONNX, for ONNX Runtime and others: amplitudes in mV in, logits and probabilities out. It
// works for any network whose traced operations operators.h translates.
//
//   ECG_RETURN_IF_ERROR(ExportOnnx("model.onnx", *network, MultiLabel::Probabilities,
//                                  {.leads = 12, .samples = 1250, .scaler = scaler, .metadata = {{"name", "mine"}}}));
//
// The graph has the input `signals` [batch, leads, samples] in mV and the outputs `logits` and `probabilities` [batch,
// classes], all float32. The batch size is dynamic.

#ifndef ECG_ONNX_EXPORT_H_
#define ECG_ONNX_EXPORT_H_

#include <onnx/onnx_pb.h>
#include <torch/types.h>

#include <array>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/corpus/scaler.h"
#include "ecg/file/file.h"
#include "ecg/model/demographics_layers.h"
#include "ecg/model/network.h"
#include "ecg/onnx/operators.h"
#include "ecg/onnx/trace.h"
#include "ecg/onnx/translation.h"
#include "ecg/signal/demographics.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// OnnxOptions describe the signals, and what goes into the file beside the network.
struct OnnxOptions {
  int leads = 0;
  int samples = 0;
  // scaler standardises the signals, inside the graph.
  Scaler scaler;
  // metadata becomes the file's metadata_props.
  std::map<std::string, std::string> metadata = {};
};

namespace export_internal {

// SetBatch sets the name of `value`, and its type to float32 [batch, `sizes`...].
inline void SetBatch(const std::string& name, std::vector<int64_t> sizes, onnx::ValueInfoProto& value) {
  sizes.insert(sizes.begin(), -1);
  SetFloats(name, sizes, value);
  value.mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(0)->set_dim_param("batch");
}

}  // namespace export_internal

// OnnxModel translates `network` in evaluation mode, followed by `probabilities`, which maps logits [B, K] to
// probabilities [B, K]. It leaves the network in evaluation mode. An unsupported operation is an UnimplementedError
// that names it.
inline absl::StatusOr<onnx::ModelProto> OnnxModel(
    Network& network, const std::function<torch::Tensor(const torch::Tensor&)>& probabilities,
    const OnnxOptions& options) {
  network.eval();
  int64_t classes = 0;
  const auto predict = [&](const std::vector<torch::Tensor>& inputs) -> std::vector<torch::Tensor> {
    const Scaler& scaler = options.scaler;
    const torch::Tensor& signals_mv = inputs[0];
    const torch::Tensor logits = network.Forward({(signals_mv - scaler.mean_mv) / scaler.standard_deviation_mv,
                                                  inputs.size() > 1 ? inputs[1] : torch::Tensor()});
    classes = logits.size(1);
    return {logits, probabilities(logits)};
  };
  const auto trace = [&](int batch) {
    const std::vector<torch::Tensor> weights = network.parameters();
    const torch::Device device = weights.empty() ? torch::kCPU : weights[0].device();
    std::vector<torch::Tensor> inputs = {torch::zeros({batch, options.leads, options.samples}, device)};
    if (network.ReadsDemographics()) inputs.push_back(MissingDemographics(batch, device));
    return TraceOf(network, inputs, predict);
  };
  std::array<Trace, 2> traces;
  try {
    traces = {trace(2), trace(3)};
  } catch (const c10::Error& error) {
    return absl::UnimplementedError(
        absl::StrCat("LibTorch cannot trace the network: ", error.what_without_backtrace()));
  }

  onnx::ModelProto model;
  model.set_ir_version(kOnnxFormat);
  model.set_producer_name("ecg");
  model.add_opset_import()->set_version(kOnnxOperators);
  for (const auto& [key, value] : options.metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("network");
  const std::vector<std::string> outputs = {"logits", "probabilities"};
  export_internal::SetBatch(Translation::kInputs[0], {options.leads, options.samples}, *graph.add_input());
  if (network.ReadsDemographics()) {
    export_internal::SetBatch(Translation::kInputs[1], {kDemographicNumbers}, *graph.add_input());
  }
  for (const std::string& output : outputs) export_internal::SetBatch(output, {classes}, *graph.add_output());
  ECG_RETURN_IF_ERROR(TranslateAll(traces, outputs, graph));
  return model;
}

// ExportOnnx writes OnnxModel to `path` atomically.
inline absl::Status ExportOnnx(const std::filesystem::path& path, Network& network,
                               const std::function<torch::Tensor(const torch::Tensor&)>& probabilities,
                               const OnnxOptions& options) {
  ECG_ASSIGN_OR_RETURN(const onnx::ModelProto model, OnnxModel(network, probabilities, options));
  // Protobuf's limit; a larger network would need its weights in external files.
  constexpr size_t kMostBytes = size_t{1} << 31;
  if (model.ByteSizeLong() >= kMostBytes) {
    return absl::UnimplementedError("the network takes 2 GB or more, which is over protobuf's limit for an ONNX file");
  }
  return WriteFile(path, model.SerializeAsString());
}

}  // namespace ecg

#endif  // ECG_ONNX_EXPORT_H_

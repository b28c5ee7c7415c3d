// Exports the published networks to ONNX, each with signals and LibTorch's logits for them, for bench/onnxruntime.js to
// compare and to time:
//
//   bazel run //bench:onnx_networks -- --output_dir=/tmp/onnx resnet1d-18 xresnet1d101
//   NODE_PATH=/tmp/ort/node_modules node bench/onnxruntime.js compare /tmp/onnx
//
// Weights and signals are random.

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/model/any_network.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/onnx/export.h"
#include "ecg/parity/reference_models.h"
#include "ecg/signal/lead.h"
#include "ecg/status/status_macros.h"

namespace {

constexpr int kSamples = 1250, kClasses = 71;

// WriteNetwork writes NAME.onnx, and NAME.safetensors with `signals` in mV and their `logits`.
absl::Status WriteNetwork(const ecg::ReferenceModel& reference, const std::filesystem::path& folder) {
  torch::manual_seed(1);
  ECG_ASSIGN_OR_RETURN(const std::shared_ptr<ecg::Network> network,
                       ecg::AnyNetwork(ecg::SpecOf(reference), ecg::kLeads, kClasses));
  // A few batches move the running statistics away from their initial values, but not quite to those of the signals:
  // with random weights, many layers of exact normalisation amplify rounding errors arbitrarily.
  const torch::NoGradGuard no_grad;
  network->train();
  for (int i = 0; i < 3; ++i) network->forward(torch::randn({8, ecg::kLeads, kSamples}));

  const ecg::OnnxOptions options = {
      .leads = ecg::kLeads, .samples = kSamples, .scaler = {.mean_mv = -0.001, .standard_deviation_mv = 0.24}};
  const std::string name(reference.name);
  ECG_RETURN_IF_ERROR(ecg::ExportOnnx(folder / (name + ".onnx"), *network, &torch::sigmoid, options));
  // Another batch size than the traced ones.
  const torch::Tensor signals_mv = options.scaler.standard_deviation_mv * torch::randn({5, ecg::kLeads, kSamples});
  network->eval();
  const torch::Tensor logits =
      network->forward((signals_mv - options.scaler.mean_mv) / options.scaler.standard_deviation_mv);
  return ecg::WriteTensors(folder / (name + ".safetensors"), {{"signals", signals_mv}, {"logits", logits}});
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names;
  std::string output_dir;
  CLI::App app("Writes published networks, with random weights, as ONNX files.");
  app.add_option("NAME", names, "Published names of the networks; default all");
  app.add_option("--output_dir", output_dir, "Folder for the files")->required()->type_name("FOLDER");
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  const std::filesystem::path folder = ecg::UserPath(output_dir);
  absl::Status status = ecg::MakeDirectories(folder);
  for (const ecg::ReferenceModel& reference : ecg::kReferenceModels) {
    if (!names.empty() && std::find(names.begin(), names.end(), reference.name) == names.end()) continue;
    if (status.ok()) status = ecg::WithContext(WriteNetwork(reference, folder), reference.name);
  }
  return ecg::ExitStatus(status);
}

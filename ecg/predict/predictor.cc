#include "ecg/predict/predictor.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/standardise.h"
#include "ecg/batch/window.h"
#include "ecg/device/autocast.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/evaluation/predict.h"
#include "ecg/experiment/recipe.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/predict/explanation.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/run_folder.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace ecg {

struct Predictor::Model {
  ModelMetadata metadata;
  Device device;
  WindowOptions windows;
  std::shared_ptr<Network> network;
  std::unique_ptr<AnyObjective> objective;
  std::unique_ptr<AnyAggregation> aggregation;

  // Inputs returns the windows `segments`, standardised, float32 [windows, C, L] on the CPU.
  torch::Tensor Inputs(std::span<const Signal> signals, std::span<const Segment> segments) const {
    torch::Tensor batch = torch::empty({static_cast<int64_t>(segments.size()), kLeads, windows.samples});
    float* out = batch.data_ptr<float>();
    for (const auto& [row, start] : segments) {
      for (int lead = 0; lead < kLeads; ++lead, out += windows.samples) {
        StandardiseLead(signals[row].lead(lead), signals[row].calibration[lead], metadata.scaler, start,
                        windows.samples, out);
      }
    }
    return batch;
  }

  // Forward returns the logits of `inputs`, float32 [windows, K] on the CPU.
  torch::Tensor Forward(const torch::Tensor& inputs) const {
    return network->forward(ToDeviceLayout(inputs.to(device.torch), device))
        .to(torch::kCPU, torch::kFloat32)
        .contiguous();
  }

  // Logits returns those of the windows `segments`, in the run's precision, float32 [windows, K] on the CPU.
  torch::Tensor Logits(std::span<const Signal> signals, std::span<const Segment> segments) const {
    const Autocast autocast(device);
    return Forward(Inputs(signals, segments));
  }

  // Probabilities returns those of all signals, float32 [signals, K].
  torch::Tensor Probabilities(std::span<const Signal> signals) const {
    const torch::InferenceMode inference;
    SegmentList all;
    for (int row = 0; row < static_cast<int>(signals.size()); ++row) {
      for (const int start : WindowStarts(signals[row].samples, windows.samples, windows.stride)) {
        all.segments.push_back({row, start});
      }
    }
    RecordLogits records(all, *aggregation);
    const std::span<const Segment> segments = all.segments;
    // As in the run's own test.
    const bool by_record = metadata.depends_on_batch || device.torch.is_cpu();
    const size_t most = metadata.depends_on_batch ? segments.size() : windows.batch_windows;
    for (size_t first = 0, end = 0; first < segments.size(); first = end) {
      const auto fits = [&] { return !by_record || segments[end].row == segments[first].row; };
      while (end < segments.size() && end < first + most && fits()) ++end;
      records.Add(Logits(signals, segments.subspan(first, end - first)));
    }
    return ProbabilitiesOf(*objective, records.Take());
  }

  // Explain returns the integrated gradients of the logit of class `k`: the gradient at so many steps on the straight
  // line from a flat signal, times the signal, by the midpoint rule. Windows are explained together, through what
  // aggregates them.
  Explanation Explain(const Signal& signal, int k, int steps) const {
    SegmentList all;
    for (const int start : WindowStarts(signal.samples, windows.samples, windows.stride))
      all.segments.push_back({0, start});
    const int64_t count = all.size(), most = metadata.depends_on_batch ? count : windows.batch_windows;
    const torch::Tensor inputs = Inputs(std::span(&signal, 1), all.segments);
    // The logit on the line, and its gradient by those of the windows, [windows, classes].
    const auto logit_at = [&](double share) {
      std::vector<torch::Tensor> parts;
      {
        const torch::NoGradGuard no_grad;
        for (const torch::Tensor& part : inputs.split(most)) parts.push_back(Forward(part * share));
      }
      const torch::Tensor logits = torch::cat(parts).requires_grad_();
      const torch::Tensor logit = aggregation->AggregateAll(logits, {count})[0][k];
      return std::pair(logit.item<double>(), torch::autograd::grad({logit}, {logits})[0]);
    };
    Explanation explanation = {.leads = kLeads, .logit = logit_at(1).first, .flat_logit = logit_at(0).first};
    torch::Tensor sum = torch::zeros_like(inputs);
    for (int step = 0; step < steps; ++step) {
      const double share = (step + 0.5) / steps;
      const std::vector<torch::Tensor> weights = logit_at(share).second.split(most);
      std::vector<torch::Tensor> gradients;
      for (const torch::Tensor& part : inputs.split(most)) {
        const torch::Tensor scaled = (part * share).requires_grad_();
        gradients.push_back(torch::autograd::grad({Forward(scaled)}, {scaled}, {weights[gradients.size()]})[0]);
      }
      sum += torch::cat(gradients) * inputs / steps;
    }
    explanation.contributions.resize(static_cast<size_t>(kLeads) * signal.samples);
    const auto added = sum.accessor<float, 3>();
    for (int64_t window = 0; window < count; ++window) {
      const int start = all.segments[window].start, end = std::min(start + windows.samples, signal.samples);
      for (int lead = 0; lead < kLeads; ++lead) {
        float* const out = &explanation.contributions[static_cast<size_t>(lead) * signal.samples];
        for (int i = start; i < end; ++i) out[i] += added[window][lead][i - start];
      }
    }
    const double difference = explanation.logit - explanation.flat_logit;
    explanation.missing = difference - sum.sum().item<double>();
    return explanation;
  }
};

Predictor::Predictor(std::shared_ptr<const Model> loaded) : loaded_(std::move(loaded)) {}

absl::StatusOr<spec::Experiment> Predictor::ReadSpec(const std::filesystem::path& run) {
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, RunFolder(run).ReadSpec());
  if (!spec.training().has_self_supervised()) return spec;
  return absl::InvalidArgumentError(absl::StrCat("the run in ", run.string(),
                                                 " was trained without labels, so that it predicts no classes. "
                                                 "Fine-tune it, with training.start_from, and pass that run"));
}

absl::StatusOr<Predictor> Predictor::Load(const std::filesystem::path& run, const Recipe& recipe,
                                          const PredictorOptions& options) {
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, ReadSpec(run));
  return Make(run, std::move(spec), recipe, options);
}

absl::StatusOr<Predictor> Predictor::Make(const std::filesystem::path& run, spec::Experiment spec, const Recipe& recipe,
                                          const PredictorOptions& options) {
  const RunFolder folder(run);
  auto model = std::make_shared<Model>();
  ECG_ASSIGN_OR_RETURN(model->metadata, ModelMetadata::Read(folder.model()));
  spec.mutable_runtime()->set_device(options.device);
  spec.mutable_runtime()->set_fall_back_to_cpu(false);
  ECG_ASSIGN_OR_RETURN(model->device, ChooseDevice(spec.runtime()));
  if (options.batch_windows > 0) spec.mutable_evaluation()->set_batch_windows(options.batch_windows);
  model->windows = WindowOptionsOf(spec, model->metadata.sampling_frequency_hz);
  model->windows.batch_windows = BatchWindows(model->windows.batch_windows, model->device);

  const std::vector<std::string>& classes = model->metadata.classes;
  model->network = recipe.make_network(spec.model(), kLeads, static_cast<int>(classes.size()));
  ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors(folder.model()));
  ECG_RETURN_IF_ERROR(WithContext(LoadState(weights, StateOf(*model->network)), folder.model().string()));
  MoveNetwork(*model->network, model->device);
  model->network->eval();
  // A loss may weigh classes by the training labels; probabilities do not depend on them.
  ECG_ASSIGN_OR_RETURN(model->objective,
                       recipe.make_objective(spec.training(), {classes, std::vector<int64_t>(classes.size(), 1), 2}));
  ECG_ASSIGN_OR_RETURN(model->aggregation, recipe.aggregations.Make(spec.evaluation(), {model->objective.get()}));
  return Predictor(std::move(model));
}

const ModelMetadata& Predictor::model() const { return loaded_->metadata; }

absl::Status Predictor::Check(const Signal& signal) const {
  const int expected_hz = model().sampling_frequency_hz;
  if (signal.sampling_frequency_hz != expected_hz) {
    return absl::InvalidArgumentError(absl::StrCat("the signal has ", signal.sampling_frequency_hz,
                                                   " Hz, but the model reads ", expected_hz, " Hz; resample it"));
  }
  if (signal.samples >= loaded_->windows.samples) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat("the signal has %.2f s, but the model reads windows of %.2f s",
                                                    static_cast<double>(signal.samples) / expected_hz,
                                                    static_cast<double>(loaded_->windows.samples) / expected_hz));
}

absl::StatusOr<std::vector<float>> Predictor::Predict(const Signal& signal) const {
  return PredictAll(std::span(&signal, 1));
}

absl::StatusOr<std::vector<float>> Predictor::PredictAll(std::span<const Signal> signals) const {
  for (const Signal& signal : signals) ECG_RETURN_IF_ERROR(Check(signal));
  if (signals.empty()) return std::vector<float>();
  try {
    const torch::Tensor probabilities = loaded_->Probabilities(signals);
    const float* const first = probabilities.data_ptr<float>();
    return std::vector<float>(first, first + probabilities.numel());
  } catch (const c10::Error& error) {
    return StatusOf(error, "predicting", loaded_->device.torch,
                    absl::StrCat("Lower the number of windows in a batch, which is ", loaded_->windows.batch_windows));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("predicting: ", error.what()));
  }
}

absl::StatusOr<Explanation> Predictor::Explain(const Signal& signal, int class_index) const {
  ECG_RETURN_IF_ERROR(Check(signal));
  if (class_index < 0 || class_index >= static_cast<int>(model().classes.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no class number ", class_index, "; the model has ", model().classes.size()));
  }
  try {
    for (int steps = 32;; steps *= 4) {
      Explanation explanation = loaded_->Explain(signal, class_index, steps);
      const double tolerated = std::max(0.02 * std::abs(explanation.logit - explanation.flat_logit), 0.02);
      if (std::abs(explanation.missing) <= tolerated || steps >= 512) return explanation;
    }
  } catch (const c10::Error& error) {
    return StatusOf(error, "explaining", loaded_->device.torch,
                    absl::StrCat("Lower the number of windows in a batch, which is ", loaded_->windows.batch_windows));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("explaining: ", error.what()));
  }
}

}  // namespace ecg

#include "ecg/predict/predictor.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/standardise.h"
#include "ecg/batch/window.h"
#include "ecg/corpus/preprocessor.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/device/side_by_side.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/evaluation/feature_space.h"
#include "ecg/evaluation/predict.h"
#include "ecg/evaluation/record_features.h"
#include "ecg/experiment/recipe.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/predict/explanation.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/run_folder.h"
#include "ecg/score/mean_of_members.h"
#include "ecg/score/unlikeness.h"
#include "ecg/signal/demographics.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Network is the network of one run.
struct Predictor::Network {
  ModelMetadata metadata;
  Preprocessor preprocessor;
  Device device;
  WindowOptions windows;
  std::shared_ptr<ecg::Network> network;
  std::unique_ptr<AnyObjective> objective;
  std::unique_ptr<AnyAggregation> aggregation;
  // Where the training records are, if the run says so, and what makes one of the features of a signal's windows.
  std::optional<FeatureSpace> features;
  std::unique_ptr<AnyAggregation> mean = Aggregations::Erase(MeanLogit());

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

  static torch::Tensor OnCpu(const torch::Tensor& tensor) {
    return tensor.to(torch::kCPU, torch::kFloat32).contiguous();
  }

  // DemographicsOf returns what is known of the patient of each window, float32 [windows, 8] on the device; undefined
  // where the network does not read it.
  torch::Tensor DemographicsOf(std::span<const Signal> signals, std::span<const Segment> segments) const {
    if (!metadata.reads_demographics) return {};
    torch::Tensor demographics = torch::empty({static_cast<int64_t>(segments.size()), kDemographicNumbers});
    float* out = demographics.data_ptr<float>();
    for (const auto& [row, start] : segments) out = std::ranges::copy(signals[row].demographics.ToNumbers(), out).out;
    return demographics.to(device.torch);
  }

  // Forward returns the logits of `inputs` and `demographics`, float32 [windows, K] on the CPU.
  torch::Tensor Forward(const torch::Tensor& inputs, const torch::Tensor& demographics) const {
    return OnCpu(network->Forward({ToDeviceLayout(inputs.to(device.torch), device), demographics}));
  }

  // Outputs returns the logits of the windows `segments`, float32 [windows, K], and the features where they are needed,
  // float32 [windows, F], in the run's precision, on the CPU.
  LogitsAndFeatures Outputs(std::span<const Signal> signals, std::span<const Segment> segments) const {
    const torch::Tensor inputs = Inputs(signals, segments), demographics = DemographicsOf(signals, segments);
    if (!features) return {Forward(inputs, demographics), {}};
    const LogitsAndFeatures outputs =
        network->ForwardWithFeatures({ToDeviceLayout(inputs.to(device.torch), device), demographics});
    return {OnCpu(outputs.logits), OnCpu(outputs.features)};
  }

  // PredictAll returns what the network says of all signals.
  absl::StatusOr<std::vector<Prediction>> PredictAll(std::span<const Signal> signals) const {
    const torch::InferenceMode inference;
    std::vector<Signal> preprocessed;
    if (preprocessor.ChangesAmplitudes()) {
      for (const Signal& signal : signals) {
        ECG_ASSIGN_OR_RETURN(preprocessed.emplace_back(), preprocessor.Apply(signal));
      }
      signals = preprocessed;
    }
    SegmentList all;
    for (int row = 0; row < static_cast<int>(signals.size()); ++row) {
      for (const int start : WindowStarts(signals[row].samples, windows.samples, windows.stride)) {
        all.segments.push_back({row, start});
      }
    }
    std::vector<std::span<const Segment>> batches;
    const std::span<const Segment> segments = all.segments;
    // As in the run's own test.
    const bool by_record = metadata.depends_on_batch || device.torch.is_cpu();
    const size_t most = metadata.depends_on_batch ? segments.size() : windows.batch_windows;
    for (size_t first = 0, end = 0; first < segments.size(); first = end) {
      const auto fits = [&] { return !by_record || segments[end].row == segments[first].row; };
      while (end < segments.size() && end < first + most && fits()) ++end;
      batches.push_back(segments.subspan(first, end - first));
    }
    std::vector<LogitsAndFeatures> outputs(batches.size());
    ForEachSideBySide(device, static_cast<int>(batches.size()),
                      [&](int i) { outputs[i] = Outputs(signals, batches[i]); });
    RecordLogits records(all, *aggregation), record_features(all, *mean);
    for (const LogitsAndFeatures& batch : outputs) {
      records.Add(batch.logits);
      if (features) record_features.Add(batch.features);
    }
    std::vector<Prediction> predictions(signals.size());
    const torch::Tensor probabilities = ProbabilitiesOf(*objective, records.Take());
    const float* from = probabilities.data_ptr<float>();
    for (Prediction& prediction : predictions) {
      prediction.probabilities.assign(from, from + probabilities.size(1));
      from += probabilities.size(1);
    }
    if (features) {
      const std::vector<Unlikeness> unlikeness = features->Compare(record_features.Take());
      for (size_t i = 0; i < predictions.size(); ++i) predictions[i].unlikeness = unlikeness[i];
    }
    return predictions;
  }

  // CheckFeatures refuses a file of features that the network does not have.
  absl::Status CheckFeatures(const std::filesystem::path& path) const {
    if (FeatureDim(*network, kLeads, windows.samples, device) == features->feature_dim()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(path.string(), " is of another network, with ",
                                                   features->feature_dim(), " features. Delete it, and predictions do ",
                                                   "not tell how unlike the training records a recording is"));
  }

  // Explain returns the integrated gradients, of a preprocessed signal, of the logit of class `k`: the gradient at so
  // many steps on the straight line from a flat signal, times the signal, by the midpoint rule. Windows are explained
  // together, through what aggregates them.
  Explanation Explain(const Signal& signal, int k, int steps) const {
    SegmentList all;
    for (const int start : WindowStarts(signal.samples, windows.samples, windows.stride))
      all.segments.push_back({0, start});
    const int64_t count = all.size(), most = metadata.depends_on_batch ? count : windows.batch_windows;
    const torch::Tensor inputs = Inputs(std::span(&signal, 1), all.segments);
    // The windows are of one patient, so that any number of them has the first ones.
    const torch::Tensor of_windows = DemographicsOf(std::span(&signal, 1), all.segments);
    const auto forward = [&](const torch::Tensor& part) {
      return Forward(part, of_windows.defined() ? of_windows.narrow(0, 0, part.size(0)) : torch::Tensor());
    };
    // The logit on the line, and its gradient by those of the windows, [windows, classes].
    const auto logit_at = [&](double share) {
      std::vector<torch::Tensor> parts;
      {
        const torch::NoGradGuard no_grad;
        for (const torch::Tensor& part : inputs.split(most)) parts.push_back(forward(part * share));
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
        gradients.push_back(torch::autograd::grad({forward(scaled)}, {scaled}, {weights[gradients.size()]})[0]);
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

struct Predictor::Model {
  // metadata is that of the run or of the ensemble.
  ModelMetadata metadata;
  // The one network of a run, or the members of an ensemble.
  std::vector<std::unique_ptr<const Network>> networks;
  MembersMean mean;

  // The longest window.
  int window_samples() const {
    int samples = 0;
    for (const auto& network : networks) samples = std::max(samples, network->windows.samples);
    return samples;
  }

  // CheckForm refuses a signal of another rate, and one that is too short.
  absl::Status CheckForm(const Signal& signal) const {
    const int expected_hz = metadata.sampling_frequency_hz;
    if (signal.sampling_frequency_hz != expected_hz) {
      return absl::InvalidArgumentError(absl::StrCat("the signal has ", signal.sampling_frequency_hz,
                                                     " Hz, but the model reads ", expected_hz, " Hz; resample it"));
    }
    const int window = window_samples();
    if (signal.samples >= window) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrFormat("the signal has %.2f s, but the model reads windows of %.2f s",
                                                      static_cast<double>(signal.samples) / expected_hz,
                                                      static_cast<double>(window) / expected_hz));
  }

  // What to do where the memory of the device is too small.
  std::string HowToSaveMemory() const {
    return absl::StrCat("Lower the number of windows in a batch, which is ", networks[0]->windows.batch_windows);
  }

  // PredictAll returns what the model says of all signals.
  absl::StatusOr<std::vector<Prediction>> PredictAll(std::span<const Signal> signals) const {
    std::vector<std::vector<Prediction>> all;
    for (const auto& network : networks) {
      ECG_ASSIGN_OR_RETURN(all.emplace_back(), network->PredictAll(signals));
    }
    std::vector<Prediction> predictions = std::move(all[0]);
    if (all.size() == 1) return predictions;
    for (size_t i = 0; i < predictions.size(); ++i) {
      std::vector<std::span<const float>> members = {predictions[i].probabilities};
      for (size_t member = 1; member < all.size(); ++member) members.push_back(all[member][i].probabilities);
      predictions[i].probabilities = MeanOfMembers(members, mean);
    }
    return predictions;
  }

  // Explain returns the mean of what the networks explain.
  absl::StatusOr<Explanation> Explain(const Signal& recorded, int k) const {
    Explanation mean;
    for (const auto& network : networks) {
      ECG_ASSIGN_OR_RETURN(const Signal signal, network->preprocessor.Apply(recorded));
      Explanation one;
      for (int steps = 32;; steps *= 4) {
        one = network->Explain(signal, k, steps);
        const double tolerated = std::max(0.02 * std::abs(one.logit - one.flat_logit), 0.02);
        if (std::abs(one.missing) <= tolerated || steps >= 512) break;
      }
      if (networks.size() == 1) return one;
      const auto count = static_cast<float>(networks.size());
      mean.leads = one.leads;
      mean.contributions.resize(one.contributions.size());
      for (size_t i = 0; i < one.contributions.size(); ++i) mean.contributions[i] += one.contributions[i] / count;
      mean.logit += one.logit / count;
      mean.flat_logit += one.flat_logit / count;
      mean.missing += one.missing / count;
    }
    return mean;
  }
};

Predictor::Predictor(std::shared_ptr<const Model> loaded) : loaded_(std::move(loaded)) {}

absl::StatusOr<Predictor> Predictor::Load(const std::filesystem::path& run, const Recipe& recipe,
                                          const PredictorOptions& options) {
  const auto recipe_of = [&recipe](const std::filesystem::path&, const spec::Experiment&) -> absl::StatusOr<Recipe> {
    return recipe;
  };
  return Open(run, recipe_of, options);
}

absl::StatusOr<Predictor> Predictor::Open(const std::filesystem::path& run, const RecipeOf& recipe_of,
                                          const PredictorOptions& options) {
  const RunFolder folder(run);
  ECG_ASSIGN_OR_RETURN(const spec::Experiment spec, folder.ReadSpec());
  auto model = std::make_shared<Model>();
  ECG_ASSIGN_OR_RETURN(model->metadata, ModelMetadata::Read(folder.model()));
  if (model->metadata.members < 1) {
    ECG_ASSIGN_OR_RETURN(model->networks.emplace_back(), OpenNetwork(run, recipe_of, options));
    return Predictor(std::move(model));
  }
  ECG_ASSIGN_OR_RETURN(model->mean.of, MembersMeanOf(model->metadata.members_mean));
  model->mean.classes = model->metadata.classes.size();
  model->mean.exclusive = spec.training().has_multi_class();
  for (int number = 1; number <= model->metadata.members; ++number) {
    const std::filesystem::path member = folder.member(number).path();
    ECG_ASSIGN_OR_RETURN(model->networks.emplace_back(), OpenNetwork(member, recipe_of, options));
    if (model->networks.back()->metadata.classes == model->metadata.classes) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(member.string(), " has other classes than the ensemble. Make the ensemble again"));
  }
  return Predictor(std::move(model));
}

absl::StatusOr<std::unique_ptr<const Predictor::Network>> Predictor::OpenNetwork(const std::filesystem::path& run,
                                                                                 const RecipeOf& recipe_of,
                                                                                 const PredictorOptions& options) {
  const RunFolder folder(run);
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, folder.ReadSpecWithClasses());
  ECG_ASSIGN_OR_RETURN(const Recipe recipe, recipe_of(run, spec));
  auto model = std::make_unique<Network>();
  ECG_ASSIGN_OR_RETURN(model->metadata, ModelMetadata::Read(folder.model()));
  spec.mutable_runtime()->set_device(options.device);
  spec.mutable_runtime()->set_fall_back_to_cpu(false);
  ECG_ASSIGN_OR_RETURN(model->device, ChooseDevice(spec.runtime()));
  if (options.batch_windows > 0) spec.mutable_evaluation()->set_batch_windows(options.batch_windows);
  model->windows = WindowOptionsOf(spec, model->metadata.sampling_frequency_hz);
  model->windows.batch_windows = BatchWindows(model->windows.batch_windows, model->device);

  ECG_ASSIGN_OR_RETURN(model->preprocessor,
                       Preprocessor::Make(spec.data().preprocessing(), model->metadata.sampling_frequency_hz));

  const std::vector<std::string>& classes = model->metadata.classes;
  model->network = recipe.MakeNetwork(spec.model(), kLeads, static_cast<int>(classes.size()));
  ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors(folder.model()));
  ECG_RETURN_IF_ERROR(WithContext(LoadState(weights, StateOf(*model->network)), folder.model().string()));
  MoveNetwork(*model->network, model->device);
  model->network->eval();
  // A loss may weigh classes by the training labels; probabilities do not depend on them.
  ECG_ASSIGN_OR_RETURN(model->objective,
                       recipe.make_objective(spec.training(), {classes, std::vector<int64_t>(classes.size(), 1), 2}));
  ECG_ASSIGN_OR_RETURN(model->aggregation, recipe.aggregations.Make(spec.evaluation(), {model->objective.get()}));
  // A run of an older version, or of a network without features, does not have the file.
  if (std::error_code error; std::filesystem::exists(folder.features(), error)) {
    ECG_ASSIGN_OR_RETURN(model->features, FeatureSpace::Read(folder.features()));
    ECG_RETURN_IF_ERROR(model->CheckFeatures(folder.features()));
  }
  return model;
}

const ModelMetadata& Predictor::model() const { return loaded_->metadata; }

absl::Status Predictor::Check(const Signal& signal) const {
  ECG_RETURN_IF_ERROR(loaded_->CheckForm(signal));
  for (const auto& network : loaded_->networks) {
    if (!network->preprocessor.ChangesAmplitudes()) continue;
    ECG_RETURN_IF_ERROR(WithContext(network->preprocessor.Apply(signal).status(), "after the model's preprocessing"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> Predictor::Predict(const Signal& signal) const {
  ECG_ASSIGN_OR_RETURN(std::vector<Prediction> predictions, PredictAll(std::span(&signal, 1)));
  return std::move(predictions[0].probabilities);
}

absl::StatusOr<std::vector<Prediction>> Predictor::PredictAll(std::span<const Signal> signals) const {
  for (const Signal& signal : signals) ECG_RETURN_IF_ERROR(loaded_->CheckForm(signal));
  if (signals.empty()) return std::vector<Prediction>();
  try {
    return loaded_->PredictAll(signals);
  } catch (const std::exception& error) {
    return StatusOf(error, "predicting", loaded_->networks[0]->device.torch, loaded_->HowToSaveMemory());
  }
}

absl::StatusOr<Explanation> Predictor::Explain(const Signal& signal, int class_index) const {
  ECG_RETURN_IF_ERROR(loaded_->CheckForm(signal));
  if (class_index < 0 || class_index >= static_cast<int>(model().classes.size())) {
    return absl::InvalidArgumentError(
        absl::StrCat("there is no class number ", class_index, "; the model has ", model().classes.size()));
  }
  try {
    return loaded_->Explain(signal, class_index);
  } catch (const std::exception& error) {
    return StatusOf(error, "explaining", loaded_->networks[0]->device.torch, loaded_->HowToSaveMemory());
  }
}

}  // namespace ecg

// model_parity.h
//
// Parity of networks with the reference's, on the same weights and signals: number of parameters, names and shapes of
// the state, logits, loss and gradients; and of a short training.
//
// Each network computes twice: in LibTorch's plain layout, and as in an experiment, in the memory layout of the device:
// on a CPU channels last, with Winograd's convolutions and fused norms. The reference's results are those of evaluation
// mode. The gradients of training mode, as an experiment computes them, are compared with those of the same network in
// float64 in the plain layout.

#ifndef ECG_PARITY_MODEL_PARITY_H_
#define ECG_PARITY_MODEL_PARITY_H_

#include <torch/nn/modules/batchnorm.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/parity/deterministic.h"
#include "ecg/parity/json_file.h"
#include "ecg/parity/reference_models.h"
#include "ecg/parity/row.h"
#include "ecg/signal/lead.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/adam.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/update_rule.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"

namespace ecg {

// NumbersOf returns the elements of `tensor` in C order.
inline std::vector<double> NumbersOf(const torch::Tensor& tensor) {
  const torch::Tensor flat = tensor.detach().to(torch::kFloat64).contiguous().view(-1);
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

// The records and classes of the reference's results.
inline constexpr int kParityBatch = 2, kParityClasses = 71;

// The samples, of all records together, of the batches that are computed as in an experiment: enough for Winograd's
// convolutions in the first two stages of a residual network.
inline constexpr int kParitySamples = 5000;

// NetworkMaker makes the network of a spec for so many leads and classes; AnyNetwork is one.
using NetworkMaker =
    std::function<absl::StatusOr<std::shared_ptr<Network>>(const spec::Model& model, int leads, int classes)>;

// ParityBatch is signals [B, 12, L], float32, and targets [B, 71].
struct ParityBatch {
  torch::Tensor signals, targets;
};

// MakeParityBatch returns the batch of `records` records that `name` stands for.
inline ParityBatch MakeParityBatch(const std::string& name, int records, int length) {
  return {DeterministicTensor(name, {records, kLeads, length}).to(torch::kFloat32),
          DeterministicTargets(name, {records, kParityClasses})};
}

// ComputePath is the way in which a network computes.
struct ComputePath {
  torch::Dtype type = torch::kFloat32;
  // The memory layout of an experiment on a CPU, rather than LibTorch's plain one.
  bool device_layout = false;
  // Batch norm in training mode. Dropout is off in any case: its random numbers depend on the layout.
  bool training = false;
};

// Answer is the output of a network for a batch: logits, loss, gradients by parameter, and the buffers afterwards.
struct Answer {
  std::vector<double> logits;
  double loss = 0;
  NamedTensors gradients, buffers;
};

// AnswerOf computes what `network` returns for `batch`. It leaves the buffers of the network as they were.
inline Answer AnswerOf(Network& network, const ParityBatch& batch, const ComputePath& path) {
  for (torch::Tensor& parameter : network.parameters()) parameter.mutable_grad() = torch::Tensor();
  network.to(path.type);
  network.eval();
  for (const auto& part : network.modules(/*include_self=*/false)) {
    if (part->as<BatchNorm1dImpl>() || part->as<torch::nn::BatchNorm1dImpl>()) part->train(path.training);
  }
  torch::Tensor signals = batch.signals.to(path.type);
  if (path.device_layout) {
    const Device device;
    MoveNetwork(network, device);
    signals = ToDeviceLayout(signals, device);
  } else {
    // With weights that are channels last, LibTorch's convolutions return that layout.
    for (torch::Tensor& parameter : network.parameters()) parameter.set_data(parameter.contiguous());
  }
  NamedTensors before;
  for (const auto& item : network.named_buffers()) before.emplace(item.key(), item.value().detach().clone());

  const torch::Tensor logits = network.forward(signals);
  const torch::Tensor loss = MultiLabel().Loss(logits, batch.targets.to(path.type));
  loss.backward();
  Answer answer{NumbersOf(logits), loss.item<double>(), {}, {}};
  for (const auto& item : network.named_parameters()) {
    const torch::Tensor& gradient = item.value().grad();
    answer.gradients[item.key()] = gradient.defined() ? gradient : torch::zeros_like(item.value());
  }
  const torch::NoGradGuard no_grad;
  for (const auto& item : network.named_buffers()) {
    answer.buffers[item.key()] = item.value().detach().clone();
    torch::Tensor(item.value()).copy_(before.at(item.key()));
  }
  return answer;
}

// NormsOf returns the L2 norms of `tensors`, each times `scale`.
inline std::map<std::string, double> NormsOf(const NamedTensors& tensors, double scale = 1) {
  std::map<std::string, double> norms;
  for (const auto& [name, tensor] : tensors) norms[name] = scale * tensor.to(torch::kFloat64).norm().item<double>();
  return norms;
}

// WorstError is the largest of several relative errors, and the name of the tensor.
struct WorstError {
  double error = 0;
  std::string name;

  void Add(double other, const std::string& other_name) {
    if (!(other <= error)) *this = {other, other_name};
  }
};

// WorstNormError returns the worst relative error of `ours` among the entries of `theirs`; infinity where one is
// missing.
inline WorstError WorstNormError(const std::map<std::string, double>& ours,
                                 const std::map<std::string, double>& theirs) {
  WorstError worst;
  for (const auto& [name, value] : theirs) {
    const auto found = ours.find(name);
    worst.Add(found == ours.end() ? INFINITY : RelativeError({found->second}, {value}), name);
  }
  return worst;
}

// WorstTensorError returns the worst error of `ours` among the tensors `exact`: the L2 norm of the difference, relative
// to that of the exact tensor, or to a thousandth of the largest norm of all tensors if that is larger. (The gradient
// of a bias before batch norm is zero or nearly so, a sum of terms that cancel.)
inline WorstError WorstTensorError(const NamedTensors& ours, const NamedTensors& exact) {
  const std::map<std::string, double> norms = NormsOf(exact);
  double largest = 0;
  for (const auto& [name, norm] : norms) largest = std::max(largest, norm);
  WorstError worst;
  for (const auto& [name, tensor] : exact) {
    const double difference = (ours.at(name).to(torch::kFloat64) - tensor.to(torch::kFloat64)).norm().item<double>();
    if (difference != 0) worst.Add(difference / std::max(norms.at(name), 1e-3 * largest), name);
  }
  return worst;
}

// RoundingError is how far apart two correct programs may be that compute in float32, as relative errors.
struct RoundingError {
  double logits = 0, loss = 0, gradients = 0;
};

// LossErrorOf returns how far logits that differ as `a` and `b` may move the loss `exact`: none of its derivatives by a
// logit is beyond one.
inline double LossErrorOf(const std::vector<double>& a, const std::vector<double>& b, double exact) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0, std::plus<>(),
                               [](double x, double y) { return std::abs(x - y); }) /
         exact;
}

// Perturbed returns `batch` with each sample multiplied by its own factor of up to 3e-5 from one. (One factor for all
// would leave the signs of a convolution's outputs as they are.)
inline ParityBatch Perturbed(const ParityBatch& batch, const std::string& name) {
  const torch::Tensor factors = 1 + 3e-5 * DeterministicTensor(name, batch.signals.sizes());
  return {(batch.signals * factors).to(torch::kFloat32), batch.targets};
}

// EstimateRounding estimates the rounding error of `network` for `batch` in float32, in the plain layout. Logits may be
// as far off as they are from those in float64, and the loss as far as such logits can move it. Where rounding decides
// whether an activation is above or below zero or a bound, the gradient jumps; so gradients may be as far off as those
// of perturbed batches. `network` is left in float64.
inline RoundingError EstimateRounding(Network& network, const ParityBatch& batch) {
  RoundingError rounding;
  const Answer answer = AnswerOf(network, batch, {});
  const std::map<std::string, double> norms = NormsOf(answer.gradients);
  for (const char* name : {"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"}) {
    const Answer other = AnswerOf(network, Perturbed(batch, name), {});
    rounding.gradients = std::max(rounding.gradients, WorstNormError(NormsOf(other.gradients), norms).error);
  }
  const Answer exact = AnswerOf(network, batch, {.type = torch::kFloat64});
  rounding.gradients = std::max(rounding.gradients, WorstNormError(norms, NormsOf(exact.gradients)).error);
  rounding.logits = RelativeError(answer.logits, exact.logits);
  rounding.loss = LossErrorOf(answer.logits, exact.logits, exact.loss);
  return rounding;
}

namespace model_parity_internal {

// The largest error of gradients that is allowed to any network.
inline constexpr double kMostGradients = 0.2;

// Most errors are below the first of each pair. A network may exceed it by four times its rounding error, up to the
// second.
inline double LogitsTolerance(double rounding) { return std::clamp(4 * rounding, 1e-4, 1e-3); }
inline double LossTolerance(double rounding) { return std::clamp(4 * rounding, 1e-5, 1e-4); }
inline double GradientTolerance(double rounding) { return std::clamp(4 * rounding, 1e-3, kMostGradients); }

// Repeated returns `numbers` `times` times.
inline std::vector<double> Repeated(const std::vector<double>& numbers, int times) {
  std::vector<double> repeated;
  for (int i = 0; i < times; ++i) repeated.insert(repeated.end(), numbers.begin(), numbers.end());
  return repeated;
}

}  // namespace model_parity_internal

// CompareState compares the number of parameters and the state of `network`, which is to be `reference`, with
// `expected`, an entry of models.json.
inline std::vector<ParityRow> CompareState(const ReferenceModel& reference, const Network& network,
                                           const nlohmann::json& expected) {
  std::map<std::string, std::vector<int64_t>> shapes, expected_shapes;
  for (const auto& [name, tensor] : StateOf(network)) shapes[name] = tensor.sizes().vec();
  for (const auto& entry : expected.at("state")) expected_shapes[entry.at(0)] = entry.at(1).get<std::vector<int64_t>>();
  double expected_parameters = expected.at("parameters").get<double>();
  if (!reference.fixed_tensor.empty()) {
    const auto size_of = [](const std::vector<int64_t>& shape) {
      return std::accumulate(shape.begin(), shape.end(), 1.0, std::multiplies<>());
    };
    const std::string fixed(reference.fixed_tensor.data(), reference.fixed_tensor.size());
    expected_parameters += size_of(shapes[fixed]) - size_of(expected_shapes[fixed]);
    expected_shapes[fixed] = shapes[fixed];
  }
  int differences = 0;
  for (const auto& [name, shape] : expected_shapes) differences += !shapes.contains(name) || shapes[name] != shape;
  for (const auto& [name, shape] : shapes) differences += !expected_shapes.contains(name);
  const std::string subject(reference.name.data(), reference.name.size());
  return {{subject, "parameters", std::abs(ParameterCount(network) - expected_parameters), 0, ""},
          {subject, "state", static_cast<double>(differences), 0, ""}};
}

// CompareEvaluation compares logits, loss and gradients of `network`, which is to be `reference`, in evaluation mode
// and float32 with `expected`, an entry of models.json, on signals of `length` samples: in the plain layout and, if
// `device_layout`, as in an experiment.
inline std::vector<ParityRow> CompareEvaluation(const ReferenceModel& reference, Network& network,
                                                const nlohmann::json& expected, const std::string& input_name,
                                                int length, bool device_layout) {
  using namespace model_parity_internal;  // NOLINT
  const std::string subject(reference.name.data(), reference.name.size());
  const ParityBatch batch = MakeParityBatch(input_name, kParityBatch, length);
  const auto logits = TableOf<double>(expected.at("logits"));
  const double loss = expected.at("loss").get<double>();
  const auto norms = expected.at("gradient_l2_norm").get<std::map<std::string, double>>();

  std::vector<ParityRow> rows;
  std::optional<RoundingError> estimate;
  // Compares `answer` for the batch, repeated `times` times.
  const auto compare = [&](const Answer& answer, int times, const std::string& path) {
    const double logits_error = RelativeError(answer.logits, Repeated(logits, times));
    const double loss_error = RelativeError({answer.loss / times}, {loss});
    const WorstError gradients = WorstNormError(NormsOf(answer.gradients, 1. / times), norms);
    const bool is_close = logits_error <= 1e-4 && loss_error <= 1e-5 && gradients.error <= 1e-3;
    if (!is_close && !estimate) estimate = EstimateRounding(network, batch);
    const RoundingError rounding = estimate.value_or(RoundingError());
    rows.push_back({subject, absl::StrCat("logits", path), logits_error, LogitsTolerance(rounding.logits), ""});
    rows.push_back({subject, absl::StrCat("loss", path), loss_error, LossTolerance(rounding.loss), ""});
    rows.push_back({subject, absl::StrCat("gradients", path, ", worst ", gradients.name), gradients.error,
                    GradientTolerance(rounding.gradients), ""});
  };
  compare(AnswerOf(network, batch, {}), 1, "");
  if (!device_layout) return rows;
  // Where attention runs along the batch, logits depend on its size.
  const spec::Model model = SpecOf(reference);
  const bool depends_on_batch =
      model.has_transformer() && model.transformer().attention_along() == spec::Transformer::BATCH;
  const int times = depends_on_batch ? 1 : std::max(1, kParitySamples / length / kParityBatch);
  const ParityBatch repeated = {batch.signals.repeat({times, 1, 1}), batch.targets.repeat({times, 1})};
  compare(AnswerOf(network, repeated, {.device_layout = true}), times, ", channels last");
  return rows;
}

// CompareTrainingMode compares logits, loss, gradients and running statistics of `network`, called `subject`, in
// training mode, as an experiment computes them in float32, with those in float64 in the plain layout. Like those of
// evaluation mode, they may be further off where rounding explains it, as the errors of float32 in the plain layout
// show.
inline std::vector<ParityRow> CompareTrainingMode(const std::string& subject, Network& network,
                                                  const std::string& input_name, int length) {
  using namespace model_parity_internal;  // NOLINT
  const ParityBatch batch =
      MakeParityBatch(absl::StrCat(input_name, ".training"), std::max(kParityBatch, kParitySamples / length), length);
  const Answer exact = AnswerOf(network, batch, {.type = torch::kFloat64, .training = true});
  const Answer answer = AnswerOf(network, batch, {.device_layout = true, .training = true});
  const double logits_error = RelativeError(answer.logits, exact.logits);
  const double loss_error = RelativeError({answer.loss}, {exact.loss});
  const WorstError gradients = WorstTensorError(answer.gradients, exact.gradients);
  const WorstError buffers = WorstTensorError(answer.buffers, exact.buffers);

  RoundingError rounding;
  double buffer_rounding = 0;
  if (!(logits_error <= 1e-4 && loss_error <= 1e-5 && gradients.error <= 1e-3 && buffers.error <= 1e-4)) {
    const Answer plain = AnswerOf(network, batch, {.training = true});
    rounding.logits = RelativeError(plain.logits, exact.logits);
    rounding.loss = LossErrorOf(plain.logits, exact.logits, exact.loss);
    rounding.gradients = WorstTensorError(plain.gradients, exact.gradients).error;
    buffer_rounding = WorstTensorError(plain.buffers, exact.buffers).error;
    for (const char* name : {"first", "second"}) {
      const Answer other = AnswerOf(network, Perturbed(batch, name), {.training = true});
      const double error = WorstTensorError(other.gradients, plain.gradients).error;
      rounding.gradients = std::max(rounding.gradients, std::min(error, kMostGradients / 4));
    }
  }
  std::vector<ParityRow> rows;
  // Adds a row with a tolerance of four times the rounding error, at least `least`. If float32 is further off than
  // `most` in the plain layout too, nothing can be compared.
  const auto add = [&](const std::string& what, const std::string& worst, double error, double float32_error,
                       double least, double most) {
    rows.push_back(
        {subject, absl::StrCat(what, " in training, channels last", worst), error,
         std::clamp(4 * float32_error, least, most),
         float32_error > most ? absl::StrFormat("float32 is off by %.1e in the plain layout", float32_error) : ""});
  };
  add("logits", "", logits_error, rounding.logits, 1e-4, 1e-2);
  add("loss", "", loss_error, rounding.loss, 1e-5, 1e-3);
  add("gradients", absl::StrCat(", worst ", gradients.name), gradients.error, rounding.gradients, 1e-3, kMostGradients);
  add("running statistics", absl::StrCat(", worst ", buffers.name), buffers.error, buffer_rounding, 1e-4, 1e-3);
  return rows;
}

// CompareModel compares `network`, which is to be `reference`, with `expected`, an entry of models.json, on signals of
// `length` samples: state, evaluation and, if `device_layout`, both modes as in an experiment. If the reference cannot
// run its network, evaluation is left out.
inline std::vector<ParityRow> CompareModel(const ReferenceModel& reference, Network& network,
                                           const nlohmann::json& expected, const std::string& input_name, int length,
                                           bool device_layout = true) {
  const std::string subject(reference.name.data(), reference.name.size());
  std::vector<ParityRow> rows = CompareState(reference, network, expected);
  const auto add = [&rows](std::vector<ParityRow> more) {
    for (ParityRow& row : more) rows.push_back(std::move(row));
  };
  FillDeterministically(StateOf(network));
  if (expected.contains("error")) {
    rows.push_back({subject, "logits", 0, 0, "the reference cannot run it"});
  } else {
    add(CompareEvaluation(reference, network, expected, input_name, length, device_layout));
  }
  if (device_layout) add(CompareTrainingMode(subject, network, input_name, length));
  return rows;
}

// CompareModels compares every network that `file`, such as models.json, names and `make` makes. Those for which
// `device_layout` is true are also compared as in an experiment.
inline absl::StatusOr<std::vector<ParityRow>> CompareModels(
    const std::filesystem::path& file, const NetworkMaker& make,
    const std::function<bool(const ReferenceModel&)>& device_layout = [](const ReferenceModel&) { return true; }) {
  ECG_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJson(file));
  std::vector<ParityRow> rows;
  try {
    for (const auto& [name, expected] : json.at("models").items()) {
      const absl::StatusOr<ReferenceModel> reference = FindReferenceModel(name);
      if (!reference.ok()) {
        rows.push_back({name, "", 0, 0, std::string(reference.status().message())});
        continue;
      }
      ECG_ASSIGN_OR_RETURN(const std::shared_ptr<Network> network, make(SpecOf(*reference), kLeads, kParityClasses));
      for (ParityRow& row : CompareModel(*reference, *network, expected, json.at("input_name"), json.at("length"),
                                         device_layout(*reference))) {
        rows.push_back(std::move(row));
      }
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat(file.string(), " has not the expected form: ", error.what()));
  }
  return rows;
}

// CompareTraining repeats the short training that `file`, such as training.json, records: completely in float64, and in
// float32, in the plain layout and as in an experiment, for the losses, where the first must be exact; Adam amplifies
// rounding.
inline absl::StatusOr<std::vector<ParityRow>> CompareTraining(const std::filesystem::path& file,
                                                              const NetworkMaker& make) {
  struct Precision {
    const char* key;
    ComputePath path;
  };
  ECG_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJson(file));
  std::vector<ParityRow> rows;
  try {
    const std::string name = json.at("model"), input_name = json.at("input_name");
    const int batch = json.at("batch"), length = json.at("length");
    ECG_ASSIGN_OR_RETURN(const ReferenceModel reference, FindReferenceModel(name));
    spec::Model model = SpecOf(reference);
    model.mutable_head()->set_dropout(json.at("dropout"));
    for (const auto& [key, path] : {Precision{"float64", {.type = torch::kFloat64}}, Precision{"float32", {}},
                                    Precision{"float32", {.device_layout = true}}}) {
      const nlohmann::json& expected = json.at(key);
      const std::string subject = absl::StrCat(name, " ", key, path.device_layout ? ", channels last" : "");
      ECG_ASSIGN_OR_RETURN(const std::shared_ptr<Network> network, make(model, kLeads, kParityClasses));
      const Device device;
      network->to(path.type);
      if (path.device_layout) MoveNetwork(*network, device);
      const NamedTensors state = StateOf(*network);
      FillDeterministically(state);
      network->train();
      Optimizer optimizer(*network, UpdateRules::Erase(Adam()), json.at("learning_rate"));

      const auto signals_of = [&](const std::string& step) {
        const torch::Tensor signals =
            DeterministicTensor(input_name + "." + step, {batch, kLeads, length}).to(path.type);
        return path.device_layout ? ToDeviceLayout(signals, device) : signals;
      };
      const auto expected_losses = expected.at("loss_per_step").get<std::vector<double>>();
      for (size_t step = 0; step < expected_losses.size(); ++step) {
        optimizer.ZeroGradients();
        const std::string number = std::to_string(step);
        const torch::Tensor loss =
            MultiLabel().Loss(network->forward(signals_of(number)),
                              DeterministicTargets(input_name + "." + number, {batch, kParityClasses}).to(path.type));
        loss.backward();
        optimizer.Step();
        const bool is_exact = path.type == torch::kFloat64 || step == 0;
        rows.push_back({subject, absl::StrCat("loss of step ", step),
                        RelativeError({loss.item<double>()}, {expected_losses[step]}), is_exact ? 1e-6 : 2e-2, ""});
      }
      if (path.type != torch::kFloat64) continue;
      double worst = 0;
      for (const auto& [tensor_name, norm] : expected.at("l2_norm_after").items()) {
        if (!state.contains(tensor_name)) return absl::DataLossError(absl::StrCat("no tensor ", tensor_name));
        worst = std::max(worst, RelativeError({state.at(tensor_name).to(torch::kFloat64).norm().item<double>()},
                                              {norm.get<double>()}));
      }
      rows.push_back({subject, "norms after training", worst, 1e-6, ""});
      network->eval();
      const torch::Tensor logits = network->forward(signals_of("0"))[0];
      rows.push_back(
          {subject, "logits after training",
           RelativeError(NumbersOf(logits), expected.at("logits_after_eval_mode_row_0").get<std::vector<double>>()),
           1e-5, ""});
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat(file.string(), " has not the expected form: ", error.what()));
  }
  return rows;
}

}  // namespace ecg

#endif  // ECG_PARITY_MODEL_PARITY_H_

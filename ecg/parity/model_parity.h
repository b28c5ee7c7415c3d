// model_parity.h
//
// Our networks against the reference's, on the same weights and signals: size, names and shapes of the state, logits,
// loss and gradients; and a short training.

#ifndef ECG_PARITY_MODEL_PARITY_H_
#define ECG_PARITY_MODEL_PARITY_H_

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
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

// How many records and classes the reference's figures are about.
inline constexpr int kParityBatch = 2, kParityClasses = 71;

// NetworkMaker makes the network of a spec for so many leads and classes; AnyNetwork is one.
using NetworkMaker =
    std::function<absl::StatusOr<std::shared_ptr<Network>>(const spec::Model& model, int leads, int classes)>;

// Answer is what a network makes of the reference's signals and targets: logits, loss, and the L2 norm of the loss's
// gradient for each parameter.
struct Answer {
  std::vector<double> logits;
  double loss = 0;
  std::map<std::string, double> gradient_norms;
};

// AnswerOf computes in numbers of `type` what `network` makes of signals of `length` samples. Where `disturbed` names
// one of many disturbances, each sample is changed by its own share, at most 3e-5 of itself.
inline Answer AnswerOf(Network& network, const std::string& input_name, int length, torch::Dtype type,
                       const std::string& disturbed = "") {
  for (torch::Tensor& parameter : network.parameters()) parameter.mutable_grad() = torch::Tensor();
  network.to(type);
  network.eval();
  torch::Tensor signals = DeterministicTensor(input_name, {kParityBatch, kLeads, length}).to(torch::kFloat32);
  if (!disturbed.empty()) signals = signals * (1 + 3e-5 * DeterministicTensor(disturbed, signals.sizes()));
  const torch::Tensor targets = DeterministicTargets(input_name, {kParityBatch, kParityClasses});
  const torch::Tensor logits = network.forward(signals.to(type));
  const torch::Tensor loss = MultiLabel::Loss(logits, targets.to(type));
  loss.backward();
  Answer answer{NumbersOf(logits), loss.item<double>(), {}};
  for (const auto& item : network.named_parameters()) {
    const torch::Tensor& gradient = item.value().grad();
    answer.gradient_norms[item.key()] = gradient.defined() ? gradient.to(torch::kFloat64).norm().item<double>() : 0;
  }
  return answer;
}

// WorstError returns the largest relative error of `ours` among the entries of `theirs`, and where it is; infinity
// where one is missing.
inline std::pair<double, std::string> WorstError(const std::map<std::string, double>& ours,
                                                 const std::map<std::string, double>& theirs) {
  std::pair<double, std::string> worst = {0, ""};
  for (const auto& [name, value] : theirs) {
    const auto found = ours.find(name);
    const double error = found == ours.end() ? INFINITY : RelativeError({found->second}, {value});
    if (!(error <= worst.first)) worst = {error, name};
  }
  return worst;
}

// Doubt is how far apart two right programs may be that compute in float32, as relative errors.
struct Doubt {
  double logits = 0, loss = 0, gradients = 0;
};

// DoubtOf measures how much of what `network` answered, `answer`, is rounding. Logits may be as far off as they are
// from those in float64, and the loss as far as such logits can move it: none of its derivatives by a logit is beyond
// one. Where rounding decides on which side of zero or of a bound an activation falls, the gradient jumps; so gradients
// may be as far off as those on signals that differ in the fifth digit as well. There each sample differs by its own
// share: signals that were all scaled alike would leave the signs of what a convolution makes of them as they are.
// `network` is left in float64.
inline Doubt DoubtOf(Network& network, const std::string& input_name, int length, const Answer& answer) {
  Doubt doubt;
  for (const char* disturbed : {"first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"}) {
    const Answer other = AnswerOf(network, input_name, length, torch::kFloat32, disturbed);
    doubt.gradients = std::max(doubt.gradients, WorstError(other.gradient_norms, answer.gradient_norms).first);
  }
  const Answer exact = AnswerOf(network, input_name, length, torch::kFloat64);
  doubt.gradients = std::max(doubt.gradients, WorstError(answer.gradient_norms, exact.gradient_norms).first);
  doubt.logits = RelativeError(answer.logits, exact.logits);
  const double apart = std::transform_reduce(answer.logits.begin(), answer.logits.end(), exact.logits.begin(), 0.0,
                                             std::plus<>(), [](double a, double b) { return std::abs(a - b); });
  doubt.loss = apart / exact.loss;
  return doubt;
}

// CompareModel compares `network`, which is to be `reference`, with `expected`, an entry of models.json, on signals of
// `length` samples. Where the reference could not run its network, only size and state are compared. What float32
// leaves uncertain may be further off than usual: four times its doubt, and never more than the most written here.
inline std::vector<ParityRow> CompareModel(const ReferenceModel& reference, Network& network,
                                           const nlohmann::json& expected, const std::string& input_name, int length) {
  const std::string name(reference.name.data(), reference.name.size());
  std::vector<ParityRow> rows;
  const auto add = [&](std::string respect, double error, double tolerance) {
    rows.push_back({name, std::move(respect), error, tolerance, ""});
  };

  const NamedTensors state = StateOf(network);
  std::map<std::string, std::vector<int64_t>> shapes, expected_shapes;
  for (const auto& [tensor_name, tensor] : state) shapes[tensor_name] = tensor.sizes().vec();
  for (const auto& entry : expected.at("state")) expected_shapes[entry.at(0)] = entry.at(1).get<std::vector<int64_t>>();
  double expected_parameters = expected.at("parameters").get<double>();
  if (!reference.mended_tensor.empty()) {
    const auto size_of = [](const std::vector<int64_t>& shape) {
      return std::accumulate(shape.begin(), shape.end(), 1.0, std::multiplies<>());
    };
    const std::string mended(reference.mended_tensor.data(), reference.mended_tensor.size());
    expected_parameters += size_of(shapes[mended]) - size_of(expected_shapes[mended]);
    expected_shapes[mended] = shapes[mended];
  }
  add("parameters", std::abs(ParameterCount(network) - expected_parameters), 0);
  int misfits = 0;
  for (const auto& [tensor_name, shape] : expected_shapes)
    misfits += !shapes.contains(tensor_name) || shapes[tensor_name] != shape;
  for (const auto& [tensor_name, shape] : shapes) misfits += !expected_shapes.contains(tensor_name);
  add("state", misfits, 0);
  if (expected.contains("error")) {
    rows.push_back({name, "logits", 0, 0, "the reference cannot run it"});
    return rows;
  }

  FillDeterministically(state);
  const Answer answer = AnswerOf(network, input_name, length, torch::kFloat32);
  const double logits_error = RelativeError(answer.logits, TableOf<double>(expected.at("logits")));
  const double loss_error = RelativeError({answer.loss}, {expected.at("loss").get<double>()});
  const auto [gradients_error, where] =
      WorstError(answer.gradient_norms, expected.at("gradient_l2_norm").get<std::map<std::string, double>>());
  Doubt doubt;
  if (!(logits_error <= 1e-4 && loss_error <= 1e-5 && gradients_error <= 1e-3)) {
    doubt = DoubtOf(network, input_name, length, answer);
  }
  add("logits", logits_error, std::clamp(4 * doubt.logits, 1e-4, 1e-3));
  add("loss", loss_error, std::clamp(4 * doubt.loss, 1e-5, 1e-4));
  add(absl::StrCat("gradients, worst ", where), gradients_error, std::clamp(4 * doubt.gradients, 1e-3, 0.2));
  return rows;
}

// CompareModels compares every network named in `file`, such as models.json, and made by `make`.
inline absl::StatusOr<std::vector<ParityRow>> CompareModels(const std::filesystem::path& file,
                                                            const NetworkMaker& make) {
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
      for (ParityRow& row : CompareModel(*reference, *network, expected, json.at("input_name"), json.at("length"))) {
        rows.push_back(std::move(row));
      }
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat(file.string(), " has not the form expected: ", error.what()));
  }
  return rows;
}

// CompareTraining repeats the short training that `file`, such as training.json, records: in float64 all of it, and in
// float32 the first loss, since Adam amplifies rounding.
inline absl::StatusOr<std::vector<ParityRow>> CompareTraining(const std::filesystem::path& file,
                                                              const NetworkMaker& make) {
  ECG_ASSIGN_OR_RETURN(const nlohmann::json json, ReadJson(file));
  std::vector<ParityRow> rows;
  try {
    const std::string name = json.at("model"), input_name = json.at("input_name");
    const int batch = json.at("batch"), length = json.at("length");
    ECG_ASSIGN_OR_RETURN(const ReferenceModel reference, FindReferenceModel(name));
    spec::Model model = SpecOf(reference);
    model.mutable_head()->set_dropout(json.at("dropout"));
    for (const auto& [key, type] : {std::pair{"float64", torch::kFloat64}, std::pair{"float32", torch::kFloat32}}) {
      const nlohmann::json& expected = json.at(key);
      ECG_ASSIGN_OR_RETURN(const std::shared_ptr<Network> network, make(model, kLeads, kParityClasses));
      network->to(type);
      const NamedTensors state = StateOf(*network);
      FillDeterministically(state);
      network->train();
      Optimizer optimizer(*network, UpdateRules::Erase(Adam()), json.at("learning_rate"));

      const auto signals_of = [&](const std::string& step) {
        return DeterministicTensor(input_name + "." + step, {batch, kLeads, length}).to(type);
      };
      const auto expected_losses = expected.at("loss_per_step").get<std::vector<double>>();
      for (size_t step = 0; step < expected_losses.size(); ++step) {
        optimizer.ZeroGradients();
        const std::string number = std::to_string(step);
        const torch::Tensor loss =
            MultiLabel::Loss(network->forward(signals_of(number)),
                             DeterministicTargets(input_name + "." + number, {batch, kParityClasses}).to(type));
        loss.backward();
        optimizer.Step();
        const bool exact = type == torch::kFloat64 || step == 0;
        rows.push_back({absl::StrCat(name, " ", key), absl::StrCat("loss of step ", step),
                        RelativeError({loss.item<double>()}, {expected_losses[step]}), exact ? 1e-6 : 2e-2, ""});
      }
      if (type != torch::kFloat64) continue;
      double worst = 0;
      for (const auto& [tensor_name, norm] : expected.at("l2_norm_after").items()) {
        if (!state.contains(tensor_name)) return absl::DataLossError(absl::StrCat("no tensor ", tensor_name));
        worst = std::max(worst, RelativeError({state.at(tensor_name).to(torch::kFloat64).norm().item<double>()},
                                              {norm.get<double>()}));
      }
      rows.push_back({absl::StrCat(name, " ", key), "norms after", worst, 1e-6, ""});
      network->eval();
      const torch::Tensor logits = network->forward(signals_of("0"))[0];
      rows.push_back(
          {absl::StrCat(name, " ", key), "logits after",
           RelativeError(NumbersOf(logits), expected.at("logits_after_eval_mode_row_0").get<std::vector<double>>()),
           1e-5, ""});
    }
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(absl::StrCat(file.string(), " has not the form expected: ", error.what()));
  }
  return rows;
}

}  // namespace ecg

#endif  // ECG_PARITY_MODEL_PARITY_H_

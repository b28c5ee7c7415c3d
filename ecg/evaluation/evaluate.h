// evaluate.h
//
// Evaluation of a network on the records of a part: for validation, test and external validation.
//
//   ECG_ASSIGN_OR_RETURN(const Evaluation test, Evaluate(*network, part, WindowOptionsOf(spec, 500), *aggregation,
//                                                        *objective, device, "testing"));
//   ECG_ASSIGN_OR_RETURN(const run::Scores scores, objective->Report(test.predictions(classes)));

#ifndef ECG_EVALUATION_EVALUATE_H_
#define ECG_EVALUATION_EVALUATE_H_

#include <torch/types.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/target_tensor.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/distributed/process_group.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/predict.h"
#include "ecg/model/network.h"
#include "ecg/score/named_score.h"
#include "ecg/spec/sampling.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace ecg {

// WindowOptionsOf returns how `spec` covers records with windows.
inline WindowOptions WindowOptionsOf(const spec::Experiment& spec, int sampling_frequency_hz) {
  return {.samples = CropSamples(spec.data(), sampling_frequency_hz),
          .stride = StrideSamples(spec, sampling_frequency_hz),
          .batch_windows = spec.evaluation().batch_windows()};
}

// Evaluation is the probabilities of a network for records, their targets, and the mean loss of a record.
struct Evaluation {
  std::vector<uint8_t> targets;  // [records, K]
  torch::Tensor probabilities;   // float32 [records, K], contiguous on the CPU
  double loss = 0;

  Predictions predictions(std::span<const std::string> classes) const {
    return {.classes = classes,
            .targets = targets,
            .probabilities = {probabilities.data_ptr<float>(), static_cast<size_t>(probabilities.numel())}};
  }
};

// ProbabilitiesOf returns the probabilities of `logits`, float32 [records, K] on the CPU, record by record: vectorised
// functions round the last elements of a tensor differently, and a record's shall not depend on the others.
inline torch::Tensor ProbabilitiesOf(const AnyObjective& objective, const torch::Tensor& logits) {
  std::vector<torch::Tensor> rows;
  for (int64_t row = 0; row < logits.size(0); ++row) rows.push_back(objective.Probabilities(logits.narrow(0, row, 1)));
  return torch::cat(rows).to(torch::kFloat32).contiguous();
}

// Evaluate evaluates `network` on all records of `part`. It leaves the network in evaluation mode. `what` names the
// work, in the progress bar and in errors. With `group` its processes share the work, and all get the same.
inline absl::StatusOr<Evaluation> Evaluate(Network& network, const SplitPart& part, const WindowOptions& options,
                                           const AnyAggregation& aggregation, const AnyObjective& objective,
                                           const Device& device, absl::string_view what,
                                           ProcessGroup* group = nullptr) {
  try {
    const torch::Tensor logits = Predict(network, part, options, aggregation, device, what, group);
    Evaluation evaluation;
    evaluation.targets = part.Targets();
    evaluation.probabilities = ProbabilitiesOf(objective, logits);
    const torch::Tensor loss = objective.Loss(logits.to(device.torch), TargetTensor(part).to(device.torch));
    evaluation.loss = loss.item<double>() / (objective.is_mean() ? 1 : part.size());
    return evaluation;
  } catch (const std::exception& error) {
    return StatusOf(
        error, what, device.torch,
        absl::StrCat("Lower evaluation.batch_windows, which is ", BatchWindows(options.batch_windows, device)));
  }
}

}  // namespace ecg

#endif  // ECG_EVALUATION_EVALUATE_H_

// external_validation.h
//
// External validation: testing a trained network on all records of another corpus, on the classes that both corpora
// have.

#ifndef ECG_EXPERIMENT_EXTERNAL_VALIDATION_H_
#define ECG_EXPERIMENT_EXTERNAL_VALIDATION_H_

#include <torch/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/any_corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/snomed_ct.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/experiment/experiment_run.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/run_facts.h"
#include "ecg/file/file.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/named_score.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// ExternalResultsPath returns where the results on `data_dir` go: on-NAME in the folder of the run.
inline std::filesystem::path ExternalResultsPath(const RunFolder& folder, const std::filesystem::path& data_dir) {
  const std::filesystem::path normal = data_dir.lexically_normal();
  const std::filesystem::path name = normal.has_filename() ? normal.filename() : normal.parent_path().filename();
  return folder.path() / absl::StrCat("on-", name.string());
}

namespace external_internal {

// OpenOther opens the corpus in `data_dir` in whichever layout it has, with all its statements; by the run's own
// dataset where that is no dataset of this project, or one whose table the spec describes.
inline absl::StatusOr<AnyCorpus> OpenOther(const spec::Experiment& spec, const Recipe& recipe,
                                           int sampling_frequency_hz, const std::filesystem::path& data_dir,
                                           const std::filesystem::path& cache_dir) {
  std::error_code error;
  std::optional<spec::Preprocessing> preprocessing;
  if (spec.data().has_preprocessing()) preprocessing = spec.data().preprocessing();
  const int stated_hz = StatedSamplingFrequencyHz(spec.data());
  const bool has_table =
      spec.data().has_recordings() && std::filesystem::exists(data_dir / spec.data().recordings().table(), error);
  if (!spec.data().has_own() && !has_table) {
    return OpenAnyCorpus(data_dir, {.sampling_frequency_hz = stated_hz > 0 ? stated_hz : sampling_frequency_hz,
                                    .preprocessing = preprocessing,
                                    .task = spec.data().ptb_xl().task(),
                                    .bad_records = spec.data().bad_records(),
                                    .cache_dir = cache_dir});
  }
  ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnyDataset> dataset, recipe.open_dataset(spec.data(), data_dir));
  ECG_ASSIGN_OR_RETURN(PackedSignals signals,
                       PackInCache(*dataset, {.bad_records = spec.data().bad_records()}, cache_dir));
  return AnyCorpus{dataset->corpus(), dataset->labels(), std::move(signals)};
}

// MatchedTable is the probabilities and targets of the classes that both corpora have.
struct MatchedTable {
  std::vector<std::string> classes, ids;
  std::vector<uint8_t> targets;      // [records, classes]
  std::vector<float> probabilities;  // [records, classes]
};

// Matched returns the table of `part`, of which the network, which knows `trained` classes, gives `probabilities`. A
// record has a matched class when it has any of the statements that mean it; its probability is the largest of those.
inline MatchedTable Matched(const std::vector<ClassMatch>& matches, const AnyCorpus& other, const SplitPart& part,
                            const torch::Tensor& probabilities, size_t trained) {
  MatchedTable table;
  for (const ClassMatch& match : matches) table.classes.push_back(match.code);
  for (int i = 0; i < part.size(); ++i) {
    const float* of_record = probabilities.data_ptr<float>() + i * trained;
    const TargetRow carried = other.labels.row(part.rows[i]);
    for (const ClassMatch& match : matches) {
      float largest = 0;
      for (const int k : match.first) largest = std::max(largest, of_record[k]);
      table.probabilities.push_back(largest);
      table.targets.push_back(std::ranges::any_of(match.second, [&](int k) { return carried[k] == 1; }));
    }
    table.ids.push_back(other.signals.id(part.record(i)));
  }
  return table;
}

// ProbabilitiesOf returns the probabilities of the network in `folder` for the records of `part`, float32 [size, K].
inline absl::StatusOr<torch::Tensor> ProbabilitiesOf(const RunFolder& folder, const spec::Experiment& spec,
                                                     const Recipe& recipe, const ModelMetadata& model,
                                                     const AnyObjective& objective, const SplitPart& part,
                                                     const Device& device) {
  const std::shared_ptr<Network> network = MakeNetwork(spec, recipe, model.classes.size());
  ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors(folder.model()));
  ECG_RETURN_IF_ERROR(WithContext(LoadState(weights, StateOf(*network)), folder.model().string()));
  MoveNetwork(*network, device);
  ECG_ASSIGN_OR_RETURN(const auto aggregation, recipe.aggregations.Make(spec.evaluation(), {&objective}));
  ECG_ASSIGN_OR_RETURN(const Evaluation evaluation,
                       Evaluate(*network, part, WindowOptionsOf(spec, model.sampling_frequency_hz), *aggregation,
                                objective, device, "testing"));
  return evaluation.probabilities;
}

}  // namespace external_internal

// ValidateExternally tests the network that was trained in `folder`, whose spec is `spec`, on all records in
// `data_dir`, and writes predictions.csv and run.json into `folder`/on-NAME, NAME being that of `data_dir`. Results
// there that are of another folder are kept, and an error.
inline absl::StatusOr<run::Run> ValidateExternally(const RunFolder& folder, const spec::Experiment& spec,
                                                   const Recipe& recipe, const Device& device,
                                                   const std::filesystem::path& data_dir,
                                                   const std::filesystem::path& cache_dir) {
  if (spec.data().has_target_versus_normal()) {
    return absl::UnimplementedError(
        absl::StrCat("the run in ", folder.path().string(),
                     " chooses one of several classes; only networks that tell of each statement by itself can be "
                     "tested on another corpus"));
  }
  const RunFolder results(ExternalResultsPath(folder, data_dir));
  std::error_code error;
  if (const absl::StatusOr<run::Run> earlier = ReadRun(results.run());
      earlier.ok() && !std::filesystem::equivalent(earlier->data_dir(), data_dir, error)) {
    return absl::AlreadyExistsError(absl::StrCat(results.path().string(), " holds the results on ", earlier->data_dir(),
                                                 "; move it away, or test on a folder of another name"));
  }
  ECG_ASSIGN_OR_RETURN(const ModelMetadata model, ModelMetadata::Read(folder.model()));
  ECG_ASSIGN_OR_RETURN(const AnyCorpus other,
                       external_internal::OpenOther(spec, recipe, model.sampling_frequency_hz, data_dir, cache_dir));
  const std::vector<ClassMatch> matches = MatchClasses(model.classes, other.labels.classes);
  if (matches.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the network knows ", absl::StrJoin(model.classes, ", "), "; the records in ", data_dir.string(),
                     " carry ", absl::StrJoin(other.labels.classes, ", "),
                     ". None of them is known to mean the same (ecg/corpus/snomed_ct.h)"));
  }

  // The network predicts its own classes, which are then mapped to the matched ones.
  Labels of_network = {.classes = model.classes};
  for (const int record : other.labels.records) of_network.Add(record);
  SplitPart part{.signals = &other.signals, .labels = &of_network, .scaler = model.scaler};
  std::vector<float> demographics;
  if (model.reads_demographics) {
    demographics = DemographicsOfRecords(other.corpus.records);
    part.demographics = &demographics;
  }
  for (int row = 0; row < of_network.rows(); ++row) {
    if (other.signals.usable(of_network.records[row])) part.rows.push_back(row);
  }
  if (part.rows.empty()) return absl::FailedPreconditionError(absl::StrCat("no usable record in ", data_dir.string()));
  ECG_ASSIGN_OR_RETURN(
      const std::unique_ptr<AnyObjective> objective,
      recipe.make_objective(spec.training(), {model.classes, std::vector<int64_t>(model.classes.size()), 0}));
  objective->To(device.torch);
  ECG_ASSIGN_OR_RETURN(const torch::Tensor probabilities,
                       external_internal::ProbabilitiesOf(folder, spec, recipe, model, *objective, part, device));
  const external_internal::MatchedTable table =
      external_internal::Matched(matches, other, part, probabilities, model.classes.size());

  run::Run run = RunFacts(model.name, spec, other.corpus, model.scaler, device);
  run.mutable_records()->set_total(part.size());
  run.mutable_records()->set_test(part.size());
  run.mutable_classes()->set_total(static_cast<int>(table.classes.size()));
  for (const ClassMatch& match : matches) {
    run::MatchedClass& matched = *run.add_matched_classes();
    matched.set_code(match.code);
    for (const int k : match.first) matched.add_trained(model.classes[k]);
    for (const int k : match.second) matched.add_tested(other.labels.classes[k]);
  }
  const Predictions predictions = {table.classes, table.targets, table.probabilities};
  ECG_ASSIGN_OR_RETURN(const auto metrics, recipe.metrics.MakeAll(spec.evaluation().metric()));
  ECG_ASSIGN_OR_RETURN(*run.mutable_test(), ReportOf(*objective, predictions, metrics, data_dir.string()));
  ECG_ASSIGN_OR_RETURN(*run.mutable_test()->mutable_bootstrap(), ScoreInterval(*objective, predictions, spec));
  AddPeakMemory(device, run);

  ECG_RETURN_IF_ERROR(MakeDirectories(results.path()));
  ECG_RETURN_IF_ERROR(
      WritePredictions(results.predictions(), table.ids, table.classes, table.targets, table.probabilities));
  ECG_ASSIGN_OR_RETURN(const std::string json, RunJson(run));
  ECG_RETURN_IF_ERROR(WriteFile(results.run(), json));
  return run;
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_EXTERNAL_VALIDATION_H_

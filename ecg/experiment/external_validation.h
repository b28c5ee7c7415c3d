// external_validation.h
//
// External validation: testing a trained network, or an ensemble, on all records of another corpus, on the classes that
// both corpora have.

#ifndef ECG_EXPERIMENT_EXTERNAL_VALIDATION_H_
#define ECG_EXPERIMENT_EXTERNAL_VALIDATION_H_

#include <torch/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
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
#include "absl/strings/str_join.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/any_corpus.h"
#include "ecg/corpus/built_in_dataset.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/records_digest.h"
#include "ecg/corpus/snomed_ct.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/experiment/experiment_data.h"
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
#include "ecg/score/mean_of_members.h"
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

// RecipeOf returns the recipe of a network whose spec is given.
using RecipeOf = std::function<absl::StatusOr<Recipe>(const spec::Experiment& spec)>;

namespace external_internal {

// OtherRecords says where the records to test on are, and their packed signals.
struct OtherRecords {
  std::filesystem::path data_dir, cache_dir;
};

// OpenAsInTraining opens the records as the run's dataset.
inline absl::StatusOr<std::unique_ptr<AnyDataset>> OpenAsInTraining(const spec::Experiment& spec, const Recipe& recipe,
                                                                    const OtherRecords& records) {
  if (!spec.data().has_own()) return OpenBuiltInDataset(spec.data(), records.data_dir);
  if (recipe.open_dataset != nullptr) return recipe.open_dataset(spec.data(), records.data_dir);
  return absl::FailedPreconditionError(
      absl::StrCat("the dataset ", spec.data().own().type(), " of the run is not one of this project's. The program ",
                   "that trained the run has it, and tests the run with --mode=evaluate"));
}

inline absl::StatusOr<PackedSignals> PackOther(const AnyDataset& dataset, const spec::Experiment& spec,
                                               const OtherRecords& records) {
  return PackInCache(dataset, {.bad_records = spec.data().bad_records()}, records.cache_dir);
}

// AreReadAsInTraining returns whether another corpus is opened as the run's dataset: one of the user's own, or one
// whose table the spec describes.
inline bool AreReadAsInTraining(const spec::Experiment& spec, const OtherRecords& records) {
  const spec::Data& data = spec.data();
  std::error_code error;
  return data.has_own() ||
         (data.has_recordings() && std::filesystem::exists(records.data_dir / data.recordings().table(), error));
}

// OpenOther opens the corpus in whichever layout it has, with all its statements, or as the run's dataset.
inline absl::StatusOr<AnyCorpus> OpenOther(const spec::Experiment& spec, const Recipe& recipe,
                                           int sampling_frequency_hz, const OtherRecords& records) {
  if (AreReadAsInTraining(spec, records)) {
    ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnyDataset> dataset, OpenAsInTraining(spec, recipe, records));
    ECG_ASSIGN_OR_RETURN(PackedSignals signals, PackOther(*dataset, spec, records));
    return AnyCorpus{dataset->corpus(), dataset->labels(), std::move(signals)};
  }
  std::optional<spec::Preprocessing> preprocessing;
  if (spec.data().has_preprocessing()) preprocessing = spec.data().preprocessing();
  const int stated_hz = StatedSamplingFrequencyHz(spec.data());
  return OpenAnyCorpus(records.data_dir, {.sampling_frequency_hz = stated_hz > 0 ? stated_hz : sampling_frequency_hz,
                                          .preprocessing = preprocessing,
                                          .task = spec.data().ptb_xl().task(),
                                          .bad_records = spec.data().bad_records(),
                                          .cache_dir = records.cache_dir});
}

// TrainedOn returns whether the network in `folder` was trained on the corpus `other`, which is in `records`: on the
// same records, wherever they lie, or on those of this folder as a part of a joined corpus.
inline absl::StatusOr<bool> TrainedOn(const RunFolder& folder, const spec::Experiment& spec, const Recipe& recipe,
                                      const OtherRecords& records, const AnyCorpus& other) {
  std::error_code error;
  const std::filesystem::path trained = spec.data().data_dir();
  for (const spec::JoinedPart& part : spec.data().joined().part()) {
    if (std::filesystem::equivalent(trained / part.folder(), records.data_dir, error)) return true;
  }
  const absl::StatusOr<run::CorpusIdentity> own = folder.ReadCorpus();
  // A run of an older version does not say.
  if (absl::IsNotFound(own.status())) return std::filesystem::equivalent(trained, records.data_dir, error);
  ECG_RETURN_IF_ERROR(own.status());
  if (RecordsDigest(other.signals) == own->digest()) return true;
  if (AreReadAsInTraining(spec, records)) return false;
  // The run's dataset may read the same records otherwise: G12EC's are padded to ten seconds.
  const absl::StatusOr<std::unique_ptr<AnyDataset>> dataset = OpenAsInTraining(spec, recipe, records);
  if (!dataset.ok() || static_cast<int>((*dataset)->corpus().records.size()) != own->records()) return false;
  const absl::StatusOr<PackedSignals> signals = PackOther(**dataset, spec, records);
  return signals.ok() && RecordsDigest(*signals) == own->digest();
}

// MatchedTable is the probabilities and targets of the classes that both corpora have.
struct MatchedTable {
  std::vector<std::string> classes;
  std::vector<uint8_t> targets;      // [records, classes]
  std::vector<float> probabilities;  // [records, classes]
};

// UsableRows returns the rows of the labels of `other` whose records can be read.
inline std::vector<int> UsableRows(const AnyCorpus& other) {
  std::vector<int> rows;
  for (int row = 0; row < other.labels.rows(); ++row) {
    if (other.signals.usable(other.labels.records[row])) rows.push_back(row);
  }
  return rows;
}

// ObjectiveOf returns the objective that the probabilities and scores of a network for `classes` are by.
inline absl::StatusOr<std::unique_ptr<AnyObjective>> ObjectiveOf(const spec::Experiment& spec, const Recipe& recipe,
                                                                 const std::vector<std::string>& classes) {
  return recipe.make_objective(spec.training(), {classes, std::vector<int64_t>(classes.size()), 0});
}

// ProbabilitiesOf returns the probabilities of the network in `folder` for the records of `rows` of the labels of
// `other`, [rows, K].
inline absl::StatusOr<std::vector<float>> ProbabilitiesOf(const RunFolder& folder, const spec::Experiment& spec,
                                                          const Recipe& recipe, const ModelMetadata& model,
                                                          const AnyCorpus& other, const std::vector<int>& rows,
                                                          const Device& device) {
  // The network predicts its own classes, which are then mapped to the matched ones.
  Labels of_network = {.classes = model.classes};
  for (const int record : other.labels.records) of_network.Add(record);
  SplitPart part{.signals = &other.signals, .labels = &of_network, .rows = rows, .scaler = model.scaler};
  std::vector<float> demographics;
  if (model.reads_demographics) {
    demographics = DemographicsOfRecords(other.corpus.records);
    part.demographics = &demographics;
  }
  const std::shared_ptr<Network> network = MakeNetwork(spec, recipe, model.classes.size());
  ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors(folder.model()));
  ECG_RETURN_IF_ERROR(WithContext(LoadState(weights, StateOf(*network)), folder.model().string()));
  MoveNetwork(*network, device);
  ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnyObjective> objective, ObjectiveOf(spec, recipe, model.classes));
  objective->To(device.torch);
  ECG_ASSIGN_OR_RETURN(const auto aggregation, recipe.aggregations.Make(spec.evaluation(), {objective.get()}));
  ECG_ASSIGN_OR_RETURN(const Evaluation evaluation,
                       Evaluate(*network, part, WindowOptionsOf(spec, model.sampling_frequency_hz), *aggregation,
                                *objective, device, "testing"));
  const float* const first = evaluation.probabilities.data_ptr<float>();
  return std::vector<float>(first, first + evaluation.probabilities.numel());
}

// TestedOn is another corpus, and what a network or an ensemble says of its usable records.
struct TestedOn {
  AnyCorpus other;
  std::vector<int> rows;         // of its labels, whose records can be read
  std::vector<std::string> ids;  // of these records
  std::vector<ClassMatch> matches;
  std::vector<float> probabilities;  // [records, classes of the model]
};

// Matched returns the table of what a model that knows `trained` classes was tested on. A record has a matched class
// when it has any of the statements that mean it; its probability is the largest of those.
inline MatchedTable Matched(const TestedOn& tested, size_t trained) {
  const auto& [other, rows, ids, matches, probabilities] = tested;
  MatchedTable table;
  for (const ClassMatch& match : matches) table.classes.push_back(match.code);
  const float* of_record = probabilities.data();
  for (const int row : rows) {
    const TargetRow carried = other.labels.row(row);
    for (const ClassMatch& match : matches) {
      float largest = 0;
      for (const int k : match.first) largest = std::max(largest, of_record[k]);
      table.probabilities.push_back(largest);
      table.targets.push_back(std::ranges::any_of(match.second, [&](int k) { return carried[k] == 1; }));
    }
    of_record += trained;
  }
  return table;
}

// TestNetwork tests the network in `folder` on `records`.
inline absl::StatusOr<TestedOn> TestNetwork(const RunFolder& folder, const spec::Experiment& spec, const Recipe& recipe,
                                            const Device& device, const OtherRecords& records) {
  ECG_ASSIGN_OR_RETURN(const ModelMetadata model, ModelMetadata::Read(folder.model()));
  ECG_ASSIGN_OR_RETURN(AnyCorpus other, OpenOther(spec, recipe, model.sampling_frequency_hz, records));
  const std::string data_dir = records.data_dir.string();
  ECG_ASSIGN_OR_RETURN(const bool trained_on, TrainedOn(folder, spec, recipe, records, other));
  if (trained_on) {
    return absl::InvalidArgumentError(absl::StrCat("the records in ", data_dir, " are those that the network was ",
                                                   "trained on; an external validation needs others"));
  }
  std::vector<ClassMatch> matches = MatchClasses(model.classes, other.labels.classes);
  if (matches.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the network knows ", absl::StrJoin(model.classes, ", "), "; the records in ", data_dir, " carry ",
                     absl::StrJoin(other.labels.classes, ", "),
                     ". None of them is known to mean the same (ecg/corpus/snomed_ct.h)"));
  }
  std::vector<int> rows = UsableRows(other);
  if (rows.empty()) return absl::FailedPreconditionError(absl::StrCat("no usable record in ", data_dir));
  ECG_ASSIGN_OR_RETURN(std::vector<float> probabilities,
                       ProbabilitiesOf(folder, spec, recipe, model, other, rows, device));
  std::vector<std::string> ids;
  for (const int row : rows) ids.push_back(other.signals.id(other.labels.records[row]));
  return TestedOn{std::move(other), std::move(rows), std::move(ids), std::move(matches), std::move(probabilities)};
}

// TestMember tests the network in `folder`, a member of an ensemble for `classes`, as it would be alone.
inline absl::StatusOr<TestedOn> TestMember(const RunFolder& folder, const spec::Experiment& spec,
                                           const std::vector<std::string>& classes, const RecipeOf& recipe_of,
                                           const Device& device, const OtherRecords& records) {
  ECG_ASSIGN_OR_RETURN(const ModelMetadata model, ModelMetadata::Read(folder.model()));
  if (model.classes != classes) {
    return absl::DataLossError("it has other classes than the ensemble. Make the ensemble again");
  }
  ECG_ASSIGN_OR_RETURN(const Recipe recipe, recipe_of(spec));
  spec::Runtime runtime = spec.runtime();
  runtime.set_device(device.torch.str());
  ECG_ASSIGN_OR_RETURN(const Device in_its_precision, ChooseDevice(runtime));
  return TestNetwork(folder, spec, recipe, in_its_precision, records);
}

// TestEnsemble tests the ensemble in `folder`, with the metadata `model`, on `records`: each member by itself, since
// their preprocessing may differ.
inline absl::StatusOr<TestedOn> TestEnsemble(const RunFolder& folder, const ModelMetadata& model,
                                             const RecipeOf& recipe_of, const Device& device,
                                             const OtherRecords& records) {
  ECG_ASSIGN_OR_RETURN(const MembersMean::Of of, MembersMeanOf(model.members_mean));
  std::optional<TestedOn> first;
  std::vector<std::vector<float>> probabilities;
  for (int number = 1; number <= model.members; ++number) {
    const RunFolder member = folder.member(number);
    ECG_ASSIGN_OR_RETURN(const spec::Experiment spec, member.ReadSpec());
    absl::StatusOr<TestedOn> tested = TestMember(member, spec, model.classes, recipe_of, device, records);
    if (!tested.ok()) {
      return WithContext(tested.status(), absl::StrCat("member ", number, " of ", folder.path().string()));
    }
    probabilities.push_back(std::move(tested->probabilities));
    if (!first) first = *std::move(tested);
    if (number == 1 || tested->ids == first->ids) continue;
    return absl::FailedPreconditionError(absl::StrCat("not all members of ", folder.path().string(),
                                                      " can read the same records in ", records.data_dir.string()));
  }
  const std::vector<std::span<const float>> members(probabilities.begin(), probabilities.end());
  first->probabilities = MeanOfMembers(members, {.of = of, .classes = model.classes.size()});
  return *std::move(first);
}

}  // namespace external_internal

// ValidateExternally tests the network or the ensemble in `folder`, whose spec is `spec`, on all records in `data_dir`,
// and writes predictions.csv and run.json into `folder`/on-NAME, NAME being that of `data_dir`. Results there that are
// of another folder are kept, and an error. `recipe_of` is asked for the recipe of the network, or of each member.
inline absl::StatusOr<run::Run> ValidateExternally(const RunFolder& folder, const spec::Experiment& spec,
                                                   const RecipeOf& recipe_of, const Device& device,
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
  ECG_ASSIGN_OR_RETURN(const Recipe recipe, recipe_of(spec));
  ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnyObjective> objective,
                       external_internal::ObjectiveOf(spec, recipe, model.classes));
  ECG_ASSIGN_OR_RETURN(const auto metrics, recipe.metrics.MakeAll(spec.evaluation().metric()));
  const external_internal::OtherRecords records = {data_dir, cache_dir};
  ECG_ASSIGN_OR_RETURN(const external_internal::TestedOn tested,
                       model.members > 0 ? external_internal::TestEnsemble(folder, model, recipe_of, device, records)
                                         : external_internal::TestNetwork(folder, spec, recipe, device, records));
  const AnyCorpus& other = tested.other;
  const external_internal::MatchedTable table = external_internal::Matched(tested, model.classes.size());

  run::Run run = RunFacts(model.name, spec, other.corpus, model.scaler, device);
  const int count = static_cast<int>(tested.ids.size());
  run.mutable_records()->set_total(count);
  run.mutable_records()->set_test(count);
  run.mutable_classes()->set_total(static_cast<int>(table.classes.size()));
  for (const ClassMatch& match : tested.matches) {
    run::MatchedClass& matched = *run.add_matched_classes();
    matched.set_code(match.code);
    for (const int k : match.first) matched.add_trained(model.classes[k]);
    for (const int k : match.second) matched.add_tested(other.labels.classes[k]);
  }
  if (model.members > 0) {
    // Without the scores that they have on their own test records.
    ECG_ASSIGN_OR_RETURN(const run::Run ensemble, ReadRun(folder.run()));
    for (const run::EnsembleMember& member : ensemble.members()) {
      run::EnsembleMember& copy = *run.add_members();
      copy.set_name(member.name());
      copy.set_run(member.run());
      copy.set_sha256(member.sha256());
    }
    run.set_members_mean(model.members_mean);
  }
  const Predictions predictions = {table.classes, table.targets, table.probabilities};
  ECG_ASSIGN_OR_RETURN(*run.mutable_test(), ReportOf(*objective, predictions, metrics, data_dir.string()));
  ECG_ASSIGN_OR_RETURN(*run.mutable_test()->mutable_bootstrap(), ScoreInterval(*objective, predictions, spec));
  AddPeakMemory(device, run);

  ECG_RETURN_IF_ERROR(MakeDirectories(results.path()));
  ECG_RETURN_IF_ERROR(
      WritePredictions(results.predictions(), tested.ids, table.classes, table.targets, table.probabilities));
  ECG_ASSIGN_OR_RETURN(const std::string json, RunJson(run));
  ECG_RETURN_IF_ERROR(WriteFile(results.run(), json));
  return run;
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_EXTERNAL_VALIDATION_H_

#include "ecg/ensemble/make_ensemble.h"

#include <onnx/onnx_pb.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/ensemble/members.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/run_facts.h"
#include "ecg/file/file.h"
#include "ecg/file/safetensors.h"
#include "ecg/file/sha256.h"
#include "ecg/file/unfinished_folder.h"
#include "ecg/onnx/merge.h"
#include "ecg/predict/stock_recipe.h"
#include "ecg/report/run_report.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/run/version.h"
#include "ecg/score/calibration.h"
#include "ecg/score/mean_of_members.h"
#include "ecg/score/metric.h"
#include "ecg/score/named_score.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/objective.h"
#include "proto/run.pb.h"

namespace ecg {
namespace {

const char* NameOf(MembersMean::Of mean) { return mean == MembersMean::Of::kLogit ? "logit" : "probability"; }

// ValueOfAll returns the value that all members have, or else `otherwise`.
template <typename T, typename Get>
T ValueOfAll(const std::vector<Member>& members, const Get& get, T otherwise) {
  for (const Member& member : members) {
    if (get(member) != get(members[0])) return otherwise;
  }
  return get(members[0]);
}

// NameOf returns what the ensemble is called.
std::string NameOf(const std::vector<Member>& members) {
  std::vector<std::string> names;
  for (const Member& member : members) {
    if (std::ranges::find(names, member.model.name) == names.end()) names.push_back(member.model.name);
  }
  return absl::StrCat("ensemble of ", members.size(), ": ", absl::StrJoin(names, ", "));
}

// MetadataOf returns what the members have in common, without temperatures and thresholds.
ModelMetadata MetadataOf(const std::vector<Member>& members, MembersMean::Of mean) {
  ModelMetadata model = members[0].model;
  model.name = NameOf(members);
  model.members = static_cast<int>(members.size());
  model.members_mean = NameOf(mean);
  model.temperatures.clear();
  model.thresholds.clear();
  model.window_stride_samples = ValueOfAll(
      members, [](const Member& member) { return member.model.window_stride_samples; }, 0);
  model.aggregation = ValueOfAll(
      members, [](const Member& member) { return member.model.aggregation; }, std::string());
  model.preprocessing = ValueOfAll(
      members, [](const Member& member) { return member.model.preprocessing; }, std::string());
  for (const Member& member : members) {
    model.crop_samples = std::max(model.crop_samples, member.model.crop_samples);
    model.synthetic = model.synthetic || member.model.synthetic;
    model.depends_on_batch = model.depends_on_batch || member.model.depends_on_batch;
    for (const std::string& kind : member.model.refuses) {
      if (std::ranges::count(model.refuses, kind) == 0) model.refuses.push_back(kind);
    }
    model.reads_demographics = model.reads_demographics || member.model.reads_demographics;
    // The ages that every member was trained on.
    if (!member.model.training_ages) model.training_ages.reset();
    if (!model.training_ages) continue;
    auto& [youngest, oldest] = *model.training_ages;
    youngest = std::max(youngest, member.model.training_ages->first);
    oldest = std::min(oldest, member.model.training_ages->second);
  }
  return model;
}

// FactsOf returns the description of the ensemble, without scores.
absl::StatusOr<run::Run> FactsOf(const std::vector<Member>& members, const ModelMetadata& model) {
  const run::Run& first = members[0].run;
  run::Run run;
  run.set_name(model.name);
  run.set_dataset(first.dataset());
  run.set_dataset_version(first.dataset_version());
  run.set_data_dir(first.data_dir());
  run.set_synthetic(model.synthetic);
  run.mutable_classes()->set_total(static_cast<int>(model.classes.size()));
  run.set_mean_mv(model.scaler.mean_mv);
  run.set_standard_deviation_mv(model.scaler.standard_deviation_mv);
  run.mutable_versions()->set_ecg(kVersion);
  run.mutable_versions()->set_libtorch(TORCH_VERSION);
  for (const std::string& lead : model.leads) run.add_leads(lead);
  *run.mutable_spec() = members[0].spec;
  run.set_members_mean(model.members_mean);
  double parameters = 0;
  for (const Member& member : members) {
    run::EnsembleMember& one = *run.add_members();
    one.set_name(member.model.name);
    one.set_run(std::filesystem::absolute(member.folder.path()).lexically_normal().string());
    ECG_ASSIGN_OR_RETURN(*one.mutable_sha256(), FileSha256(member.folder.model()));
    if (member.run.validation().has_score()) one.set_validation_score(member.run.validation().score());
    if (member.run.test().has_score()) one.set_test_score(member.run.test().score());
    parameters += member.run.parameters();
    if (member.run.shared_patients() > run.shared_patients()) run.set_shared_patients(member.run.shared_patients());
  }
  run.set_parameters(parameters);
  return run;
}

// WhyNoOnnx says why the members cannot read the same windows, if they cannot.
absl::Status WhyNoOnnx(const std::vector<Member>& members) {
  for (const Member& member : members) {
    const auto differ = [&](const char* what) {
      return absl::UnimplementedError(absl::StrCat("the ", what, " of ", members[0].name(), " and ", member.name(),
                                                   " differ, and a graph has one input. Export the members by ",
                                                   "themselves, and take the mean of what they give"));
    };
    if (member.model.crop_samples != members[0].model.crop_samples) return differ("window lengths");
    if (member.model.window_stride_samples != members[0].model.window_stride_samples) return differ("window strides");
    if (member.model.aggregation != members[0].model.aggregation) return differ("aggregations of windows");
    if (member.model.preprocessing != members[0].model.preprocessing) return differ("preprocessing of signals");
    if (std::error_code error; std::filesystem::exists(member.folder.onnx(), error)) continue;
    return absl::UnimplementedError(absl::StrCat("there is no ", member.folder.onnx().string()));
  }
  return absl::OkStatus();
}

// WriteOnnx writes model.onnx, of those of the members. What cannot be merged is an UnimplementedError.
absl::Status WriteOnnx(const std::vector<Member>& members, const ModelMetadata& model, MembersMean::Of mean,
                       const RunFolder& folder) {
  ECG_RETURN_IF_ERROR(WhyNoOnnx(members));
  std::vector<onnx::ModelProto> models;
  for (const Member& member : members) {
    ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(member.folder.onnx()));
    if (models.emplace_back().ParseFromString(bytes)) continue;
    return absl::DataLossError(absl::StrCat(member.folder.onnx().string(), " is damaged: it is no ONNX model. ",
                                            "--mode=evaluate on the run's own records writes it again"));
  }
  ECG_ASSIGN_OR_RETURN(const onnx::ModelProto merged,
                       MergeOnnx(models, {.of = mean, .exclusive = members[0].exclusive()}, model.ToMap()));
  return WriteFile(folder.onnx(), merged.SerializeAsString());
}

// KeepMembers keeps all that a prediction and an external validation need of each member in `folder`.
absl::Status KeepMembers(const std::vector<Member>& members, const RunFolder& folder) {
  for (int number = 1; number <= static_cast<int>(members.size()); ++number) {
    const RunFolder &from = members[number - 1].folder, to = folder.member(number);
    ECG_RETURN_IF_ERROR(MakeDirectories(to.path()));
    // A run never changes a file in place, so that the ensemble's stays as it is.
    ECG_RETURN_IF_ERROR(LinkOrCopy(from.spec(), to.spec()));
    ECG_RETURN_IF_ERROR(LinkOrCopy(from.model(), to.model()));
    if (std::error_code error; std::filesystem::exists(from.corpus(), error)) {
      ECG_RETURN_IF_ERROR(LinkOrCopy(from.corpus(), to.corpus()));
    }
    if (std::error_code error; number == 1 && std::filesystem::exists(from.features(), error)) {
      ECG_RETURN_IF_ERROR(LinkOrCopy(from.features(), to.features()));
    }
  }
  return absl::OkStatus();
}

// Maker makes one ensemble.
class Maker {
 public:
  Maker(const std::vector<Member>& members, MembersMean::Of mean, RunFolder folder)
      : members_(members), mean_(mean), folder_(std::move(folder)), model_(MetadataOf(members, mean)) {}

  absl::StatusOr<MadeEnsemble> Make() {
    // The scores are those of the first member's objective, of which all have the same kind.
    absl::StatusOr<Recipe> recipe = StockRecipe(members_[0].spec);
    if (!recipe.ok()) return WithContext(recipe.status(), members_[0].name());
    ECG_ASSIGN_OR_RETURN(objective_,
                         recipe->make_objective(members_[0].spec.training(),
                                                {model_.classes, std::vector<int64_t>(model_.classes.size(), 1), 2}));
    ECG_ASSIGN_OR_RETURN(metrics_, recipe->metrics.MakeAll(members_[0].spec.evaluation().metric()));

    ECG_ASSIGN_OR_RETURN(made_.run, FactsOf(members_, model_));
    const absl::StatusOr<run::CorpusIdentity> corpus = members_[0].folder.ReadCorpus();
    ECG_RETURN_IF_ERROR(folder_.Start(members_[0].spec, corpus.value_or(run::CorpusIdentity())));
    ECG_RETURN_IF_ERROR(KeepMembers(members_, folder_));
    ECG_RETURN_IF_ERROR(Validate());
    ECG_RETURN_IF_ERROR(WriteSafetensors(folder_.model(), {}, model_.ToMap()));
    ECG_RETURN_IF_ERROR(Test());
    if (const absl::Status status = WriteOnnx(members_, model_, mean_, folder_); absl::IsUnimplemented(status)) {
      made_.notes.push_back(absl::StrCat("there is no model.onnx: ", status.message()));
    } else {
      ECG_RETURN_IF_ERROR(status);
    }
    ECG_ASSIGN_OR_RETURN(const std::string json, RunJson(made_.run));
    ECG_RETURN_IF_ERROR(WriteFile(folder_.run(), json));
    return std::move(made_);
  }

 private:
  // Validate scores the validation records, and chooses temperatures and thresholds on them, where members share them.
  absl::Status Validate() {
    const absl::StatusOr<SharedPredictions> shared = SharedValidationPredictions(members_);
    if (absl::IsFailedPrecondition(shared.status())) {
      made_.notes.push_back(absl::StrCat("there is no validation score, and there are no thresholds and calibrated ",
                                         "probabilities: ", shared.status().message()));
      return absl::OkStatus();
    }
    ECG_RETURN_IF_ERROR(shared.status());
    const std::vector<float> mean = shared->Mean(mean_, members_[0].exclusive());
    const Predictions predictions = {shared->classes, shared->targets, mean};
    ECG_ASSIGN_OR_RETURN(*made_.run.mutable_validation(), ReportOf(*objective_, predictions, metrics_, "validation"));
    if (!members_[0].exclusive()) {
      ECG_ASSIGN_OR_RETURN(const ClassCalibration calibration, Calibrate(predictions));
      model_.temperatures = calibration.temperatures;
      model_.thresholds = calibration.thresholds;
    }
    return WritePredictions(folder_.validation_predictions(), shared->records, shared->classes, shared->targets, mean);
  }

  // Test scores the test records, where members share them.
  absl::Status Test() {
    const absl::StatusOr<SharedPredictions> shared = SharedTestPredictions(members_);
    if (absl::IsFailedPrecondition(shared.status())) return NoTest(shared.status());
    ECG_RETURN_IF_ERROR(shared.status());
    const std::vector<float> mean = shared->Mean(mean_, members_[0].exclusive());
    ECG_RETURN_IF_ERROR(
        WritePredictions(folder_.predictions(), shared->records, shared->classes, shared->targets, mean));
    *made_.run.mutable_records() = members_[0].run.records();
    *made_.run.mutable_classes() = members_[0].run.classes();
    const Predictions predictions = {shared->classes, shared->targets, mean};
    absl::StatusOr<run::Scores> scores = ReportOf(*objective_, predictions, metrics_, "test");
    if (!scores.ok()) return NoTest(scores.status());
    *made_.run.mutable_test() = *std::move(scores);
    ECG_ASSIGN_OR_RETURN(*made_.run.mutable_test()->mutable_bootstrap(),
                         ScoreInterval(*objective_, predictions, members_[0].spec));
    return absl::OkStatus();
  }

  absl::Status NoTest(const absl::Status& why) {
    made_.run.set_test_not_scored(std::string(why.message()));
    made_.notes.push_back(absl::StrCat("there is no test score: ", why.message()));
    return absl::OkStatus();
  }

  const std::vector<Member>& members_;
  const MembersMean::Of mean_;
  const RunFolder folder_;  // to be written
  ModelMetadata model_;
  std::unique_ptr<AnyObjective> objective_;
  MetricList metrics_;
  MadeEnsemble made_;
};

}  // namespace

absl::StatusOr<MadeEnsemble> MakeEnsemble(const std::vector<std::filesystem::path>& members,
                                          const std::filesystem::path& folder, MembersMean::Of mean) {
  std::error_code error;
  if (std::filesystem::exists(folder, error)) {
    return absl::AlreadyExistsError(absl::StrCat(folder.string(), " is there already. Pass another --output"));
  }
  ECG_ASSIGN_OR_RETURN(const std::vector<Member> read, ReadMembers(members));
  ECG_ASSIGN_OR_RETURN(UnfinishedFolder unfinished, UnfinishedFolder::Create(folder));
  ECG_ASSIGN_OR_RETURN(MadeEnsemble made, Maker(read, mean, RunFolder(unfinished.path())).Make());
  ECG_RETURN_IF_ERROR(unfinished.Finish());
  // The page names the folder, which is therefore there before. It is made again with //cli:report.
  const absl::StatusOr<std::string> page = RunReport(folder);
  if (page.ok()) {
    ECG_RETURN_IF_ERROR(WriteFile(RunFolder(folder).report(), *page));
  } else {
    made.notes.push_back(absl::StrCat("there is no report.html: ", page.status().message()));
  }
  return made;
}

}  // namespace ecg

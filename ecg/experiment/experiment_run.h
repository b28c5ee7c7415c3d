// experiment_run.h
//
// An experiment with its data and parts: from a spec to a folder of results.
//
//   ECG_ASSIGN_OR_RETURN(auto experiment, ExperimentRun::Open("resnet18_all", spec, recipe, CacheDirectory(), device));
//   ECG_RETURN_IF_ERROR(experiment->Start(RunFolder(path)));
//   ECG_ASSIGN_OR_RETURN(const run::Run run, experiment->Train(RunFolder(path)));

#ifndef ECG_EXPERIMENT_EXPERIMENT_RUN_H_
#define ECG_EXPERIMENT_EXPERIMENT_RUN_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/batch/sampler.h"
#include "ecg/corpus/preprocessor.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/distributed/process_group.h"
#include "ecg/evaluation/evaluate.h"
#include "ecg/evaluation/feature_space.h"
#include "ecg/evaluation/record_features.h"
#include "ecg/experiment/built_in_writers.h"
#include "ecg/experiment/experiment_data.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/run_facts.h"
#include "ecg/experiment/training_parts.h"
#include "ecg/file/csv.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "ecg/model/layers.h"
#include "ecg/model/network.h"
#include "ecg/model/output_bias.h"
#include "ecg/model/partial_weights.h"
#include "ecg/model/weights.h"
#include "ecg/random/random.h"
#include "ecg/run/history.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/calibration.h"
#include "ecg/score/metric.h"
#include "ecg/signal/lead.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "ecg/terminal/stopwatch.h"
#include "ecg/train/batch_size.h"
#include "ecg/train/callback.h"
#include "ecg/train/checkpoint.h"
#include "ecg/train/console.h"
#include "ecg/train/learning_rate_range.h"
#include "ecg/train/parameter_groups.h"
#include "ecg/train/process_share.h"
#include "ecg/train/tensorboard_log.h"
#include "ecg/train/training_loop.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// AggregationName returns the name of the chosen aggregation, as the spec spells it.
inline std::string AggregationName(const spec::Evaluation& evaluation) {
  return ChosenAlternative(evaluation, evaluation.GetDescriptor()->FindOneofByName("aggregation"))->name();
}

// MakeNetwork returns the network of `spec` with the first weights of its seed.
inline std::shared_ptr<Network> MakeNetwork(const spec::Experiment& spec, const Recipe& recipe, size_t classes) {
  torch::manual_seed(Random({static_cast<uint64_t>(spec.runtime().seed())})());
  return recipe.MakeNetwork(spec.model(), kLeads, static_cast<int>(classes));
}

// ExperimentRun is one experiment, opened.
class ExperimentRun {
 public:
  // Open reads the corpus in the spec's data_dir, packs its signals where that was not done before, and makes the
  // network. `spec` has its defaults filled in. With `scaler` signals are standardised with it. With `group`, which
  // must outlive the run, its processes share the work, and that of rank 0 writes.
  static absl::StatusOr<std::unique_ptr<ExperimentRun>> Open(absl::string_view name, const spec::Experiment& spec,
                                                             const Recipe& recipe,
                                                             const std::filesystem::path& cache_dir,
                                                             const Device& device, const Scaler* scaler = nullptr,
                                                             ProcessGroup* group = nullptr) {
    const Stopwatch stopwatch;
    auto experiment = std::unique_ptr<ExperimentRun>(new ExperimentRun(name, spec, recipe, device, group));
    ECG_ASSIGN_OR_RETURN(experiment->data_, ExperimentData::Open(spec, recipe, cache_dir, scaler));
    ECG_ASSIGN_OR_RETURN(experiment->objective_, recipe.make_objective(spec.training(), experiment->data_->Training()));
    ECG_RETURN_IF_ERROR(experiment->MakeEvaluation());
    experiment->network_ = MakeNetwork(spec, recipe, experiment->data_->labels().classes.size());
    if (spec.training().prior_bias()) ECG_RETURN_IF_ERROR(experiment->SetPriorBias());
    ECG_RETURN_IF_ERROR(experiment->CheckCrops());
    experiment->data_seconds_ = stopwatch.seconds();
    return experiment;
  }

  // CheckSameRecords refuses other records than the process of rank 0 has. All processes must call it.
  absl::Status CheckSameRecords() const {
    if (group_ == nullptr) return absl::OkStatus();
    const run::CorpusIdentity own = data_->Identity();
    run::CorpusIdentity first;
    first.ParseFromString(group_->Broadcast(own.SerializeAsString()));
    if (own.digest() == first.digest()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "the ", own.records(), " records in ", own.data_dir(), " are not the ", first.records(), " that rank 0 has in ",
        first.data_dir(), "; pass all processes a --data_dir with the same records"));
  }

  const ExperimentData& data() const { return *data_; }

  // spec returns the spec as it is run, and score_name the name of what it is scored by.
  const spec::Experiment& spec() const { return spec_; }
  std::string score_name() const { return objective_->score_name(); }

  // Describe returns the spec, the network layer by layer, and how often each class occurs.
  std::string Describe() const {
    std::string text =
        absl::StrCat("Spec, with every default filled in\n\n", ToText(spec_), "\nNetwork, for one crop\n\n");
    const torch::Tensor crop = torch::zeros({1, kLeads, crop_samples()});
    absl::StrAppend(&text, LayerTable(LayersOf(*network_, crop)), "\nCorpus\n\n", data_->Summary(), "\n",
                    data_->ClassTable());
    return text;
  }

  // Summary describes data, network and device in a few lines.
  std::string Summary() const {
    const size_t members = network_->Members().size();
    return absl::StrCat(
        data_->Summary(), "network   ", WithThousands(ParameterCount(*network_)), " parameters",
        members > 1 ? absl::StrCat(" of ", members, " members") : "", ", on ", device_.torch.str(), "\n",
        group_ == nullptr ? "" : absl::StrCat("network   ", group_->InWords(), "\n"),
        initial_weights_ ? absl::StrCat("weights   ", initial_weights_->file(), InitialParts(), "\n") : "");
  }

  // UseInitialWeights makes a new training start from the weights in `path`, a run's folder, safetensors or PyTorch's,
  // instead of random ones: those of the parts that the spec names, in each member of an ensemble, or of the whole
  // network, which must then be the same with the same number of classes.
  absl::Status UseInitialWeights(std::filesystem::path path) {
    if (std::filesystem::is_directory(path)) {
      ECG_RETURN_IF_ERROR(RunFolder(path).CheckOneNetwork("a training"));
      path = RunFolder(path).model();
    }
    std::vector<NamedPart> parts;
    initial_weights_.emplace();
    for (const spec::NetworkPart& part : spec_.training().start_from().part()) {
      parts.push_back({part.prefix(), part.prefix_in_file()});
      initial_weights_->add_part(part.prefix());
    }
    if (parts.empty()) {
      ECG_RETURN_IF_ERROR(LoadWeights(path, StateOf(*network_)));
    } else {
      for (const NetworkMember& member : network_->Members()) {
        ECG_RETURN_IF_ERROR(LoadParts(path, parts, StateOf(*member.network)));
      }
    }
    ECG_ASSIGN_OR_RETURN(std::string sha256, FileSha256(path));
    initial_weights_->set_file(std::filesystem::absolute(path).string());
    initial_weights_->set_sha256(std::move(sha256));
    return absl::OkStatus();
  }

  // Start makes `folder` that of a new run. Given weights are kept in it as the checkpoint before the first epoch, so
  // that a run which is stopped in that epoch still continues from them; and before the spec, which makes it a run.
  absl::Status Start(const RunFolder& folder) {
    ECG_RETURN_IF_ERROR(CheckParts());
    ECG_RETURN_IF_ERROR(ParameterGroups::Create(spec_.training(), *network_).status());
    ECG_RETURN_IF_ERROR(FindBatchSize());
    ECG_RETURN_IF_ERROR(CheckSteps());
    if (!leads()) return absl::OkStatus();
    if (initial_weights_) {
      run::TrainingState state;
      *state.mutable_initial_weights() = *initial_weights_;
      ECG_ASSIGN_OR_RETURN(std::unique_ptr<AnyUpdateRule> rule, MakeRule());
      const Optimizer optimizer(*network_, std::move(rule), spec_.training().optimizer().learning_rate());
      ECG_RETURN_IF_ERROR(
          Checkpoints(folder.checkpoints()).Save(StateOf(*network_), optimizer, {}, /*best=*/nullptr, state));
    }
    return folder.Start(spec_, data_->Identity());
  }

  // FindLearningRate tries ever larger learning rates on the training records, and writes the loss at each to `file`,
  // CSV. It returns what to print. Nothing else is written, and there is no run afterwards.
  absl::StatusOr<std::string> FindLearningRate(const std::filesystem::path& file) {
    ECG_RETURN_IF_ERROR(FindBatchSize());
    data_->MoveToDevice(device_, crop_samples());
    ECG_ASSIGN_OR_RETURN(TrainingParts parts, MakeParts(file.parent_path()));
    ECG_ASSIGN_OR_RETURN(
        const std::vector<RangePoint> points,
        LearningRateRange(*network_, data_->train(), spec_, crop_samples(), std::move(parts), device_));
    std::string text;
    AppendCsvRow({"learning_rate", "loss", "smoothed_loss"}, &text);
    for (const RangePoint& point : points) {
      AppendCsvRow({absl::StrCat(point.learning_rate), absl::StrCat(point.loss), absl::StrCat(point.smoothed_loss)},
                   &text);
    }
    ECG_RETURN_IF_ERROR(MakeDirectories(file.parent_path()));
    ECG_RETURN_IF_ERROR(WriteFile(file, text));
    ECG_ASSIGN_OR_RETURN(const SuggestedRates rates, SuggestRates(points));
    return absl::StrCat(
        RangeCurve(points),
        absl::StrFormat("\nThe loss falls most steeply at %.1e; a tenth of where it is smallest is %.1e. "
                        "Try\n\n  --set=training.optimizer.learning_rate=%.1e\n",
                        rates.steepest, rates.tenth_of_minimum, rates.tenth_of_minimum));
  }

  // Train fits the network, continuing from the last checkpoint in `folder` when there is one, tests it, and leaves the
  // results in `folder`. `watchers` are told of the training.
  absl::StatusOr<run::Run> Train(const RunFolder& folder, std::vector<std::unique_ptr<AnyCallback>> watchers = {}) {
    data_->MoveToDevice(device_, crop_samples());
    ECG_ASSIGN_OR_RETURN(TrainingParts parts, MakeParts(folder.path()));
    if (leads()) {
      ECG_ASSIGN_OR_RETURN(const ProcessShare share, ProcessShare::Create(spec_.training(), group_));
      parts.callbacks.push_back(Callbacks::Erase(HistoryFile(folder.history())));
      parts.callbacks.push_back(Callbacks::Erase(TensorBoardLog(folder.path(), ToText(spec_), score_name())));
      parts.callbacks.push_back(Callbacks::Erase(Console(share.crops_per_step(), objective_->score_name())));
      std::ranges::move(watchers, std::back_inserter(parts.callbacks));
    } else {
      parts.callbacks.clear();
    }
    TrainingLoop loop(spec_, data_->sampling_frequency_hz(), std::move(parts), device_, folder.checkpoints());
    ECG_ASSIGN_OR_RETURN(const run::TrainingState state, loop.Fit(*network_, data_->train(), data_->validation()));
    if (leads()) {
      // The file that is there belongs to other weights.
      std::error_code error;
      std::filesystem::remove(folder.features(), error);
      ECG_RETURN_IF_ERROR(WriteModel(folder));
    }
    return Finish(folder, state);
  }

  // Evaluate tests the network that an earlier Train left in `folder`, and replaces the results there.
  absl::StatusOr<run::Run> Evaluate(const RunFolder& folder) {
    ECG_RETURN_IF_ERROR(CheckTrainedOn(folder));
    ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors(folder.model()));
    data_->MoveToDevice(device_, crop_samples());
    MoveNetwork(*network_, device_);
    objective_->To(device_.torch);
    ECG_RETURN_IF_ERROR(WithContext(LoadState(weights, StateOf(*network_)), folder.model().string()));
    ECG_ASSIGN_OR_RETURN(const run::TrainingState state, Checkpoints(folder.checkpoints()).ReadState());
    return Finish(folder, state);
  }

 private:
  // InitialParts returns which parts have the initial weights, in brackets.
  std::string InitialParts() const {
    return initial_weights_->part().empty() ? ""
                                            : absl::StrCat(" (", absl::StrJoin(initial_weights_->part(), ", "), ")");
  }

  ExperimentRun(absl::string_view name, const spec::Experiment& spec, const Recipe& recipe, const Device& device,
                ProcessGroup* group)
      : name_(name), spec_(spec), recipe_(recipe), device_(device), group_(group) {}

  // Whether this process writes and prints.
  bool leads() const { return group_ == nullptr || group_->leads(); }

  int crop_samples() const { return CropSamples(spec_.data(), data_->sampling_frequency_hz()); }

  absl::StatusOr<std::unique_ptr<AnyUpdateRule>> MakeRule() const {
    return recipe_.update_rules.Make(spec_.training().optimizer());
  }

  // FindBatchSize puts the largest batch size that fits in the place of AUTO.
  absl::Status FindBatchSize() {
    ECG_RETURN_IF_ERROR(MakeRule().status());
    if (spec_.training().batch_size() != 0) return absl::OkStatus();
    if (group_ != nullptr) {
      return absl::InvalidArgumentError(
          "training.batch_size is AUTO, which is found by one process alone; write a number for several");
    }
    data_->MoveToDevice(device_, crop_samples());
    objective_->To(device_.torch);
    ECG_ASSIGN_OR_RETURN(const int batch_size, LargestBatchSize(
                                                   *network_, data_->train(), crop_samples(), *objective_,
                                                   [&] { return std::move(MakeRule()).value(); }, spec_, device_));
    spec_.mutable_training()->set_batch_size(batch_size);
    return absl::OkStatus();
  }

  // CheckSteps refuses fewer training records than a step takes.
  absl::Status CheckSteps() const {
    ECG_ASSIGN_OR_RETURN(const ProcessShare share, ProcessShare::Create(spec_.training(), group_));
    ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnySampler> sampler, recipe_.samplers.Make(spec_.training().sampler()));
    return share.Steps(sampler->Order(data_->train(), spec_.runtime().seed(), /*epoch=*/1).size()).status();
  }

  // MakeParts returns what trains; callbacks of the spec write to `folder`.
  absl::StatusOr<TrainingParts> MakeParts(const std::filesystem::path& folder) const {
    ECG_ASSIGN_OR_RETURN(
        TrainingParts parts,
        MakeTrainingParts(recipe_, spec_.training(), {data_->sampling_frequency_hz(), data_->scaler()}, folder));
    parts.objective = objective_.get();
    parts.aggregation = aggregation_.get();
    parts.metrics = &metrics_;
    parts.group = group_;
    return parts;
  }

  // SetPriorBias makes the frequencies of the classes the network's first probabilities.
  absl::Status SetPriorBias() {
    if (!objective_->has_logits()) {
      return absl::InvalidArgumentError("training.prior_bias needs an objective with a Logits; leave it out");
    }
    const TrainingLabels labels = data_->Training();
    const torch::Tensor logits = objective_->Logits(ClassFrequencies(labels.positives, labels.records));
    for (const NetworkMember& member : network_->Members()) {
      ECG_RETURN_IF_ERROR(SetOutputBias(*member.network, logits));
    }
    return absl::OkStatus();
  }

  absl::Status MakeEvaluation() {
    ECG_ASSIGN_OR_RETURN(aggregation_, recipe_.aggregations.Make(spec_.evaluation(), {objective_.get()}));
    ECG_ASSIGN_OR_RETURN(metrics_, recipe_.metrics.MakeAll(spec_.evaluation().metric()));
    ECG_ASSIGN_OR_RETURN(writers_, recipe_.result_writers.MakeAll(spec_.result_writer()));
    return absl::OkStatus();
  }

  // CheckParts refuses a validation part that cannot be scored, warns of such a test part, and refuses patients in two
  // parts, before anything is trained.
  absl::Status CheckParts() const {
    const auto score = [this](const SplitPart& part) {
      const std::vector<uint8_t> targets = part.Targets();
      const std::vector<float> same(targets.size(), 0.5f);
      return objective_->Score({data_->labels().classes, targets, same}).status();
    };
    ECG_RETURN_IF_ERROR(WithContext(score(data_->validation()), "the validation records"));
    if (const absl::Status status = score(data_->test()); !status.ok() && leads()) {
      std::fprintf(stderr, "there will be no test score: %s\n", std::string(status.message()).c_str());
    }
    return data_->CheckPatients(spec_);
  }

  // CheckCrops refuses crops that the network cannot read, before anything is trained.
  absl::Status CheckCrops() {
    const int samples = crop_samples();
    const std::string context =
        absl::StrCat("a crop has ", samples, " samples (data.crop_seconds at ", data_->sampling_frequency_hz(), " Hz)");
    ECG_RETURN_IF_ERROR(WithContext(network_->CheckSamples(samples), context));
    const torch::NoGradGuard no_grad;
    network_->eval();
    try {
      network_->forward(torch::zeros({1, kLeads, samples}));
    } catch (const c10::Error& error) {
      return absl::InvalidArgumentError(
          absl::StrCat(context, ", which the network cannot read: ", error.what_without_backtrace(),
                       "; make data.crop_seconds longer"));
    }
    return absl::OkStatus();
  }

  ModelMetadata Metadata() const {
    const Corpus& corpus = data_->corpus();
    return {.name = name_,
            .classes = data_->labels().classes,
            .leads = {kLeadNames.begin(), kLeadNames.end()},
            .sampling_frequency_hz = corpus.sampling_frequency_hz,
            .crop_samples = crop_samples(),
            .scaler = data_->scaler(),
            .preprocessing = PreprocessingInWords(spec_.data().preprocessing()),
            .synthetic = corpus.synthetic,
            .window_stride_samples = StrideSamples(spec_, corpus.sampling_frequency_hz),
            .aggregation = AggregationName(spec_.evaluation()),
            .depends_on_batch = network_->DependsOnBatch(),
            .reads_demographics = network_->ReadsDemographics(),
            .refuses = Refused(),
            .temperatures = calibration_.temperatures,
            .thresholds = calibration_.thresholds,
            .training_ages = TrainingAges()};
  }

  std::vector<std::string> Refused() const {
    std::vector<std::string> kinds;
    for (const int kind : spec_.prediction().refuse()) {
      kinds.push_back(spec::Prediction::Unsuitable_Name(static_cast<spec::Prediction::Unsuitable>(kind)));
    }
    return kinds;
  }

  std::optional<std::pair<double, double>> TrainingAges() const {
    std::optional<std::pair<double, double>> ages;
    for (const int record : data_->train().Records()) {
      const std::optional<double> age = data_->corpus().records.demographics(record).age_years;
      if (!age) continue;
      if (!ages) ages.emplace(*age, *age);
      ages->first = std::min(ages->first, *age);
      ages->second = std::max(ages->second, *age);
    }
    return ages;
  }

  absl::Status WriteModel(const RunFolder& folder) const {
    return WriteTensors(folder.model(), StateOf(*network_), Metadata().ToMap());
  }

  // WriteFeatures writes where the training records lie in the space of the features. Where the network has none, or
  // they cannot be measured by, it removes what another training left; a run does not fail for it.
  absl::Status WriteFeatures(const RunFolder& folder) {
    const absl::StatusOr<std::optional<FeatureSpace>> space =
        FitFeatureSpace(*network_, data_->train(), data_->validation(),
                        WindowOptionsOf(spec_, data_->sampling_frequency_hz()), device_, spec_.runtime().seed());
    if (space.ok() && *space) return (*space)->Write(folder.features());
    if (!space.ok()) {
      std::fprintf(stderr, "predictions will not tell how unlike the training records a recording is: %s\n",
                   std::string(space.status().message()).c_str());
    }
    std::error_code error;
    std::filesystem::remove(folder.features(), error);
    return absl::OkStatus();
  }

  // CheckTrainedOn refuses weights that were trained on other classes, leads or another sampling frequency than the
  // data have.
  absl::Status CheckTrainedOn(const RunFolder& folder) const {
    ECG_ASSIGN_OR_RETURN(const ModelMetadata trained, ModelMetadata::Read(folder.model()));
    auto found = trained.ToMap(), expected = Metadata().ToMap();
    for (const char* key : {"classes", "leads", "sampling_frequency_hz", "preprocessing"}) {
      if (found[key] == expected[key]) continue;
      return absl::InvalidArgumentError(absl::StrCat(folder.model().string(), " was trained on other ", key,
                                                     ": expected ", expected[key], ", found ", found[key],
                                                     ". Evaluate it on the corpus it was trained on"));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Evaluation> EvaluatePart(const SplitPart& part, absl::string_view what) {
    return ecg::Evaluate(*network_, part, WindowOptionsOf(spec_, data_->sampling_frequency_hz()), *aggregation_,
                         *objective_, device_, what, group_);
  }

  // Finish scores the network, and writes run.json and what the result writers write. A test part without a class that
  // can be scored is left without a score.
  absl::StatusOr<run::Run> Finish(const RunFolder& folder, const run::TrainingState& state) {
    const Stopwatch stopwatch;
    const std::vector<std::string>& classes = data_->labels().classes;
    run::Run run = Facts(state);
    if (!leads()) {
      // This process's share of the evaluations below.
      ECG_RETURN_IF_ERROR(EvaluatePart(data_->validation(), "validating").status());
      ECG_RETURN_IF_ERROR(EvaluatePart(data_->test(), "testing").status());
      return run;
    }
    ECG_ASSIGN_OR_RETURN(const Evaluation validation, EvaluatePart(data_->validation(), "validating"));
    ECG_ASSIGN_OR_RETURN(*run.mutable_validation(),
                         ReportOf(*objective_, validation.predictions(classes), metrics_, "validation"));
    run.mutable_validation()->set_loss(validation.loss);
    // Where classes exclude each other, none is reported by a threshold of its own.
    if (!spec_.training().has_multi_class() && !spec_.training().has_self_supervised()) {
      ECG_ASSIGN_OR_RETURN(calibration_, Calibrate(validation.predictions(classes)));
      ECG_RETURN_IF_ERROR(WriteModel(folder));
    }
    if (!spec_.training().has_self_supervised()) {
      ECG_RETURN_IF_ERROR(WritePredictions(folder.validation_predictions(), IdsOf(data_->validation()), classes,
                                           validation.targets, validation.predictions(classes).probabilities));
    }
    ECG_ASSIGN_OR_RETURN(const Evaluation test, EvaluatePart(data_->test(), "testing"));
    const Predictions predictions = test.predictions(classes);
    absl::StatusOr<run::Scores> scores = ReportOf(*objective_, predictions, metrics_, "test");
    if (scores.ok()) {
      *run.mutable_test() = *std::move(scores);
      ECG_ASSIGN_OR_RETURN(*run.mutable_test()->mutable_bootstrap(), ScoreInterval(*objective_, predictions, spec_));
    } else {
      run.set_test_not_scored(std::string(scores.status().message()));
    }
    run.mutable_test()->set_loss(test.loss);
    run.mutable_timing()->set_test_seconds(stopwatch.seconds());
    if (!spec_.training().has_self_supervised()) ECG_RETURN_IF_ERROR(WriteFeatures(folder));
    // Without labels the columns are no classes.
    ECG_RETURN_IF_ERROR(LogTest(folder.path(), state.steps(),
                                spec_.training().has_self_supervised() ? Predictions() : predictions, run.test()));
    ECG_RETURN_IF_ERROR(WriteResults(folder, predictions, run));
    return run;
  }

  // IdsOf returns the ids of the records of `part`.
  std::vector<std::string> IdsOf(const SplitPart& part) const {
    std::vector<std::string> ids;
    for (const int record : part.Records()) ids.push_back(data_->signals().id(record));
    return ids;
  }

  absl::Status WriteResults(const RunFolder& folder, const Predictions& predictions, run::Run& run) {
    const std::vector<std::string> ids = IdsOf(data_->test());
    const ModelMetadata metadata = Metadata();
    const CompletedRun completed{folder.path(), run, *network_, *objective_, metadata, ids, predictions};
    ECG_RETURN_IF_ERROR(WritePredictionsOf(completed));
    // Without labels there are no predictions to serve.
    if (!spec_.training().has_self_supervised()) ECG_RETURN_IF_ERROR(WriteOnnxOf(completed));
    AddPeakMemory(device_, run);
    for (const auto& writer : writers_) ECG_RETURN_IF_ERROR(writer->Write(completed));
    // It makes the run a finished one, so that it is not there where something before it failed.
    ECG_ASSIGN_OR_RETURN(const std::string json, RunJson(run));
    ECG_RETURN_IF_ERROR(WriteFile(folder.run(), json));
    WriteReportOf(completed);
    return absl::OkStatus();
  }

  // Facts returns the description of the run, without scores.
  run::Run Facts(const run::TrainingState& state) const {
    const SplitPart &train = data_->train(), &validation = data_->validation(), &test = data_->test();
    run::Run run = RunFacts(name_, spec_, data_->corpus(), data_->scaler(), device_);
    run.mutable_records()->set_total(train.size() + validation.size() + test.size());
    run.mutable_records()->set_train(train.size());
    run.mutable_records()->set_validation(validation.size());
    run.mutable_records()->set_test(test.size());
    const auto occurring = [](const SplitPart& part) {
      const std::vector<int64_t> positives = PositivesOf(part);
      return static_cast<int>(positives.size() - std::ranges::count(positives, 0));
    };
    run.mutable_classes()->set_total(test.classes());
    run.mutable_classes()->set_train(occurring(train));
    run.mutable_classes()->set_validation(occurring(validation));
    run.mutable_classes()->set_test(occurring(test));
    for (const int record : data_->signals().unusable()) {
      run::LeftOutRecord& left_out = *run.add_left_out_records();
      left_out.set_id(data_->signals().id(record));
      left_out.set_reason(data_->signals().reason(record));
    }
    if (data_->shared_patients() > 0) run.set_shared_patients(data_->shared_patients());
    if (group_ != nullptr) run.set_processes(group_->size());
    run.set_parameters(ParameterCount(*network_));
    run.set_epochs(state.history_size());
    const bool keeps_last = spec_.training().kept_weights() == spec::Training::LAST;
    run.set_best_epoch(keeps_last ? state.history_size() : state.best_epoch());
    if (state.has_initial_weights()) *run.mutable_initial_weights() = state.initial_weights();
    double seconds = 0, training_seconds = 0, wait_seconds = 0, crops = 0;
    for (const run::Epoch& epoch : state.history()) {
      seconds += epoch.seconds();
      training_seconds += epoch.training_seconds();
      wait_seconds += epoch.loader_wait_seconds();
      crops += epoch.crops();
    }
    run.mutable_timing()->set_data_seconds(data_seconds_);
    run.mutable_timing()->set_training_seconds(seconds);
    run.mutable_timing()->set_loader_wait_seconds(wait_seconds);
    run.mutable_timing()->set_crops_per_second(crops / training_seconds);
    return run;
  }

  const std::string name_;
  spec::Experiment spec_;
  const Recipe recipe_;
  const Device device_;
  ProcessGroup* const group_;
  std::unique_ptr<ExperimentData> data_;
  std::unique_ptr<AnyObjective> objective_;
  std::unique_ptr<AnyAggregation> aggregation_;
  MetricList metrics_;
  std::vector<std::unique_ptr<AnyResultWriter>> writers_;
  std::shared_ptr<Network> network_;
  std::optional<run::InitialWeights> initial_weights_;
  ClassCalibration calibration_;  // once the network is validated
  double data_seconds_ = 0;
};

}  // namespace ecg

#endif  // ECG_EXPERIMENT_EXPERIMENT_RUN_H_

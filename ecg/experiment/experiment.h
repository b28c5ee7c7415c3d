// experiment.h
//
// A corpus, a network and a trainer put together: everything between a spec and a folder of results.
//
//   using ResNet18OnPtbXl = Experiment<PtbXl, Classifier<ResNet<BasicBlock>>, Trainer<MultiLabel>>;
//   ECG_ASSIGN_OR_RETURN(auto experiment, ResNet18OnPtbXl::Open("resnet18_all", spec, CacheDirectory(), device));
//   ECG_RETURN_IF_ERROR(experiment.Start(RunFolder(path)));
//   ECG_ASSIGN_OR_RETURN(run::Run run, experiment.Train(RunFolder(path)));

#ifndef ECG_EXPERIMENT_EXPERIMENT_H_
#define ECG_EXPERIMENT_EXPERIMENT_H_

#include <sys/resource.h>
#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/target_tensor.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/scaler.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/target_versus_normal.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/experiment/run_facts.h"
#include "ecg/file/file.h"
#include "ecg/file/sha256.h"
#include "ecg/model/layers.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/onnx/export.h"
#include "ecg/random/random.h"
#include "ecg/run/history.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/named_score.h"
#include "ecg/signal/lead.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/console.h"
#include "ecg/terminal/progress.h"
#include "ecg/terminal/stopwatch.h"
#include "ecg/train/batch_size.h"
#include "ecg/train/batch_source.h"
#include "ecg/train/checkpoint.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/predict.h"
#include "ecg/train/trainer.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// ExperimentOn is what an experiment does whatever its network: so it is compiled once for a corpus and an objective,
// not for each network. `TrainerType` is made from the spec, the device and a folder for checkpoints.
template <Dataset D, typename TrainerType>
class ExperimentOn {
 public:
  using Objective = typename TrainerType::Objective;

  // Open reads the corpus in the spec's data_dir, packs its signals where that was not done before, and makes the
  // network. `spec` has its defaults filled in.
  static absl::StatusOr<ExperimentOn> Open(absl::string_view name, spec::Experiment spec,
                                           const std::filesystem::path& cache_dir, const Device& device,
                                           NetworkFactory make_network) {
    const Stopwatch stopwatch;
    const typename D::Spec& dataset_spec = D::SpecIn(*spec.mutable_data());
    ECG_ASSIGN_OR_RETURN(D dataset, D::Open(dataset_spec, dataset_spec.data_dir()));
    Labels labels = dataset.labels();
    if (spec.data().has_target_versus_normal()) {
      ECG_ASSIGN_OR_RETURN(labels, TargetVersusNormalLabels(dataset.labels(), spec.data().target_versus_normal()));
    }
    ECG_ASSIGN_OR_RETURN(PackedSignals signals,
                         PackInCache(dataset, {.bad_records = spec.data().bad_records()}, cache_dir));
    ExperimentOn experiment(name, spec, std::move(dataset), std::move(labels), std::move(signals), device);
    ECG_RETURN_IF_ERROR(experiment.Prepare(make_network));
    experiment.data_seconds_ = stopwatch.seconds();
    return experiment;
  }

  // Describe returns the spec, the network layer by layer, and how often each class occurs.
  std::string Describe() const {
    std::string text =
        absl::StrCat("Spec, with every default filled in\n\n", ToText(spec_), "\nNetwork, for one crop\n\n");
    const torch::Tensor crop = torch::zeros({1, kLeads, CropSamples(spec_.data())});
    absl::StrAppend(&text, LayerTable(LayersOf(*network_, crop)), "\nCorpus\n\n", CorpusLines(), "\n");

    const std::vector<std::string>& classes = labels().classes;
    size_t width = 5;
    for (const std::string& one : classes) width = std::max(width, one.size());
    absl::StrAppendFormat(&text, "%-*s  %8s  %10s  %8s\n", width, "class", "training", "validation", "test");
    const std::vector<int> train = PositivesOf(state_->train), validation = PositivesOf(state_->validation),
                           test = PositivesOf(state_->test);
    for (size_t k = 0; k < classes.size(); ++k) {
      absl::StrAppendFormat(&text, "%-*s  %8s  %10s  %8s\n", width, classes[k], WithThousands(train[k]),
                            WithThousands(validation[k]), WithThousands(test[k]));
    }
    return text;
  }

  // Summary returns a few lines that say what is about to be done.
  std::string Summary() const {
    return absl::StrCat(CorpusLines(), "network   ", WithThousands(ParameterCount(*network_)), " parameters, on ",
                        device_.torch.str(), "\n",
                        initial_weights_ ? absl::StrCat("weights   ", initial_weights_->file(), "\n") : "");
  }

  // UseInitialWeights makes a new training start from the weights in `path`, safetensors or PyTorch's, instead of
  // random ones. They must be of the same network with the same number of classes.
  absl::Status UseInitialWeights(const std::filesystem::path& path) {
    ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors(path));
    ECG_RETURN_IF_ERROR(WithContext(LoadState(weights, StateOf(*network_)), path.string()));
    ECG_ASSIGN_OR_RETURN(std::string sha256, FileSha256(path));
    initial_weights_.emplace();
    initial_weights_->set_file(std::filesystem::absolute(path).string());
    initial_weights_->set_sha256(std::move(sha256));
    return absl::OkStatus();
  }

  // Start makes `folder` that of a new run. Given weights are kept in it as the checkpoint before the first epoch, so
  // that a run which is stopped in that epoch still goes on from them; and before the spec, which makes it a run.
  absl::Status Start(const RunFolder& folder) {
    if (spec_.training().batch_size() == 0) {
      MoveSignalsToDevice();
      ECG_ASSIGN_OR_RETURN(const int batch_size, LargestBatchSize<Objective>(*network_, state_->train, spec_, device_));
      spec_.mutable_training()->set_batch_size(batch_size);
    }
    if (initial_weights_) {
      run::TrainingState state;
      *state.mutable_initial_weights() = *initial_weights_;
      const auto optimizer = MakeOptimizer(spec_.training().optimizer(), *network_);
      ECG_RETURN_IF_ERROR(
          Checkpoints(folder.checkpoints()).Save(StateOf(*network_), *optimizer, /*is_best=*/false, state));
    }
    return folder.Start(spec_);
  }

  // Train fits the network, going on from the last checkpoint in `folder` when there is one, tests it, and leaves the
  // results in `folder`.
  absl::StatusOr<run::Run> Train(const RunFolder& folder) {
    MoveSignalsToDevice();
    TrainerType trainer(spec_, device_, folder.checkpoints());
    Console console(spec_.training().epochs(), spec_.training().batch_size(), Objective::kScoreName);
    HistoryFile history(folder.history());
    ECG_ASSIGN_OR_RETURN(const run::TrainingState state,
                         trainer.Fit(*network_, state_->train, state_->validation, console, history));
    ECG_RETURN_IF_ERROR(WriteTensors(folder.model(), StateOf(*network_), Trained().Metadata()));
    return Finish(folder, state);
  }

  // Evaluate tests the network that an earlier Train left in `folder`, and replaces the results there.
  absl::StatusOr<run::Run> Evaluate(const RunFolder& folder) {
    ECG_ASSIGN_OR_RETURN(const NamedTensors weights, ReadTensors(folder.model()));
    ECG_RETURN_IF_ERROR(TakeScaler(folder));
    MoveSignalsToDevice();
    MoveNetwork(*network_, device_);
    ECG_RETURN_IF_ERROR(WithContext(LoadState(weights, StateOf(*network_)), folder.model().string()));
    ECG_ASSIGN_OR_RETURN(const run::TrainingState state, Checkpoints(folder.checkpoints()).ReadState());
    return Finish(folder, state);
  }

 private:
  // What the parts of the split refer to, at an address that does not change when the experiment is moved.
  struct State {
    D dataset;
    Labels labels;
    PackedSignals signals;
    SplitPart train, validation, test;
    std::unique_ptr<DeviceSignals> resident;
  };

  ExperimentOn(absl::string_view name, const spec::Experiment& spec, D dataset, Labels labels, PackedSignals signals,
               const Device& device)
      : name_(name), spec_(spec), device_(device) {
    state_ = std::make_unique<State>(State{std::move(dataset), std::move(labels), std::move(signals), {}, {}, {}, {}});
  }

  const Labels& labels() const { return state_->labels; }

  absl::Status Prepare(NetworkFactory make_network) {
    const Split split =
        KeepRecords(state_->dataset.split(), labels(), [this](int record) { return state_->signals.usable(record); });
    for (const auto& [part, rows, what] : {std::tuple{&state_->train, &split.train, "training"},
                                           std::tuple{&state_->validation, &split.validation, "validation"},
                                           std::tuple{&state_->test, &split.test, "test"}}) {
      part->signals = &state_->signals;
      part->labels = &labels();
      part->rows = *rows;
      if (part->rows.empty()) {
        return absl::FailedPreconditionError(absl::StrCat("there is no ", what, " record of this task and split in ",
                                                          state_->dataset.corpus().data_dir.string()));
      }
    }
    Scaler scaler;
    if (spec_.data().standardise()) {
      ECG_ASSIGN_OR_RETURN(scaler, FitScaler(state_->signals, state_->train.Records()));
    }
    state_->train.scaler = state_->validation.scaler = state_->test.scaler = scaler;

    torch::manual_seed(Random({static_cast<uint64_t>(spec_.runtime().seed())})());
    network_ = make_network(spec_.model(), kLeads, static_cast<int>(labels().classes.size()));
    return CheckCrops();
  }

  // CheckCrops refuses crops that the network cannot read, before anything is trained.
  absl::Status CheckCrops() {
    const int samples = CropSamples(spec_.data());
    const std::string context = absl::StrCat("a crop has ", samples, " samples (data.crop_seconds at ",
                                             state_->dataset.corpus().sampling_frequency_hz, " Hz)");
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

  // MoveSignalsToDevice copies the signals into a CUDA device's memory, where they fit.
  void MoveSignalsToDevice() {
    if (state_->resident == nullptr) {
      state_->resident = MakeDeviceSignals(state_->signals, device_.torch, CropSamples(spec_.data()));
    }
    for (SplitPart* part : {&state_->train, &state_->validation, &state_->test}) {
      part->resident = state_->resident.get();
    }
  }

  // CorpusLines returns what was found: the corpus, its parts, and what signals are standardised with.
  std::string CorpusLines() const {
    const Corpus& corpus = state_->dataset.corpus();
    const Scaler& scaler = state_->train.scaler;
    std::string text = absl::StrFormat(
        "corpus    %s %s, %s records at %d Hz, in %s\n"
        "task      %d classes, %s training, %s validation and %s test records\n"
        "scaling   mean %.6g mV, standard deviation %.6g mV\n",
        corpus.dataset, corpus.version, WithThousands(corpus.records.size()), corpus.sampling_frequency_hz,
        corpus.data_dir.string(), labels().classes.size(), WithThousands(state_->train.size()),
        WithThousands(state_->validation.size()), WithThousands(state_->test.size()), scaler.mean_mv,
        scaler.standard_deviation_mv);
    for (const int record : state_->signals.unusable()) {
      absl::StrAppend(&text, "left out  record ", state_->signals.id(record), ": ", state_->signals.reason(record),
                      "\n");
    }
    return text;
  }

  // PositivesOf returns how many records of `part` have each class.
  static std::vector<int> PositivesOf(const SplitPart& part) {
    std::vector<int> positives(part.classes());
    for (const int row : part.rows) {
      const std::span<const uint8_t> targets = part.labels->row(row);
      for (size_t k = 0; k < targets.size(); ++k) positives[k] += targets[k];
    }
    return positives;
  }

  // Trained returns what a stranger needs to use the weights.
  ModelMetadata Trained() const {
    const Corpus& corpus = state_->dataset.corpus();
    return {.name = name_,
            .classes = labels().classes,
            .leads = {kLeadNames.begin(), kLeadNames.end()},
            .sampling_frequency_hz = corpus.sampling_frequency_hz,
            .crop_samples = CropSamples(spec_.data()),
            .scaler = state_->train.scaler,
            .synthetic = corpus.synthetic};
  }

  // TakeScaler makes sure that the weights in `folder` are about the same classes, and takes their scaling.
  absl::Status TakeScaler(const RunFolder& folder) {
    ECG_ASSIGN_OR_RETURN(const ModelMetadata found, ModelMetadata::Read(folder.model()));
    const std::map<std::string, std::string> is = found.Metadata(), expected = Trained().Metadata();
    for (const char* key : {"classes", "leads", "sampling_frequency_hz"}) {
      if (is.at(key) != expected.at(key)) {
        return absl::InvalidArgumentError(absl::StrCat(folder.model().string(), " was trained on other ", key,
                                                       ": expected ", expected.at(key), ", found ", is.at(key),
                                                       ". Evaluate it on the corpus it was trained on"));
      }
    }
    state_->train.scaler = state_->validation.scaler = state_->test.scaler = found.scaler;
    return absl::OkStatus();
  }

  // Evaluation is what the network says of one part.
  struct Evaluation {
    std::vector<uint8_t> targets;
    torch::Tensor probabilities;  // float32 [size, K]
    run::Scores scores;

    Predictions predictions(const Labels& labels) const {
      return {.classes = labels.classes,
              .targets = targets,
              .probabilities = {probabilities.data_ptr<float>(), static_cast<size_t>(probabilities.numel())}};
    }
  };

  absl::StatusOr<Evaluation> Evaluate(const SplitPart& part, absl::string_view what) {
    Evaluation evaluation;
    const torch::Tensor logits = Predict(*network_, part, WindowOptions(spec_), device_, what);
    evaluation.targets = part.Targets();
    evaluation.probabilities = Objective::Probabilities(logits).contiguous();
    absl::StatusOr<run::Scores> scores = Objective::Report(evaluation.predictions(labels()));
    if (!scores.ok()) return WithContext(scores.status(), what);
    evaluation.scores = *std::move(scores);
    evaluation.scores.set_loss(Objective::Loss(logits, TargetTensor(part)).template item<double>() / part.size());
    return evaluation;
  }

  // WriteOnnx leaves the network as model.onnx. An own backbone may use what cannot be written: the run is as good
  // without the file, so it only says so.
  absl::Status WriteOnnx(const RunFolder& folder) const {
    const ModelMetadata trained = Trained();
    OnnxOptions options = {
        .leads = kLeads, .samples = trained.crop_samples, .scaler = trained.scaler, .metadata = trained.Metadata()};
    options.metadata["window_stride_samples"] = absl::StrCat(StrideSamples(spec_));
    const absl::Status status = ExportOnnx(folder.onnx(), *network_, &Objective::Probabilities, options);
    if (!absl::IsUnimplemented(status)) return status;
    std::fprintf(stderr, "there will be no model.onnx: %s\n", std::string(status.message()).c_str());
    return absl::OkStatus();
  }

  // Finish scores the network and writes predictions.csv, model.onnx and run.json.
  absl::StatusOr<run::Run> Finish(const RunFolder& folder, const run::TrainingState& state) {
    const Stopwatch stopwatch;
    run::Run run = Facts(state);
    ECG_ASSIGN_OR_RETURN(const Evaluation validation, Evaluate(state_->validation, "validating"));
    ECG_ASSIGN_OR_RETURN(const Evaluation test, Evaluate(state_->test, "testing"));
    *run.mutable_validation() = validation.scores;
    *run.mutable_test() = test.scores;
    const Predictions predictions = test.predictions(labels());
    ECG_ASSIGN_OR_RETURN(*run.mutable_test()->mutable_bootstrap(), ScoreInterval<Objective>(predictions, spec_));
    run.mutable_timing()->set_test_seconds(stopwatch.seconds());

    std::vector<std::string> ids;
    for (const int record : state_->test.Records()) ids.push_back(state_->signals.id(record));
    ECG_RETURN_IF_ERROR(
        WritePredictions(folder.predictions(), ids, labels().classes, predictions.targets, predictions.probabilities));
    ECG_RETURN_IF_ERROR(WriteOnnx(folder));
    rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0) run.set_peak_memory_bytes(usage.ru_maxrss * 1024.0);
    ECG_ASSIGN_OR_RETURN(const std::string json, RunJson(run));
    ECG_RETURN_IF_ERROR(WriteFile(folder.run(), json));
    return run;
  }

  // Facts returns what is known of the run apart from its scores.
  run::Run Facts(const run::TrainingState& state) const {
    run::Run run = RunFacts(name_, spec_, state_->dataset.corpus(), state_->test.scaler, device_);
    run.mutable_records()->set_total(state_->train.size() + state_->validation.size() + state_->test.size());
    run.mutable_records()->set_train(state_->train.size());
    run.mutable_records()->set_validation(state_->validation.size());
    run.mutable_records()->set_test(state_->test.size());
    const auto occurring = [](const SplitPart& part) {
      const std::vector<int> positives = PositivesOf(part);
      return static_cast<int>(positives.size() - std::ranges::count(positives, 0));
    };
    run.mutable_classes()->set_total(state_->test.classes());
    run.mutable_classes()->set_train(occurring(state_->train));
    run.mutable_classes()->set_validation(occurring(state_->validation));
    run.mutable_classes()->set_test(occurring(state_->test));
    for (const int record : state_->signals.unusable()) {
      run::LeftOutRecord& left_out = *run.add_left_out_records();
      left_out.set_id(state_->signals.id(record));
      left_out.set_reason(state_->signals.reason(record));
    }
    run.set_parameters(ParameterCount(*network_));
    run.set_epochs(state.history_size());
    run.set_best_epoch(state.best_epoch());
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

  std::string name_;
  spec::Experiment spec_;
  Device device_;
  std::unique_ptr<State> state_;
  std::shared_ptr<Network> network_;
  std::optional<run::InitialWeights> initial_weights_;
  double data_seconds_ = 0;
};

// Experiment names the parts of one: the corpus, the network, and what trains it for which objective. Main<Experiment>
// is its program.
template <Dataset D, NetworkModel Model, typename TrainerType>
struct Experiment {
  using DatasetType = D;
  using Trainer = TrainerType;

  static std::shared_ptr<Network> MakeNetwork(const spec::Model& model, int leads, int classes) {
    return std::make_shared<Model>(model, leads, classes);
  }
};

}  // namespace ecg

#endif  // ECG_EXPERIMENT_EXPERIMENT_H_

#include "ecg/experiment/main.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/command_line/stop_signals.h"
#include "ecg/device/device.h"
#include "ecg/device/library_settings.h"
#include "ecg/device/threads.h"
#include "ecg/distributed/launch.h"
#include "ecg/distributed/membership.h"
#include "ecg/distributed/process_group.h"
#include "ecg/distributed/shared_processors.h"
#include "ecg/experiment/data_source.h"
#include "ecg/experiment/experiment_run.h"
#include "ecg/experiment/external_validation.h"
#include "ecg/experiment/flags.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/result_lines.h"
#include "ecg/file/path.h"
#include "ecg/live/live_report.h"
#include "ecg/live/live_server.h"
#include "ecg/predict/predict_command.h"
#include "ecg/predict/predictor.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_path.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/embedded_spec.h"
#include "ecg/spec/override.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/settings.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "ecg/train/callback.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {
namespace {

// RunPath returns the folder of the run that `flags` are about.
absl::StatusOr<std::filesystem::path> RunPath(const EmbeddedSpec& embedded, const Flags& flags) {
  if (!flags.output_dir.empty()) return UserPath(flags.output_dir);
  if (flags.continues()) return LatestRunPath(embedded.name);
  return NewRunPath(embedded.name);
}

// SpecOf returns the spec that `flags` ask for, every default filled in. A run that is there has its own, with what was
// overridden when it began.
absl::StatusOr<spec::Experiment> SpecOf(const EmbeddedSpec& embedded, const Flags& flags, const Recipe& recipe,
                                        const RunFolder& folder) {
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, ParseExperiment(embedded.text, embedded.file));
  spec::Experiment before;
  if (flags.continues()) {
    ECG_ASSIGN_OR_RETURN(before, folder.ReadSpec());
    if (CompiledChoices(Resolve(spec)) != CompiledChoices(Resolve(before))) {
      return absl::InvalidArgumentError(absl::StrCat(folder.path().string(), " holds a run of another experiment than ",
                                                     embedded.name, "; use the binary that began it"));
    }
    spec = before;
  }
  if (!flags.settings.empty()) {
    ECG_ASSIGN_OR_RETURN(const spec::Experiment settings, ReadSettings(flags.settings));
    ECG_RETURN_IF_ERROR(WithContext(ApplySettings(settings, spec), absl::StrCat("--settings=", flags.settings)));
  }
  ECG_RETURN_IF_ERROR(Override(spec, flags.set));
  if (!flags.device.empty()) ECG_RETURN_IF_ERROR(Override(spec, absl::StrCat("runtime.device=", flags.device)));
  spec = Resolve(spec);
  if (flags.continues()) {
    ECG_ASSIGN_OR_RETURN(const auto schedule, recipe.schedules.Make(spec.training().optimizer()));
    ECG_RETURN_IF_ERROR(CheckSameExperiment(before, spec, schedule->depends_on_epochs()));
  }
  return spec;
}

// Program is one call of the binary, once its flags are read.
class Program {
 public:
  // With `group` its processes work together.
  Program(const EmbeddedSpec& embedded, const Flags& flags, const Recipe& recipe, RunFolder folder, ProcessGroup* group)
      : embedded_(embedded), flags_(flags), recipe_(recipe), folder_(std::move(folder)), group_(group) {}

  absl::Status Run() {
    const absl::Status status = RunMode();
    if (report_ && !status.ok()) report_->Fail(status);
    return status;
  }

 private:
  absl::Status RunMode() {
    if (!flags_.continues() && !flags_.describe && leads()) ECG_RETURN_IF_ERROR(folder_.CheckNew());
    if (flags_.resume || flags_.mode == "evaluate") {
      const absl::Status status = folder_.CheckOneNetwork(flags_.resume ? "--resume" : "--mode=evaluate");
      if (!status.ok() && flags_.mode == "evaluate" && !flags_.data_dir.empty()) {
        return absl::FailedPreconditionError(
            absl::StrCat(status.message(), "; //cli:validate tests an ensemble on another corpus"));
      }
      ECG_RETURN_IF_ERROR(status);
    }
    ECG_RETURN_IF_ERROR(ReadSpec());
    UseThreads(spec_.runtime().threads(), group_ == nullptr ? 1 : ProcessesOnOwnProcessors(*group_));
    DisableMallocTrimming();
    ECG_ASSIGN_OR_RETURN(device_, ChooseDevice(RuntimeOfProcess()));
    if (!device_.note.empty() && leads()) std::fprintf(stderr, "%s\n", device_.note.c_str());
    if (flags_.mode == "predict") return Predict();
    cache_dir_ = CacheDirectory(spec_.runtime().cache_dir());
    if (flags_.mode == "evaluate" && !flags_.data_dir.empty()) return EvaluateOn(flags_.data_dir);
    if (!flags_.live.empty() && leads()) ECG_RETURN_IF_ERROR(StartLive());

    ECG_RETURN_IF_ERROR(OnePerHostFirst([this] { return FindRecords(); }));
    if (flags_.mode == "evaluate") return Evaluate();
    ECG_RETURN_IF_ERROR(Open());
    if (!flags_.continues() && leads()) ECG_RETURN_IF_ERROR(UseInitialWeights());
    if (flags_.describe) {
      std::fputs(experiment_->Describe().c_str(), stdout);
      return absl::OkStatus();
    }
    if (flags_.mode == "find_learning_rate") return FindLearningRate();
    if (flags_.resume) ECG_RETURN_IF_ERROR(CheckSameRecords());
    ECG_RETURN_IF_ERROR(experiment_->Start(folder_));
    PrintSummary();
    return Train();
  }

  bool leads() const { return group_ == nullptr || group_->leads(); }

  // ReadSpec reads the spec, which all processes have from that of rank 0.
  absl::Status ReadSpec() {
    if (leads()) {
      ECG_ASSIGN_OR_RETURN(spec_, SpecOf(embedded_, flags_, recipe_, folder_));
    }
    if (group_ != nullptr) spec_.ParseFromString(group_->Broadcast(spec_.SerializeAsString()));
    return absl::OkStatus();
  }

  // RuntimeOfProcess returns the spec's, where each process of a host has a CUDA device of its own.
  spec::Runtime RuntimeOfProcess() const {
    spec::Runtime runtime = spec_.runtime();
    if (group_ == nullptr) return runtime;
    if (runtime.device() == "cuda") runtime.set_device(absl::StrCat("cuda:", group_->membership().local_rank));
    // What is exchanged is not part of a recorded graph.
    runtime.set_cuda_graphs(false);
    return runtime;
  }

  // OnePerHostFirst does `work` in one process of each host, and then in the others, which use the files it has made.
  template <typename Work>
  absl::Status OnePerHostFirst(const Work& work) {
    const bool follows = group_ != nullptr && group_->membership().local_rank > 0;
    if (follows) group_->Barrier();
    ECG_RETURN_IF_ERROR(work());
    if (group_ != nullptr && !follows) group_->Barrier();
    return absl::OkStatus();
  }

  // FindRecords finds the records, and notes their folder in the spec.
  absl::Status FindRecords() {
    ECG_ASSIGN_OR_RETURN(const DataSource source,
                         FindData({.dataset = recipe_.dataset,
                                   .demo_records = flags_.demo_records,
                                   .flag = flags_.data_dir,
                                   .variable = flags_.continues() ? nullptr : recipe_.directory_variable,
                                   .in_spec = spec_.data().data_dir(),
                                   .cache_dir = cache_dir_}));
    if (!source.note.empty() && leads()) std::fprintf(stderr, "%s\n", source.note.c_str());
    spec_.mutable_data()->set_data_dir(source.data_dir.string());
    return absl::OkStatus();
  }

  absl::Status Train() {
    std::vector<std::unique_ptr<AnyCallback>> watchers;
    if (report_) {
      report_->Describe(experiment_->Summary(), experiment_->score_name(), experiment_->spec().training().epochs());
      watchers.push_back(Callbacks::Erase(*report_));
    }
    ECG_ASSIGN_OR_RETURN(const run::Run run, experiment_->Train(folder_, std::move(watchers)));
    std::puts(ResultLine(run).c_str());
    if (report_) report_->End(ResultLine(run));
    return absl::OkStatus();
  }

  // StartLive makes the live page, and tells where it is.
  absl::Status StartLive() {
    ECG_ASSIGN_OR_RETURN(const std::optional<int> port, LivePort(flags_.live));
    ECG_ASSIGN_OR_RETURN(live_, LiveServer::Start(port));
    report_.emplace(*live_);
    report_->Begin(std::string(embedded_.name.data(), embedded_.name.size()), folder_.path().string());
    std::printf("live      %s\n", live_->address().c_str());
    std::fflush(stdout);
    return absl::OkStatus();
  }

  absl::Status Predict() const {
    if (!flags_.predict.watch.empty()) BlockStopSignals();
    ECG_ASSIGN_OR_RETURN(const Predictor predictor,
                         Predictor::Load(folder_.path(), recipe_, {.device = device_.torch.str()}));
    return RunPredict(predictor, flags_.predict);
  }

  absl::Status Open(const Scaler* scaler = nullptr) {
    ECG_RETURN_IF_ERROR(OnePerHostFirst([&]() -> absl::Status {
      ECG_ASSIGN_OR_RETURN(experiment_,
                           ExperimentRun::Open(embedded_.name, spec_, recipe_, cache_dir_, device_, scaler, group_));
      return absl::OkStatus();
    }));
    return experiment_->CheckSameRecords();
  }

  // UseInitialWeights makes the training start from the weights that --initial_weights or else the spec names.
  absl::Status UseInitialWeights() {
    std::string weights = flags_.initial_weights;
    if (weights.empty()) weights = spec_.training().start_from().weights();
    if (weights == "RANDOM") return absl::OkStatus();
    if (!weights.empty()) return experiment_->UseInitialWeights(UserPath(weights));
    if (!spec_.training().has_start_from() || flags_.describe) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "training.start_from names no weights; pass --initial_weights=RUN, the folder of a run, or its "
        "model.safetensors, or --initial_weights=RANDOM to start from random ones");
  }

  void PrintSummary() const {
    std::printf("%soutput    %s\n\n", experiment_->Summary().c_str(), folder_.path().c_str());
    std::fflush(stdout);
  }

  absl::Status FindLearningRate() {
    const std::filesystem::path file = folder_.path() / "learning_rates.csv";
    std::printf("%soutput    %s\n\n", experiment_->Summary().c_str(), file.c_str());
    std::fflush(stdout);
    ECG_ASSIGN_OR_RETURN(const std::string text, experiment_->FindLearningRate(file));
    std::fputs(text.c_str(), stdout);
    return absl::OkStatus();
  }

  // OpenEvaluation opens the records in the spec's data_dir, standardised as in training.
  absl::Status OpenEvaluation() {
    ECG_ASSIGN_OR_RETURN(const ModelMetadata trained, ModelMetadata::Read(folder_.model()));
    return Open(&trained.scaler);
  }

  // Evaluate tests the run again, on the records that it was begun on.
  absl::Status Evaluate() {
    ECG_RETURN_IF_ERROR(OpenEvaluation());
    ECG_RETURN_IF_ERROR(CheckSameRecords());
    return EvaluateOpen();
  }

  // EvaluateOn tests the run on the records in `data_dir`: again where they are those it was begun on, wherever they
  // lie, and else as external validation.
  absl::Status EvaluateOn(const std::string& data_dir) {
    const std::filesystem::path folder = std::filesystem::absolute(UserPath(data_dir));
    spec::Experiment trained = spec_;
    spec_.mutable_data()->set_data_dir(folder.string());
    if (OpenEvaluation().ok()) {
      ECG_ASSIGN_OR_RETURN(const bool same, HoldsRecordsOfTheRun(trained));
      if (same) return EvaluateOpen();
    }
    if (trained.training().has_self_supervised()) {
      return absl::InvalidArgumentError(
          "the run was trained without labels, so that it has no classes to test on other records; fine-tune it first");
    }
    experiment_.reset();
    spec_ = std::move(trained);
    const auto recipe_of = [this](const spec::Experiment&) -> absl::StatusOr<Recipe> { return recipe_; };
    ECG_ASSIGN_OR_RETURN(const run::Run run,
                         ValidateExternally(folder_, spec_, recipe_of, device_, folder, cache_dir_));
    std::printf("%s%s\n", MatchLines(run).c_str(), ResultLine(run).c_str());
    return absl::OkStatus();
  }

  absl::Status EvaluateOpen() {
    PrintSummary();
    ECG_ASSIGN_OR_RETURN(const run::Run run, experiment_->Evaluate(folder_));
    std::puts(ResultLine(run).c_str());
    return absl::OkStatus();
  }

  // HoldsRecordsOfTheRun tells whether the open records are those that the run with the spec `trained` was begun on.
  absl::StatusOr<bool> HoldsRecordsOfTheRun(const spec::Experiment& trained) const {
    const absl::StatusOr<run::CorpusIdentity> begun = folder_.ReadCorpus();
    std::error_code error;
    if (absl::IsNotFound(begun.status())) {
      return std::filesystem::equivalent(spec_.data().data_dir(), trained.data().data_dir(), error);
    }
    ECG_RETURN_IF_ERROR(begun.status());
    return experiment_->data().Identity().digest() == begun->digest();
  }

  // CheckSameRecords refuses to continue a run on other records than it was begun on.
  absl::Status CheckSameRecords() const {
    const absl::StatusOr<run::CorpusIdentity> begun = folder_.ReadCorpus();
    if (absl::IsNotFound(begun.status())) return absl::OkStatus();
    ECG_RETURN_IF_ERROR(begun.status());
    const run::CorpusIdentity now = experiment_->data().Identity();
    if (now.digest() == begun->digest()) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(
        "the run in ", folder_.path().string(), " was begun on the ", begun->records(), " records in ",
        begun->data_dir(), "; those in ", now.data_dir(), " (", now.records(),
        ") are others, so it would not be the same experiment. Pass the folder that holds the same records, or start "
        "a new run in another --output_dir"));
  }

  const EmbeddedSpec& embedded_;
  const Flags& flags_;
  const Recipe& recipe_;
  const RunFolder folder_;
  ProcessGroup* const group_;
  spec::Experiment spec_;
  Device device_;
  std::filesystem::path cache_dir_;
  std::unique_ptr<ExperimentRun> experiment_;
  std::unique_ptr<LiveServer> live_;
  std::optional<LiveReport> report_;  // on live_
};

// RunProgram runs the program in the folder that `flags` name, or, for a process of `group`, in that of rank 0.
absl::Status RunProgram(const EmbeddedSpec& embedded, Flags flags, const Recipe& recipe, ProcessGroup* group) {
  std::filesystem::path path;
  const bool leads = group == nullptr || group->leads();
  const bool makes_folder = leads && flags.output_dir.empty() && !flags.continues() && !flags.describe;
  if (leads) {
    ECG_ASSIGN_OR_RETURN(path, RunPath(embedded, flags));
    if (makes_folder) {
      ECG_ASSIGN_OR_RETURN(path, MakeNewFolder(path));
    }
    if (flags.resume_or_begin) flags.resume = std::filesystem::exists(RunFolder(path).spec());
  }
  if (group != nullptr) {
    path = group->Broadcast(path.string());
    flags.resume = group->Broadcast(int64_t{flags.resume}) != 0;
  }
  const absl::Status status = Program(embedded, flags, recipe, RunFolder(path), group).Run();
  if (makes_folder && !status.ok()) {
    std::error_code not_empty;
    std::filesystem::remove(path, not_empty);
  }
  return status;
}

// RunTogether runs the program as one of several processes.
absl::Status RunTogether(const EmbeddedSpec& embedded, const Flags& flags, const Recipe& recipe,
                         const Membership& membership) {
  const bool trains = flags.mode == "train" && !flags.describe;
  if (!trains && (flags.mode != "evaluate" || !flags.data_dir.empty())) {
    return absl::InvalidArgumentError(
        "several processes train, or test a run on its own records; start one alone for anything else");
  }
  if (membership.rank > 0) {
    Progress::SilenceAll();
    if (std::freopen("/dev/null", "w", stdout) == nullptr) return absl::InternalError("cannot write to /dev/null");
  }
  ECG_ASSIGN_OR_RETURN(std::unique_ptr<ProcessGroup> group,
                       ProcessGroup::Join(membership, {.silence = std::chrono::seconds(flags.peer_timeout)}));
  absl::Status status;
  try {
    status = RunProgram(embedded, flags, recipe, group.get());
  } catch (const PeerError& error) {
    status = absl::AbortedError(error.what());
  }
  if (status.ok()) {
    group->Leave();
    return status;
  }
  group->Fail(status.message());
  // What it holds may wait for processes that are gone.
  (void)group.release();
  return WithContext(status, absl::StrCat("rank ", membership.rank));
}

absl::Status RunExperiment(const EmbeddedSpec& embedded, const Flags& flags, const Recipe& recipe) {
  ECG_RETURN_IF_ERROR(CheckFlags(flags));
  ECG_ASSIGN_OR_RETURN(const std::optional<Membership> membership, MembershipFromEnvironment());
  return membership ? RunTogether(embedded, flags, recipe, *membership) : RunProgram(embedded, flags, recipe, nullptr);
}

}  // namespace

int Main(const EmbeddedSpec& embedded, Recipe recipe, int argc, char** argv) {
  AddBuiltInParts(recipe);
  Flags flags;
  const std::string name(embedded.name.data(), embedded.name.size());
  CLI::App app(absl::StrCat("Trains and tests the experiment ", name, ", built from ",
                            std::string(embedded.file.data(), embedded.file.size()), "."),
               name);
  AddFlags(recipe.directory_variable, flags, app);
  if (const std::optional<int> exit_status = ParseFlags(app, argc, argv)) return *exit_status;
  // Not in the processes that this one starts.
  if (flags.processes > 1 && std::getenv("WORLD_SIZE") == nullptr) return LaunchProcesses(flags.processes, argv);
  if (!flags.describe) RestartWithLibrarySettings(argv);

  absl::Status status;
  try {
    status = RunExperiment(embedded, flags, recipe);
  } catch (const c10::Error& error) {
    status = absl::InternalError(absl::StrCat("LibTorch failed: ", error.what_without_backtrace()));
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  return ExitStatus(status);
}

}  // namespace ecg

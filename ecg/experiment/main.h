// main.h
//
// The command line of an experiment.
//
//   int main(int argc, char** argv) {
//     return ecg::Main<ecg::Experiment<ecg::PtbXl, ecg::Classifier<...>, ecg::Trainer<ecg::MultiLabel>>>(
//         {.name = "resnet18_all", .file = "examples/resnet18_all.textproto", .text = R"(...)"}, argc, argv);
//   }

#ifndef ECG_EXPERIMENT_MAIN_H_
#define ECG_EXPERIMENT_MAIN_H_

#include <torch/torch.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/command_line/command_line.h"
#include "ecg/corpus/any_corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/device/device.h"
#include "ecg/device/threads.h"
#include "ecg/device/wait_policy.h"
#include "ecg/experiment/data_source.h"
#include "ecg/experiment/experiment.h"
#include "ecg/experiment/external_validation.h"
#include "ecg/file/path.h"
#include "ecg/run/run_folder.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/embedded_spec.h"
#include "ecg/spec/override.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/settings.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// Flags are what a person may say on the command line.
struct Flags {
  std::string data_dir;
  std::string output_dir;
  std::string device;
  std::string settings;
  std::vector<std::string> set;
  std::string mode = "train";
  std::string initial_weights;
  int demo_records = 0;
  bool resume = false;
  bool describe = false;
};

// ResultLine returns the last line of a run.
inline std::string ResultLine(const run::Run& run) {
  const run::Scores& test = run.test();
  const int total = test.per_class_size(), scored = total - test.left_out_classes_size();
  return absl::StrFormat("test %s %.4f (bootstrap mean %.4f, %g%% %.4f, %g%% %.4f; %s classes)", test.score_name(),
                         test.score(), test.bootstrap().mean(),
                         100 * run.spec().evaluation().bootstrap().low_quantile(), test.bootstrap().low(),
                         100 * run.spec().evaluation().bootstrap().high_quantile(), test.bootstrap().high(),
                         scored == total ? absl::StrCat(total) : absl::StrCat(scored, " of ", total));
}

// MatchLines returns a line for each statement that a network was tested on elsewhere.
inline std::string MatchLines(const run::Run& run) {
  std::string lines = absl::StrCat("corpus    ", run.dataset(), " ", run.dataset_version(), ", ",
                                   WithThousands(run.records().test()), " records\n");
  for (const run::MatchedClass& match : run.matched_classes()) {
    absl::StrAppend(&lines, "matched   ", match.code(), ": ", absl::StrJoin(match.trained(), ", "), " here, ",
                    absl::StrJoin(match.tested(), ", "), " there\n");
  }
  return lines;
}

// NewRunPath returns runs/NAME/TIME, in the folder where the command was typed.
inline std::filesystem::path NewRunPath(absl::string_view name) {
  const std::time_t now = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", std::localtime(&now));
  return UserPath("runs") / std::string(name) / text;
}

// LatestRunPath returns the newest folder that NewRunPath gave.
inline absl::StatusOr<std::filesystem::path> LatestRunPath(absl::string_view name) {
  const std::filesystem::path folder = UserPath("runs") / std::string(name);
  std::filesystem::path latest;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    latest = std::max(latest, entry.path());
  }
  if (latest.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no run in ", folder.string(), " to go on with; name its folder with --output_dir"));
  }
  return latest;
}

// RunExperiment does what `flags` ask of the experiment `embedded`, with the network of `make_network`.
template <Dataset D, typename TrainerType>
absl::Status RunExperiment(const EmbeddedSpec& embedded, const Flags& flags, NetworkFactory make_network) {
  const bool goes_on = flags.resume || flags.mode == "evaluate";
  if (!flags.data_dir.empty() && flags.demo_records > 0) {
    return absl::InvalidArgumentError("--data_dir and --demo_records exclude each other; pass one of them");
  }
  if (!flags.initial_weights.empty() && goes_on) {
    return absl::InvalidArgumentError(
        "--initial_weights is for a new training; --resume and --mode=evaluate use the weights in --output_dir");
  }
  std::filesystem::path path = UserPath(flags.output_dir);
  if (path.empty()) {
    if (goes_on) {
      ECG_ASSIGN_OR_RETURN(path, LatestRunPath(embedded.name));
    } else {
      path = NewRunPath(embedded.name);
    }
  }
  const RunFolder folder(path);
  if (!goes_on && !flags.describe) ECG_RETURN_IF_ERROR(folder.CheckNew());

  // The spec: a run that goes on has its own, with what was overridden when it began.
  ECG_ASSIGN_OR_RETURN(spec::Experiment spec, ParseExperiment(embedded.text, embedded.file));
  spec::Experiment before;
  if (goes_on) {
    ECG_ASSIGN_OR_RETURN(before, folder.ReadSpec());
    if (CompiledChoices(Resolve(spec)) != CompiledChoices(before)) {
      return absl::InvalidArgumentError(absl::StrCat(path.string(), " holds a run of another experiment than ",
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
  if (goes_on) ECG_RETURN_IF_ERROR(CheckSameExperiment(before, spec));

  UseThreads(spec.runtime().threads());
  KeepFreedMemory();
  ECG_ASSIGN_OR_RETURN(const Device device, ChooseDevice(spec.runtime()));
  if (!device.note.empty()) std::fprintf(stderr, "%s\n", device.note.c_str());

  const std::filesystem::path cache_dir =
      spec.runtime().cache_dir().empty() ? CacheDirectory() : UserPath(spec.runtime().cache_dir());
  if (flags.mode == "evaluate" && !flags.data_dir.empty() && !HasLayoutOf(D::kName, UserPath(flags.data_dir))) {
    ECG_ASSIGN_OR_RETURN(const run::Run run, ValidateExternally<typename TrainerType::Objective>(
                                                 folder, spec, make_network, device,
                                                 std::filesystem::absolute(UserPath(flags.data_dir)), cache_dir));
    std::printf("%s%s\n", MatchLines(run).c_str(), ResultLine(run).c_str());
    return absl::OkStatus();
  }
  typename D::Spec& dataset_spec = D::SpecIn(*spec.mutable_data());
  ECG_ASSIGN_OR_RETURN(const DataSource source, FindData({.dataset = D::kName,
                                                          .demo_records = flags.demo_records,
                                                          .flag = flags.data_dir,
                                                          .variable = goes_on ? "" : D::kDirectoryVariable,
                                                          .in_spec = dataset_spec.data_dir(),
                                                          .cache_dir = cache_dir}));
  if (!source.note.empty()) std::fprintf(stderr, "%s\n", source.note.c_str());
  dataset_spec.set_data_dir(source.data_dir.string());

  using Opened = ExperimentOn<D, TrainerType>;
  ECG_ASSIGN_OR_RETURN(Opened experiment, Opened::Open(embedded.name, spec, cache_dir, device, make_network));
  if (!flags.initial_weights.empty()) {
    ECG_RETURN_IF_ERROR(experiment.UseInitialWeights(UserPath(flags.initial_weights)));
  }
  if (flags.describe) {
    std::fputs(experiment.Describe().c_str(), stdout);
    return absl::OkStatus();
  }
  if (flags.mode == "train") ECG_RETURN_IF_ERROR(experiment.Start(folder));
  std::printf("%soutput    %s\n\n", experiment.Summary().c_str(), path.c_str());
  std::fflush(stdout);
  ECG_ASSIGN_OR_RETURN(const run::Run run,
                       flags.mode == "train" ? experiment.Train(folder) : experiment.Evaluate(folder));
  std::puts(ResultLine(run).c_str());
  return absl::OkStatus();
}

// RunProgram is the program of all experiments on one corpus for one objective; `make_network` makes their networks
// different. It returns the exit status: 0, or 1 after an error, which it prints.
template <Dataset D, typename TrainerType>
int RunProgram(const EmbeddedSpec& embedded, NetworkFactory make_network, int argc, char** argv) {
  Flags flags;
  CLI::App app(absl::StrCat("Trains and tests the experiment ", std::string(embedded.name.data(), embedded.name.size()),
                            ", built from ", std::string(embedded.file.data(), embedded.file.size()), "."),
               std::string(embedded.name.data(), embedded.name.size()));
  app.add_option("--data_dir", flags.data_dir,
                 absl::StrCat("Folder of the corpus. Before $", D::kDirectoryVariable,
                              " and the spec's data_dir; with none of them, synthetic records are used"))
      ->type_name("FOLDER");
  app.add_option("--output_dir", flags.output_dir, "Folder for the results; default runs/NAME/TIME")
      ->type_name("FOLDER");
  app.add_option("--device", flags.device, "cpu, cuda or cuda:N; before the spec's runtime.device")
      ->type_name("DEVICE");
  app.add_option(
         "--settings", flags.settings,
         "A part of a spec that goes before this one's, such as a sweep's chosen.textproto; --set comes after it")
      ->type_name("FILE");
  app.add_option("--set", flags.set, "Override a value of the spec, such as training.epochs=2; may be repeated")
      ->type_name("PATH=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--mode", flags.mode,
                 "train: train, then test; evaluate: test the model in --output_dir again, or on another corpus, "
                 "which --data_dir names")
      ->check(CLI::IsMember({"train", "evaluate"}));
  app.add_option("--initial_weights", flags.initial_weights,
                 "Start a new training from these weights: a run's model.safetensors, or what PyTorch's "
                 "torch.save(model.state_dict(), FILE) wrote")
      ->type_name("FILE");
  app.add_option("--demo_records", flags.demo_records, "Use a synthetic corpus of so many records")
      ->check(CLI::PositiveNumber);
  app.add_flag("--resume", flags.resume, "Go on with the run in --output_dir, or else with the latest");
  app.add_flag("--describe", flags.describe, "Print the spec, the network and the corpus, and stop");
  if (const std::optional<int> exit_status = ParseFlags(app, argc, argv)) return *exit_status;
  if (!flags.describe) SleepWhileWaiting(argv);

  absl::Status status;
  try {
    status = RunExperiment<D, TrainerType>(embedded, flags, make_network);
  } catch (const c10::Error& error) {
    status = absl::InternalError(absl::StrCat("LibTorch failed: ", error.what_without_backtrace()));
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  return ExitStatus(status);
}

// Main is the program of the experiment `E`.
template <typename E>
int Main(const EmbeddedSpec& embedded, int argc, char** argv) {
  return RunProgram<typename E::DatasetType, typename E::Trainer>(embedded, &E::MakeNetwork, argc, argv);
}

}  // namespace ecg

#endif  // ECG_EXPERIMENT_MAIN_H_

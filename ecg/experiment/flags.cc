#include "ecg/experiment/flags.h"

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/live/live_server.h"
#include "ecg/predict/predict_command.h"

namespace ecg {
namespace {

constexpr char kAnyPort[] = "any";

}  // namespace

void AddFlags(const char* directory_variable, Flags& flags, CLI::App& app) {
  const std::string variable = directory_variable == nullptr ? "" : absl::StrCat(" $", directory_variable, " and");
  app.add_option("--data_dir", flags.data_dir,
                 absl::StrCat("Folder of the corpus. Before", variable,
                              " the spec's data_dir; with none of them, synthetic records are used"))
      ->type_name("FOLDER");
  app.add_option("--output_dir", flags.output_dir, "Folder for the results; default runs/NAME/TIME")
      ->type_name("FOLDER");
  app.add_option("--device", flags.device, "cpu, cuda or cuda:N; before the spec's runtime.device")
      ->type_name("DEVICE");
  app.add_option(
         "--settings", flags.settings,
         "A part of a spec that goes before this one's, such as a sweep's chosen.textproto; --set comes after it")
      ->type_name("FILE");
  Repeatable(
      app.add_option("--set", flags.set, "Override a value of the spec, such as training.epochs=2; may be repeated")
          ->type_name("PATH=VALUE"));
  app.add_option("--mode", flags.mode,
                 "train: train, then test; evaluate: test the model in --output_dir again, or on another corpus, "
                 "which --data_dir names; predict: read recordings, FILE..., with the model in --output_dir; "
                 "find_learning_rate: try 100 steps at ever larger learning rates, draw the "
                 "loss, and write it to learning_rates.csv in --output_dir")
      ->check(CLI::IsMember({"train", "evaluate", "predict", "find_learning_rate"}));
  app.add_option("--initial_weights", flags.initial_weights,
                 "Start a new training from these weights: a run's folder or model.safetensors, or what PyTorch's "
                 "torch.save(model.state_dict(), FILE) wrote; with the spec's training.start_from, the parts it names; "
                 "RANDOM: from random weights")
      ->type_name("FILE");
  app.add_option("--demo_records", flags.demo_records, "Use a synthetic corpus of this number of records")
      ->check(CLI::PositiveNumber);
  app.add_flag(absl::StrCat("--live{", kAnyPort, "}"), flags.live,
               absl::StrCat("Show the run while it trains on http://127.0.0.1:PORT, a page of this machine, which can "
                            "stop it after an epoch; --live=PORT, by default the first free one from ",
                            LiveServer::kFirstPort, " on"));
  app.add_option("--processes", flags.processes,
                 "Train in this number of processes on this machine; on several machines use torchrun, mpirun or srun")
      ->check(CLI::Range(1, 1024));
  app.add_option("--peer_timeout", flags.peer_timeout,
                 "With several processes: stop when one has not been heard from for this many seconds")
      ->type_name("SECONDS")
      ->check(CLI::Range(3, 86400))
      ->capture_default_str();
  app.add_flag("--resume_or_begin", flags.resume_or_begin,
               "Continue the run in --output_dir if there is one, and begin it otherwise; for jobs that are restarted");
  app.add_flag("--resume", flags.resume, "Continue the run in --output_dir, or else the latest");
  app.add_flag("--describe", flags.describe, "Print the spec, the network and the corpus, and stop");
  AddPredictFlags(app, flags.predict, "With --mode=predict");
}

absl::Status CheckFlags(const Flags& flags) {
  if (!flags.data_dir.empty() && flags.demo_records > 0) {
    return absl::InvalidArgumentError("--data_dir and --demo_records exclude each other; pass one of them");
  }
  if (!flags.initial_weights.empty() && flags.continues()) {
    return absl::InvalidArgumentError(
        "--initial_weights is for a new training; --resume, --mode=evaluate and --mode=predict use the weights in "
        "--output_dir");
  }
  if (flags.mode != "predict" && !flags.predict.files.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("only --mode=predict reads recordings: ", flags.predict.files[0]));
  }
  if (flags.resume_or_begin && (flags.output_dir.empty() || flags.mode != "train")) {
    return absl::InvalidArgumentError("--resume_or_begin is for a training in the folder that --output_dir names");
  }
  if (flags.describe && (flags.mode == "evaluate" || flags.mode == "predict")) {
    return absl::InvalidArgumentError(
        absl::StrCat("--describe prints an experiment and stops; leave out --mode=", flags.mode));
  }
  if (flags.mode == "find_learning_rate" && flags.resume) {
    return absl::InvalidArgumentError("--mode=find_learning_rate trains from the start; leave out --resume");
  }
  if (!flags.live.empty() && (flags.mode != "train" || flags.describe)) {
    return absl::InvalidArgumentError("--live shows a training; leave it out here");
  }
  return LivePort(flags.live).status();
}

absl::StatusOr<std::optional<int>> LivePort(const std::string& live) {
  if (live.empty() || live == kAnyPort) return std::nullopt;
  int port = 0;
  if (absl::SimpleAtoi(live, &port) && port >= 0 && port <= 65535) return port;
  return absl::InvalidArgumentError(absl::StrCat("--live=", live, " is no port; expected a number from 0 to 65535"));
}

}  // namespace ecg

// External validation of a finished run or of an ensemble: tests it on all records of another corpus, on the classes
// that both have, and writes run.json and predictions.csv into RUN/on-NAME, NAME being the name of FOLDER.
//
//   bazel run //cli:validate -- --model=RUN --data_dir=FOLDER [--device=cuda]
//
// The program that trained a run does the same with --mode=evaluate, and knows parts of one's own.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/library_settings.h"
#include "ecg/device/threads.h"
#include "ecg/experiment/external_validation.h"
#include "ecg/experiment/recipe.h"
#include "ecg/experiment/result_lines.h"
#include "ecg/file/path.h"
#include "ecg/predict/stock_recipe.h"
#include "ecg/run/run_folder.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace {

struct Flags {
  std::string model;
  std::string data_dir;
  std::string device = "cpu";
};

absl::StatusOr<ecg::Recipe> RecipeOf(const ecg::spec::Experiment& spec) {
  absl::StatusOr<ecg::Recipe> recipe = ecg::StockRecipe(spec);
  if (recipe.ok()) return recipe;
  return absl::FailedPreconditionError(
      absl::StrCat("the run has parts of its own: ", recipe.status().message(),
                   ". The program that trained the run has them, and tests it with --mode=evaluate"));
}

absl::Status Validate(const Flags& flags) {
  const ecg::RunFolder folder(ecg::UserPath(flags.model));
  ECG_ASSIGN_OR_RETURN(ecg::spec::Experiment spec, folder.ReadSpecWithClasses());
  spec.mutable_runtime()->set_device(flags.device);
  spec.mutable_runtime()->set_fall_back_to_cpu(false);
  ecg::UseThreads(spec.runtime().threads());
  ecg::DisableMallocTrimming();
  ECG_ASSIGN_OR_RETURN(const ecg::Device device, ecg::ChooseDevice(spec.runtime()));
  const std::filesystem::path data_dir = std::filesystem::absolute(ecg::UserPath(flags.data_dir));
  absl::StatusOr<ecg::run::Run> run;
  try {
    run = ecg::ValidateExternally(folder, spec, RecipeOf, device, data_dir,
                                  ecg::CacheDirectory(spec.runtime().cache_dir()));
  } catch (const std::exception& error) {
    run = ecg::StatusOf(error, "testing", device.torch, "Free some of it, or pass --device=cpu");
  }
  ECG_RETURN_IF_ERROR(run.status());
  std::printf("%s%s\n", ecg::MatchLines(*run).c_str(), ecg::ResultLine(*run).c_str());
  std::printf("output    %s\n", ecg::ExternalResultsPath(folder, data_dir).c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Tests a finished run or an ensemble on all records of another corpus.", "validate");
  app.add_option("--model", flags.model, "The folder of a run or of an ensemble")->required()->type_name("RUN");
  app.add_option("--data_dir", flags.data_dir, "The corpus, in any supported layout")->required()->type_name("FOLDER");
  app.add_option("--device", flags.device, "cpu, cuda or cuda:N")->capture_default_str();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  ecg::RestartWithLibrarySettings(argv);
  return ecg::ExitStatus(Validate(flags));
}

// Writes runs as MLflow keeps them, so that `mlflow ui` shows them.
//
//   bazel run //cli:to_mlflow -- RUN... [--output=mlruns]

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/file/path.h"
#include "ecg/report/mlflow.h"
#include "ecg/report/run_list.h"
#include "ecg/status/status_macros.h"

namespace {

struct Flags {
  std::vector<std::string> runs;
  std::string output = "mlruns";
};

// WithSeparator returns an absolute path that ends in "/", as those of the folders below it begin.
std::string WithSeparator(const std::filesystem::path& folder) {
  return (std::filesystem::absolute(folder) / "").lexically_normal().string();
}

absl::Status Write(const Flags& flags) {
  const std::filesystem::path output = ecg::UserPath(flags.output);
  // The runs that were written hold specs too, among their artifacts.
  const std::string written = WithSeparator(output);
  int count = 0;
  for (const std::string& typed : flags.runs) {
    const std::filesystem::path folder = ecg::UserPath(typed);
    int found = 0;
    for (const ecg::ListedRun& run : ecg::ListRuns(folder)) {
      if (absl::StartsWith(WithSeparator(run.folder), written)) continue;
      const absl::StatusOr<std::string> id = ecg::WriteMlflowRun(run, output);
      if (!id.ok()) return ecg::WithContext(id.status(), run.folder.string());
      ++found;
    }
    if (found == 0) {
      return absl::NotFoundError(absl::StrCat("there is no run in ", folder.string(),
                                              "; name the folder of a run, or one with runs below it"));
    }
    count += found;
  }
  std::printf("%d %s in %s; to look at them:\n\n  MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri %s\n",
              count, count == 1 ? "run" : "runs", output.c_str(), output.c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Writes runs to a folder that MLflow reads. A run that is written again takes its own place.",
               "to_mlflow");
  app.add_option("RUN", flags.runs, "The folder of a run, or one with runs below it, such as a sweep's")->required();
  app.add_option("--output", flags.output, "The folder for MLflow")->type_name("FOLDER")->capture_default_str();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Write(flags));
}

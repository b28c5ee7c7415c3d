// Lists runs: name, time, corpus, score with its interval, epochs, minutes and device.
//
//   bazel run //cli:runs -- [FOLDER] [--where=PATH=VALUE] [--sort=PATH] [--output=table|csv|json]

#include <cstdio>
#include <filesystem>
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
#include "ecg/file/path.h"
#include "ecg/report/run_list.h"
#include "ecg/status/status_macros.h"

namespace {

struct Flags {
  std::string folder = "runs";
  std::vector<std::string> where;
  std::string sort;
  std::string output = "table";
};

absl::Status List(const Flags& flags) {
  const std::filesystem::path folder = ecg::UserPath(flags.folder);
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError(
        absl::StrCat("there is no folder ", folder.string(), "; name the one that has the runs"));
  }
  std::vector<ecg::ListedRun> runs;
  for (ecg::ListedRun& run : ecg::ListRuns(folder)) {
    bool holds = true;
    for (const std::string& condition : flags.where) {
      ECG_ASSIGN_OR_RETURN(const bool one, ecg::Holds(run, condition));
      holds = holds && one;
    }
    if (holds) runs.push_back(std::move(run));
  }
  if (!flags.sort.empty()) ecg::SortRuns(flags.sort, runs);
  const std::string text = flags.output == "json"  ? ecg::RunsJson(runs)
                           : flags.output == "csv" ? ecg::RunCsv(runs)
                                                   : ecg::RunTable(runs);
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Lists the runs below a folder, the latest first.", "runs");
  app.add_option("FOLDER", flags.folder, "The folder that has the runs")->capture_default_str();
  ecg::Repeatable(
      app.add_option(
             "--where", flags.where,
             "Only runs with this value in run.json or in the spec: --where=training.epochs=20; may be repeated")
          ->type_name("PATH=VALUE"));
  app.add_option("--sort", flags.sort, "Sort by this value, the greatest first: --sort=test.score")->type_name("PATH");
  app.add_option("--output", flags.output, "table, csv or json")
      ->check(CLI::IsMember({"table", "csv", "json"}))
      ->capture_default_str();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(List(flags));
}

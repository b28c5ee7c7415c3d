// Makes the page of a run, of an external validation, or of a sweep, from what its folder holds.
//
//   bazel run //cli:report -- runs/resnet18_all/1 [--output=report.html]

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/command_line/command_line.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/report/comparison_report.h"
#include "ecg/report/run_report.h"
#include "ecg/run/run_folder.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/sweep_folder.h"
#include "ecg/sweep/sweep_report.h"

namespace {

struct Flags {
  std::string folder;
  std::string output;
  ecg::RunReportOptions options;
};

absl::Status Report(const Flags& flags) {
  const ecg::RunFolder folder(ecg::UserPath(flags.folder));
  const ecg::SweepFolder sweep(folder.path());
  std::error_code error;
  if (std::filesystem::exists(sweep.results_csv(), error)) {
    const std::filesystem::path output = flags.output.empty() ? sweep.results_html() : ecg::UserPath(flags.output);
    ECG_ASSIGN_OR_RETURN(const ecg::ComparisonReport report, ecg::ReadSweepReport(sweep.path()));
    ECG_RETURN_IF_ERROR(ecg::WriteFile(output, ecg::ComparisonPage(report)));
    std::printf("%s\n", output.c_str());
    return absl::OkStatus();
  }
  const std::filesystem::path output = flags.output.empty() ? folder.report() : ecg::UserPath(flags.output);
  ECG_ASSIGN_OR_RETURN(const std::string html, ecg::RunReport(folder.path(), flags.options));
  ECG_RETURN_IF_ERROR(ecg::WriteFile(output, html));
  std::printf("%s\n", output.c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Makes one self-contained HTML page of a run, of an external validation, or of a sweep.", "report");
  app.add_option("FOLDER", flags.folder, "The folder of a run, of an external validation (RUN/on-NAME), or of a sweep")
      ->required();
  app.add_option("--output", flags.output,
                 "The page; default report.html in the folder of a run, and results.html in that of a sweep")
      ->type_name("FILE");
  app.add_option("--resamples", flags.options.resamples, "Bootstrap resamples for the intervals of classes and groups")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--records", flags.options.drawn_records,
                 "How many of the records that the model got most wrong are drawn")
      ->capture_default_str()
      ->check(CLI::Range(0, 100));
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Report(flags));
}

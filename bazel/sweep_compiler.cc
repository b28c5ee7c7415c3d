// sweep_compiler.cc
//
// Generates the `main` of a sweep's binary from its .sweep.textproto file, at build time:
//
//   sweep_compiler --spec=examples/grid_resnet18.sweep.textproto --program=examples/grid_resnet18
//       --experiment=examples/resnet18_all=examples/resnet18_all.textproto --output=grid_resnet18_main.cc
//
// An invalid sweep is refused with `file:line:column: what is wrong; what would be right`, exit status 1, and no
// output. Without --output the sweep is only checked.

#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/spec/embed.h"
#include "ecg/spec/parse.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/parse_sweep.h"
#include "ecg/sweep/plan.h"

namespace ecg {
namespace {

struct Flags {
  std::string spec, program, output;
  std::vector<std::string> experiments;
};

// The target name of the binary at `program`.
std::string TargetName(const std::string& program) { return std::filesystem::path(program).filename().string(); }

absl::Status Compile(const Flags& flags) {
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(UserPath(flags.spec)));
  std::vector<SweepExperiment> experiments;
  std::string source = absl::StrCat("// Written by the sweep compiler from ", flags.spec,
                                    ".\n\n#include \"ecg/sweep/main.h\"\n\nint main(int argc, char** argv) {\n",
                                    "  const ecg::EmbeddedSweep sweep = {\n      .sweep = ",
                                    EmbeddedSpecSource(TargetName(flags.program), flags.spec, text),
                                    ",\n      .program = \"", flags.program, "\",\n      .experiments = {\n");
  for (const std::string& flag : flags.experiments) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(flag, absl::MaxSplits('=', 1));
    const auto& [program, file] = parts;
    ECG_ASSIGN_OR_RETURN(const std::string spec_text, ReadFile(UserPath(file)));
    SweepExperiment& experiment = experiments.emplace_back();
    experiment.name = TargetName(program);
    ECG_ASSIGN_OR_RETURN(experiment.spec, ParseExperiment(spec_text, file));
    absl::StrAppend(&source, "          {.spec = ", EmbeddedSpecSource(experiment.name, file, spec_text),
                    ",\n           .program = \"", program, "\"},\n");
  }
  absl::StrAppend(&source, "      }};\n  return ecg::SweepMain(sweep, argc, argv);\n}\n");
  ECG_RETURN_IF_ERROR(ParseSweep(text, flags.spec, experiments).status());
  return flags.output.empty() ? absl::OkStatus() : WriteFile(UserPath(flags.output), source);
}

int Main(int argc, char** argv) {
  CLI::App app("Generates the main of a sweep's binary from its .sweep.textproto file.");
  Flags flags;
  app.add_option("--spec", flags.spec, "the .sweep.textproto file")->required();
  app.add_option("--program", flags.program, "the path of the binary, relative to the workspace")->required();
  app.add_option("--experiment", flags.experiments,
                 "an experiment of the sweep: path of its binary=its .textproto file")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--output", flags.output, "the C++ file to write; without it the sweep is only checked");
  CLI11_PARSE(app, argc, argv);

  const absl::Status status = Compile(flags);
  if (status.ok()) return 0;
  std::cerr << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) { return ecg::Main(argc, argv); }

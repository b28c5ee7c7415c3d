// spec_compiler.cc
//
// Generates the `main` of an experiment's binary from its .textproto file, at build time:
//
//   spec_compiler --spec=examples/resnet18_all.textproto --name=resnet18_all --output=resnet18_all_main.cc
//
// An invalid spec is refused with `file:line:column: what is wrong; what would be right`, exit status 1, and no output.
// Without --output the spec is only checked.

#include <filesystem>
#include <iostream>
#include <set>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/embed.h"
#include "ecg/spec/parse.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

// The source of the binary `name` for `spec`, read from `spec_file` with the contents `text`.
absl::StatusOr<std::string> MainSource(const spec::Experiment& spec, absl::string_view name,
                                       absl::string_view spec_file, absl::string_view text) {
  ECG_ASSIGN_OR_RETURN(CompiledTypes types, CompiledTypesOf(spec));
  types.headers.insert({"ecg/experiment/experiment.h", "ecg/experiment/main.h", "ecg/spec/embedded_spec.h"});
  std::string source = absl::StrCat("// Written by the spec compiler from ", spec_file, ".\n\n");
  if (!types.own_parts.empty()) absl::StrAppend(&source, "#include <utility>\n\n");
  for (const std::string& header : types.headers) absl::StrAppend(&source, "#include \"", header, "\"\n");
  const std::string indent(32, ' ');
  absl::StrAppend(&source, "\nusing Program = ecg::Experiment<", types.dataset.type, ",\n",  //
                  indent, types.network.type, ",\n",                                         //
                  indent, "ecg::Trainer<", types.objective.type, ">>;\n\n");
  absl::StrAppend(&source, "constexpr ecg::EmbeddedSpec kSpec = ", EmbeddedSpecSource(name, spec_file, text), ";\n\n");
  if (types.own_parts.empty()) {
    absl::StrAppend(
        &source, "int main(int argc, char** argv) { return ecg::Main(kSpec, Program::MakeRecipe(), argc, argv); }\n");
    return source;
  }
  absl::StrAppend(&source, "int main(int argc, char** argv) {\n  ecg::Recipe recipe = Program::MakeRecipe();\n");
  for (const OwnPart& part : types.own_parts) {
    absl::StrAppend(&source, "  recipe.", part.registry, ".Add<", part.type.type, ">(\"", part.type.type, "\");\n");
  }
  absl::StrAppend(&source, "  return ecg::Main(kSpec, std::move(recipe), argc, argv);\n}\n");
  return source;
}

absl::Status Compile(const std::string& spec_file, const std::string& name, const std::string& output) {
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(UserPath(spec_file)));
  ECG_ASSIGN_OR_RETURN(const spec::Experiment spec, ParseExperiment(text, spec_file));
  ECG_ASSIGN_OR_RETURN(const std::string source, MainSource(spec, name, spec_file, text));
  if (output.empty()) return absl::OkStatus();
  return WriteFile(UserPath(output), source);
}

int Main(int argc, char** argv) {
  CLI::App app("Generates the main of an experiment's binary from its .textproto file.");
  std::string spec_file, name, output;
  app.add_option("--spec", spec_file, "the .textproto file")->required();
  app.add_option("--name", name, "the name of the binary")->required();
  app.add_option("--output", output, "the C++ file to write; without it the spec is only checked");
  CLI11_PARSE(app, argc, argv);

  const absl::Status status = Compile(spec_file, name, output);
  if (status.ok()) return 0;
  // The error starts with file:line:column, like a compiler's, so that editors can jump to it.
  std::cerr << status.message() << "\n";
  return 1;
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) { return ecg::Main(argc, argv); }

// Writes the table of the published networks, docs/models.md: spec, paper, size and speed of each.
//
//   bazel run //cli:list_models -- --output=docs/models.md
//
// With --check=FILE it checks that FILE is up to date, except for times.

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/command_line/command_line.h"
#include "ecg/device/library_settings.h"
#include "ecg/device/threads.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/model/any_network.h"
#include "ecg/model/layers.h"
#include "ecg/model/network.h"
#include "ecg/parity/reference_models.h"
#include "ecg/signal/lead.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "ecg/terminal/stopwatch.h"
#include "google/protobuf/descriptor.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {
namespace {

constexpr int kClasses = 71;
constexpr int kTimedBatch = 8;

// The published crop length in samples: 2.5 s at 500 Hz in one paper, at 100 Hz in the other.
int PublishedSamples(const google::protobuf::Descriptor& backbone) {
  return backbone.options().GetExtension(spec::own_head) ? 250 : 1250;
}

// The wall-clock time per crop in evaluation, in milliseconds: the median over batches.
double MillisecondsPerCrop(Network& network, int samples) {
  const torch::NoGradGuard no_grad;
  network.eval();
  const torch::Tensor signals = torch::randn({kTimedBatch, kLeads, samples});
  network.forward(signals);
  std::vector<double> times;
  const Stopwatch all;
  while (times.size() < 3 || (times.size() < 25 && all.seconds() < 0.5)) {
    const Stopwatch one;
    network.forward(signals);
    times.push_back(one.seconds());
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2, times.end());
  return 1000 * times[times.size() / 2] / kTimedBatch;
}

absl::StatusOr<std::string> ModelsPage(bool timed) {
  std::string page = absl::StrCat(
      "# Networks\n\n"
      "The networks of `seitalab/dnn_ecg_comparison` (Nonaka and Seita 2021) and of `helme/ecg_ptbxl_benchmarking`\n"
      "(Strodthoff et al. 2021), S4 of `AI4HealthUOL/ecg-fm-benchmarking` (Al-Masud et al. 2025), the vision\n"
      "transformers of `kweimann/ECG-JEPA` (Weimann and Conrad 2025), and one-dimensional forms of xResNet with\n"
      "squeeze-and-excitation (fastai), ConvNeXt (`facebookresearch/ConvNeXt`) and Net1D (`hsd1503/resnet1d`). A row "
      "has the\npublished name, or one like it, and the `model` of a spec. Sizes are for 12 leads and ",
      kClasses,
      " classes, head included.\nMultiply-adds and milliseconds are for one crop of 2.5 s in evaluation: 1,250 samples "
      "(500 Hz) for the networks of\n`dnn_ecg_comparison`, 250 samples for all others. Milliseconds, where they were "
      "measured, were taken in batches of ",
      kTimedBatch,
      "\non two cores of an AVX-512 machine; compare them between networks, not with other machines.\n\nThis page is "
      "written by `bazel run //cli:list_models -- --output=docs/models.md`. What each field "
      "of a network means is\nin [the reference of all fields](spec_reference.md); how to add one, in ",
      "[adding a backbone](adding-a-backbone.md).\n");
  std::string family;
  for (const ReferenceModel& reference : kReferenceModels) {
    const spec::Model model = SpecOf(reference);
    const google::protobuf::Descriptor& backbone =
        *model.GetReflection()
             ->GetOneofFieldDescriptor(model, model.GetDescriptor()->FindOneofByName("backbone"))
             ->message_type();
    if (backbone.name() != family) {
      family = backbone.name();
      absl::StrAppend(&page, "\n## ", family, "\n\n", backbone.options().GetExtension(spec::paper), "\n\n",
                      "| published as | `model` of a spec | parameters | multiply-adds | ms per crop |\n"
                      "|---|---|--:|--:|--:|\n");
    }
    const int samples = PublishedSamples(backbone);
    ECG_ASSIGN_OR_RETURN(const std::shared_ptr<Network> network, AnyNetwork(model, kLeads, kClasses));
    int64_t multiply_adds = 0;
    for (const Layer& layer : LayersOf(*network, torch::zeros({1, kLeads, samples}))) {
      multiply_adds += layer.multiply_adds;
    }
    absl::StrAppend(&page, "| ", reference.name, " | `", reference.model, "` | ",
                    WithThousands(ParameterCount(*network)), " | ", WithThousands(multiply_adds), " | ",
                    timed ? absl::StrFormat("%.3g", MillisecondsPerCrop(*network, samples)) : "", " |\n");
  }
  return page;
}

// A line of the page without its time.
absl::string_view Untimed(absl::string_view line) {
  return !line.empty() && line.back() == '|' ? line.substr(0, line.rfind('|', line.size() - 2)) : line;
}

absl::Status Check(const std::string& file) {
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(UserPath(file)));
  ECG_ASSIGN_OR_RETURN(const std::string page, ModelsPage(/*timed=*/false));
  const std::vector<std::string> found = absl::StrSplit(text, '\n'), expected = absl::StrSplit(page, '\n');
  for (size_t i = 0; i < std::max(found.size(), expected.size()); ++i) {
    const absl::string_view ours = i < expected.size() ? Untimed(expected[i]) : "the end";
    const absl::string_view theirs = i < found.size() ? Untimed(found[i]) : "the end";
    if (ours == theirs) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(file, ":", i + 1, " is out of date:\n  ", theirs, "\nexpected\n  ", ours,
                     "\nwrite it again with `bazel run //cli:list_models -- --output=docs/models.md`"));
  }
  return absl::OkStatus();
}

absl::Status Write(const std::string& file) {
  ECG_ASSIGN_OR_RETURN(const std::string page, ModelsPage(/*timed=*/true));
  if (!file.empty()) return WriteFile(UserPath(file), page);
  std::fputs(page.c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) {
  std::string output, check;
  CLI::App app("Lists the published networks: spec, paper, size and speed.");
  CLI::Option* output_option =
      app.add_option("--output", output, "The Markdown file to write; without it, print")->type_name("FILE");
  app.add_option("--check", check, "Check that this file is up to date")->type_name("FILE")->excludes(output_option);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  ecg::RestartWithKernels(argv);

  ecg::UseThreads(0);
  absl::Status status;
  try {
    status = check.empty() ? ecg::Write(output) : ecg::Check(check);
  } catch (const std::exception& error) {
    status = absl::InternalError(error.what());
  }
  return ecg::ExitStatus(status);
}

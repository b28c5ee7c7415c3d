// Compares finished runs: the score of each with its bootstrap interval, and by how much each differs from the first,
// with the paired bootstrap on the test records that both have. Records and classes are matched by their names.
//
//   bazel run //cli:compare_runs -- runs/resnet18_all/A runs/resnet18_all/B [--output=comparison.html]

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "ecg/command_line/command_line.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/report/comparison.h"
#include "ecg/report/comparison_report.h"
#include "ecg/run/predictions.h"
#include "ecg/run/run_folder.h"
#include "ecg/run/run_json.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/named_score.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
#include "proto/run.pb.h"

namespace {

struct Flags {
  std::vector<std::string> runs;
  int resamples = 1000;
  uint64_t seed = 1;
  std::string output;
};

// One of the runs to compare.
struct Run {
  ecg::run::Run facts;
  ecg::PredictionTable predictions;
};

absl::StatusOr<Run> Read(const std::string& typed) {
  const ecg::RunFolder folder(ecg::UserPath(typed));
  Run run;
  ECG_ASSIGN_OR_RETURN(run.facts, ecg::ReadRun(folder.run()));
  ECG_ASSIGN_OR_RETURN(run.predictions, ecg::ReadPredictions(folder.predictions()));
  return run;
}

// WritePage writes the page of `report`, to which it adds the differences between all runs but the first, which are
// there.
absl::Status WritePage(const Flags& flags, const std::vector<Run>& runs, ecg::ComparisonReport report) {
  for (size_t i = 1; i < runs.size(); ++i) {
    for (size_t k = i + 1; k < runs.size(); ++k) {
      absl::StatusOr<ecg::Comparison> comparison =
          ecg::Compare(runs[i].predictions, runs[k].predictions, report.score_name, report.bootstrap);
      if (comparison.ok()) report.pairs.push_back({i, k, *std::move(comparison)});
    }
  }
  const std::filesystem::path output = ecg::UserPath(flags.output);
  ECG_RETURN_IF_ERROR(ecg::WriteFile(output, ecg::ComparisonPage(report)));
  std::printf("%s\n", output.c_str());
  return absl::OkStatus();
}

absl::Status CompareAll(const Flags& flags) {
  std::vector<Run> runs;
  for (const std::string& typed : flags.runs) {
    ECG_ASSIGN_OR_RETURN(runs.emplace_back(), Read(typed));
    for (const auto& [what, first, this_one] :
         {std::tuple{"corpus", runs[0].facts.dataset(), runs.back().facts.dataset()},
          std::tuple{"score", runs[0].facts.test().score_name(), runs.back().facts.test().score_name()}}) {
      if (first == this_one) continue;
      return absl::FailedPreconditionError(absl::StrCat("cannot compare ", typed, " with ", flags.runs[0], ": its ",
                                                        what, " is ", this_one, ", not ", first));
    }
  }
  const std::string& score_name = runs[0].facts.test().score_name();
  const ecg::spec::Bootstrap& quantiles = runs[0].facts.spec().evaluation().bootstrap();
  const ecg::BootstrapOptions options = {.resamples = flags.resamples,
                                         .seed = flags.seed,
                                         .low_quantile = quantiles.low_quantile(),
                                         .high_quantile = quantiles.high_quantile()};

  ecg::ComparisonReport report = {.title = absl::StrCat("Comparison of ", runs.size(), " runs"),
                                  .score_name = score_name,
                                  .synthetic = runs[0].facts.synthetic(),
                                  .bootstrap = options};
  size_t width = 3;
  for (const std::string& typed : flags.runs) width = std::max(width, typed.size());
  const std::string interval = absl::StrFormat("%g%% to %g%%", 100 * options.low_quantile, 100 * options.high_quantile);
  std::printf("%-*s  %-13s  %-16s  %-15s  %-18s  %s\n", static_cast<int>(width), "run", score_name.c_str(),
              interval.c_str(), "minus the first", interval.c_str(), "on");
  for (size_t i = 0; i < runs.size(); ++i) {
    const ecg::PredictionTable& table = runs[i].predictions;
    absl::StatusOr<ecg::ScoreSample> sample =
        ecg::SampleScore(score_name, {table.classes, table.targets, table.probabilities}, options);
    if (!sample.ok()) return ecg::WithContext(sample.status(), flags.runs[i]);
    std::string line = absl::StrFormat("%-*s  %-13.4f  %.4f to %.4f", static_cast<int>(width), flags.runs[i],
                                       sample->score, sample->interval.low, sample->interval.high);
    report.results.push_back({.label = flags.runs[i],
                              .score = sample->score,
                              .low = sample->interval.low,
                              .high = sample->interval.high,
                              .validation = runs[i].facts.validation().score()});
    size_t records = table.records.size(), classes = sample->classes;
    const char* verdict = "";
    if (i > 0) {
      absl::StatusOr<ecg::Comparison> comparison = ecg::Compare(table, runs[0].predictions, score_name, options);
      if (!comparison.ok()) {
        return ecg::WithContext(comparison.status(), absl::StrCat(flags.runs[0], " and ", flags.runs[i]));
      }
      absl::StrAppendFormat(&line, "  %+-15.4f  %+.4f to %+.4f", comparison->difference, comparison->low,
                            comparison->high);
      records = comparison->records;
      classes = comparison->classes;
      if (!comparison->significant()) verdict = "; not significantly different";
      report.pairs.push_back({i, 0, *std::move(comparison)});
    } else {
      line.append(2 + 15 + 2 + 18, ' ');
    }
    absl::StrAppend(&line, "  ", ecg::WithThousands(records), " records",
                    classes > 0 ? absl::StrCat(", ", classes, " scored classes") : "", verdict);
    std::puts(line.c_str());
  }
  return flags.output.empty() ? absl::OkStatus() : WritePage(flags, runs, std::move(report));
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app(
      "Compares finished runs: score, bootstrap interval, and the difference from the first on the records that both "
      "were tested on.");
  app.add_option("RUN", flags.runs, "Folders of two or more runs")->required()->expected(2, 1000);
  app.add_option("--resamples", flags.resamples, "How many bootstrap resamples to draw; default 1000")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--seed", flags.seed, "Seed of the resamples; default 1");
  app.add_option("--output", flags.output, "Also write the comparison of all with all as a page, one HTML file")
      ->type_name("FILE");
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(CompareAll(flags));
}

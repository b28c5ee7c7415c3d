// Makes one model of several finished runs: its probabilities are the mean of theirs. Its folder is read like that of a
// run, by //cli:predict, //cli:serve and the others.
//
//   bazel run //cli:ensemble -- RUN... --output=FOLDER [--mean=probability|logit]

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "ecg/command_line/command_line.h"
#include "ecg/ensemble/make_ensemble.h"
#include "ecg/file/path.h"
#include "ecg/score/mean_of_members.h"
#include "ecg/status/status_macros.h"
#include "proto/run.pb.h"

namespace {

struct Flags {
  std::vector<std::string> runs;
  std::string output;
  std::string mean = "probability";
};

absl::Status Make(const Flags& flags) {
  std::vector<std::filesystem::path> runs;
  for (const std::string& typed : flags.runs) runs.push_back(ecg::UserPath(typed));
  const std::filesystem::path output = ecg::UserPath(flags.output);
  ECG_ASSIGN_OR_RETURN(const ecg::MembersMean::Of mean, ecg::MembersMeanOf(flags.mean));
  ECG_ASSIGN_OR_RETURN(const ecg::MadeEnsemble made, ecg::MakeEnsemble(runs, output, mean));
  const ecg::run::Scores& test = made.run.test();
  for (const ecg::run::EnsembleMember& member : made.run.members()) {
    std::printf("member    %s%s\n", member.run().c_str(),
                member.has_test_score() ? absl::StrFormat(", test score %.4f", member.test_score()).c_str() : "");
  }
  if (test.has_score()) {
    std::printf("test      %s %.4f (bootstrap %.4f to %.4f)\n", test.score_name().c_str(), test.score(),
                test.bootstrap().low(), test.bootstrap().high());
  }
  for (const std::string& note : made.notes) std::printf("%s\n", note.c_str());
  std::printf("output    %s\n", output.c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Makes one model of several finished runs, whose probabilities are the mean of theirs.", "ensemble");
  app.add_option("RUN", flags.runs, "The folders of two or more runs with the same classes")
      ->required()
      ->expected(2, 1000);
  app.add_option("--output", flags.output, "The folder of the ensemble, which must not be there")
      ->required()
      ->type_name("FOLDER");
  app.add_option("--mean", flags.mean,
                 "probability: the mean of the probabilities; logit: the probability of the mean logit")
      ->check(CLI::IsMember({"probability", "logit"}))
      ->capture_default_str();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Make(flags));
}

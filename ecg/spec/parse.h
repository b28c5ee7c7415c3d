// parse.h
//
// Reads and checks the .textproto file of an experiment.
//
//   ECG_ASSIGN_OR_RETURN(spec::Experiment experiment, ParseExperiment(text, "examples/resnet18_all.textproto"));
//
// An error names the place:
//
//   examples/resnet18_all.textproto:22:5: training.optimizer has no field "learning_rat"; did you mean learning_rate?

#ifndef ECG_SPEC_PARSE_H_
#define ECG_SPEC_PARSE_H_

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/check.h"
#include "ecg/spec/text_reader.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ErrorOf returns an error with a line `file:line:column: what is wrong; what would be right` for each of `findings`,
// in the order of the text, and OK where there is none.
inline absl::Status ErrorOf(std::vector<TextReader::Finding> findings, absl::string_view file_name) {
  if (findings.empty()) return absl::OkStatus();
  std::stable_sort(findings.begin(), findings.end(),
                   [](const auto& a, const auto& b) { return a.location < b.location; });
  return absl::InvalidArgumentError(
      absl::StrJoin(findings, "\n", [&](std::string* line, const TextReader::Finding& finding) {
        absl::StrAppend(line, file_name, ":", finding.location.line, ":", finding.location.column, ": ",
                        finding.message);
      }));
}

// ParseExperiment reads and checks `text`, the content of `file_name`. Its error has one line for each thing that is
// wrong: `file:line:column: what is wrong; what would be right`, in the order of the text. Lines and columns start
// at 1.
inline absl::StatusOr<spec::Experiment> ParseExperiment(absl::string_view text, absl::string_view file_name) {
  spec::Experiment experiment;
  TextReader reader(text);
  reader.ReadMessage(experiment);

  std::vector<TextReader::Finding> findings = reader.findings();
  // Where a field could not be read, required fields may be missing for that reason only.
  for (Problem& problem : findings.empty() ? CheckExperiment(experiment) : CheckRanges(experiment)) {
    findings.push_back({reader.LocationOf(problem.path), std::move(problem.message)});
  }
  ECG_RETURN_IF_ERROR(ErrorOf(std::move(findings), file_name));
  return experiment;
}

}  // namespace ecg

#endif  // ECG_SPEC_PARSE_H_

#include "ecg/spec/parse.h"

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

absl::Status ErrorOf(std::vector<TextReader::Finding> findings, absl::string_view file_name) {
  if (findings.empty()) return absl::OkStatus();
  std::stable_sort(findings.begin(), findings.end(),
                   [](const auto& a, const auto& b) { return a.location < b.location; });
  return absl::InvalidArgumentError(
      absl::StrJoin(findings, "\n", [&](std::string* line, const TextReader::Finding& finding) {
        absl::StrAppend(line, file_name, ":", finding.location.line, ":", finding.location.column, ": ",
                        finding.message);
      }));
}

absl::StatusOr<spec::Experiment> ParseExperiment(absl::string_view text, absl::string_view file_name) {
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

// parse_sweep.h
//
// Reads and checks a .sweep.textproto file.
//
//   ECG_ASSIGN_OR_RETURN(const spec::Sweep sweep,
//                        ParseSweep(text, "examples/grid_resnet18.sweep.textproto", experiments));
//
// An error names the place:
//
//   examples/grid_resnet18.sweep.textproto:9:10: there is no experiment "resnet18_al"; did you mean resnet18_all?

#ifndef ECG_SWEEP_PARSE_SWEEP_H_
#define ECG_SWEEP_PARSE_SWEEP_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/check.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/text_reader.h"
#include "ecg/status/status_macros.h"
#include "ecg/sweep/plan.h"
#include "ecg/sweep/search.h"
#include "proto/sweep.pb.h"

namespace ecg {

// ParseSweep reads `text`, the content of `file_name`, and checks it, and every value of every run, against the specs
// of `experiments`. Its errors have the form of ParseExperiment's.
inline absl::StatusOr<spec::Sweep> ParseSweep(absl::string_view text, absl::string_view file_name,
                                              const std::vector<SweepExperiment>& experiments) {
  spec::Sweep sweep;
  TextReader reader(text);
  reader.ReadMessage(sweep);
  std::vector<TextReader::Finding> findings = reader.findings();
  if (findings.empty()) {
    std::vector<Problem> problems;
    MakePlan(sweep, experiments, {}, &problems);
    if (problems.empty() && sweep.has_search()) {
      const absl::Status status = Search::Create(sweep, experiments, {}, "").status();
      if (!status.ok()) problems.push_back({"search", std::string(status.message())});
    }
    for (Problem& problem : problems) {
      findings.push_back({reader.LocationOf(problem.path), std::move(problem.message)});
    }
  }
  ECG_RETURN_IF_ERROR(ErrorOf(std::move(findings), file_name));
  return sweep;
}

}  // namespace ecg

#endif  // ECG_SWEEP_PARSE_SWEEP_H_

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

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/text_reader.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ErrorOf returns an error with a line `file:line:column: what is wrong; what would be right` for each of `findings`,
// in the order of the text, and OK where there is none.
absl::Status ErrorOf(std::vector<TextReader::Finding> findings, absl::string_view file_name);

// ParseExperiment reads and checks `text`, the content of `file_name`. Its error has one line for each thing that is
// wrong: `file:line:column: what is wrong; what would be right`, in the order of the text. Lines and columns start
// at 1.
absl::StatusOr<spec::Experiment> ParseExperiment(absl::string_view text, absl::string_view file_name);

}  // namespace ecg

#endif  // ECG_SPEC_PARSE_H_

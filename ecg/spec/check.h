// check.h
//
// Whether an experiment makes sense: every number in its range, every required choice made, and fields that depend on
// one another agreeing. The ranges and the required choices are options in proto/experiment.proto.
//
//   for (const Problem& problem : CheckExperiment(spec)) std::cerr << problem.message << "\n";
//   // training.epochs is 0; it must be at least 1 and at most 100000

#ifndef ECG_SPEC_CHECK_H_
#define ECG_SPEC_CHECK_H_

#include <string>
#include <vector>

#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Problem is one thing that is wrong with an experiment.
struct Problem {
  // Where: the path of a field, or of the message that lacks one.
  std::string path;

  // What is wrong and what would be right; it names the field.
  std::string message;
};

// CheckRanges finds the numbers of `message`, which is at `path`, that are outside their ranges.
std::vector<Problem> CheckRanges(const google::protobuf::Message& message, const std::string& path = "");

// CheckExperiment finds all problems of `spec`; none means that it can be run.
std::vector<Problem> CheckExperiment(const spec::Experiment& spec);

}  // namespace ecg

#endif  // ECG_SPEC_CHECK_H_

// resolve.h
//
// An experiment with all its defaults written out, and its text.
//
//   const std::string text = ToText(Resolve(spec));

#ifndef ECG_SPEC_RESOLVE_H_
#define ECG_SPEC_RESOLVE_H_

#include <string>

#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

// FillDefaults writes the default into every absent field of `message` that has one, and into every absent part that
// takes effect when it is absent.
void FillDefaults(google::protobuf::Message& message);

// Resolve returns `spec` with every default written out, so that what it means does not depend on the version of the
// program that reads it. What is off when absent stays absent.
spec::Experiment Resolve(spec::Experiment spec);

// ToText returns `spec` as the text of a .textproto file, in the order of the schema.
std::string ToText(const spec::Experiment& spec);

}  // namespace ecg

#endif  // ECG_SPEC_RESOLVE_H_

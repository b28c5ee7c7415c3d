// override.h
//
// Changing values of an experiment at run time, as the flag --set does.
//
//   ECG_RETURN_IF_ERROR(Override(spec, {"training.epochs=2", "runtime.device=cpu"}));
//
// A value is written as in a .textproto file; the quotes around a text may be left out. A message is replaced whole:
// "training.optimizer.adam={beta1: 0.8}". What is compiled in cannot be changed.

#ifndef ECG_SPEC_OVERRIDE_H_
#define ECG_SPEC_OVERRIDE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

// SetByPath does one assignment, "path=value", on the fields of `root`. It checks the form of the value only.
absl::Status SetByPath(google::protobuf::Message& root, absl::string_view assignment);

// CheckCompiledUnchanged refuses an `after` that needs other template arguments than `before`.
absl::Status CheckCompiledUnchanged(const google::protobuf::Message& before, const google::protobuf::Message& after);

// Override does all `assignments` on `spec`, in order, and then checks the whole, so that several fields that depend on
// one another can be changed together. On an error `spec` is as before.
absl::Status Override(spec::Experiment& spec, const std::vector<std::string>& assignments);

// Override does one assignment.
absl::Status Override(spec::Experiment& spec, absl::string_view assignment);

}  // namespace ecg

#endif  // ECG_SPEC_OVERRIDE_H_

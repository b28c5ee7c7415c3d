// settings.h
//
// A settings file: a part of an experiment that other experiments can be run with, such as the learning rate and the
// batch size that a grid search has chosen.
//
//   ECG_ASSIGN_OR_RETURN(const spec::Experiment settings, ReadSettings("runs/grid_resnet18/chosen.textproto"));
//   ECG_RETURN_IF_ERROR(ApplySettings(settings, spec));

#ifndef ECG_SPEC_SETTINGS_H_
#define ECG_SPEC_SETTINGS_H_

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/file/path.h"
#include "ecg/spec/check.h"
#include "ecg/spec/override.h"
#include "ecg/spec/parse.h"
#include "ecg/spec/text_reader.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ReadSettings reads the file `typed`, a path as a user types it. Required fields of an experiment may be missing in
// it. Its errors have the form of ParseExperiment's.
inline absl::StatusOr<spec::Experiment> ReadSettings(absl::string_view typed) {
  const std::filesystem::path path = UserPath(typed);
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  spec::Experiment settings;
  TextReader reader(text);
  reader.ReadMessage(settings);
  std::vector<TextReader::Finding> findings = reader.findings();
  for (Problem& problem : CheckRanges(settings)) {
    findings.push_back({reader.LocationOf(problem.path), std::move(problem.message)});
  }
  ECG_RETURN_IF_ERROR(ErrorOf(std::move(findings), path.string()));
  return settings;
}

// ClearLists clears every list of `to` that `from` has too: a list is replaced, not appended to.
inline void ClearLists(const google::protobuf::Message& from, google::protobuf::Message& to) {
  std::vector<const google::protobuf::FieldDescriptor*> present;
  from.GetReflection()->ListFields(from, &present);
  for (const google::protobuf::FieldDescriptor* field : present) {
    if (field->is_repeated()) {
      to.GetReflection()->ClearField(&to, field);
    } else if (field->message_type() != nullptr && to.GetReflection()->HasField(to, field)) {
      ClearLists(from.GetReflection()->GetMessage(from, field), *to.GetReflection()->MutableMessage(&to, field));
    }
  }
}

// ApplySettings gives every field that `settings` has to `spec`, and checks the whole. What is compiled in cannot be
// changed. On an error `spec` is as before.
inline absl::Status ApplySettings(const spec::Experiment& settings, spec::Experiment& spec) {
  spec::Experiment changed = spec;
  ClearLists(settings, changed);
  changed.MergeFrom(settings);
  ECG_RETURN_IF_ERROR(CheckCompiledUnchanged(spec, changed));
  const std::vector<Problem> problems = CheckExperiment(changed);
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(
        problems, "\n", [](std::string* text, const Problem& problem) { absl::StrAppend(text, problem.message); }));
  }
  spec = std::move(changed);
  return absl::OkStatus();
}

}  // namespace ecg

#endif  // ECG_SPEC_SETTINGS_H_

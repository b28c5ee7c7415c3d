#include "ecg/spec/override.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/check.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/field_path.h"
#include "ecg/spec/text_reader.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

absl::Status SetByPath(google::protobuf::Message& root, absl::string_view assignment) {
  using google::protobuf::FieldDescriptor;
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(assignment, absl::MaxSplits('=', 1));
  const auto [path, value] = parts;
  if (!absl::StrContains(assignment, '=')) {
    return absl::InvalidArgumentError("there is no = in it; write PATH=VALUE, such as training.epochs=2");
  }

  google::protobuf::Message* message = &root;
  const FieldDescriptor* field = nullptr;
  std::string walked;
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    if (field != nullptr) {
      if (field->message_type() == nullptr || field->is_repeated()) {
        return absl::InvalidArgumentError(absl::StrCat(walked, field->is_repeated() ? " is a list" : " is a value",
                                                       " and has no field ", name, "; write ", walked,
                                                       field->is_repeated() ? "=[VALUE, ...]" : "=VALUE"));
      }
      const google::protobuf::OneofDescriptor* oneof = field->containing_oneof();
      if (oneof != nullptr && !oneof->options().GetExtension(spec::chosen_when_compiled) &&
          message->GetReflection()->HasOneof(*message, oneof) && !message->GetReflection()->HasField(*message, field)) {
        return absl::InvalidArgumentError(
            absl::StrCat(walked, " is not chosen: ", oneof->name(), " is ",
                         message->GetReflection()->GetOneofFieldDescriptor(*message, oneof)->name(),
                         "; choose it first, --set=", walked, "={}"));
      }
      message = message->GetReflection()->MutableMessage(message, field);
    }
    field = message->GetDescriptor()->FindFieldByName(std::string(name));
    if (field == nullptr) {
      return absl::InvalidArgumentError(UnknownField(*message->GetDescriptor(), walked, name, *root.GetDescriptor()));
    }
    walked = JoinPath(walked, name);
  }

  message->GetReflection()->ClearField(message, field);
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field->is_repeated() && !absl::StartsWith(value, "\"") &&
      !absl::StartsWith(value, "'")) {
    message->GetReflection()->SetString(message, field, std::string(value));
    return absl::OkStatus();
  }
  TextReader reader(value);
  reader.ReadFieldValue(*message, *field, walked, *root.GetDescriptor());
  if (reader.findings().empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(
      reader.findings(), "\n",
      [](std::string* line, const TextReader::Finding& finding) { absl::StrAppend(line, finding.message); }));
}

absl::Status CheckCompiledUnchanged(const google::protobuf::Message& before, const google::protobuf::Message& after) {
  const std::map<std::string, CompiledChoice> wanted = CompiledChoices(after);
  for (const auto& [path, built] : CompiledChoices(before)) {
    // What belongs to an alternative that is no longer chosen is gone; its choice differs and is named.
    const auto found = wanted.find(path);
    if (found == wanted.end() || found->second == built) continue;
    return absl::InvalidArgumentError(absl::StrCat(path, " is ", built.value, " and cannot become ",
                                                   found->second.value,
                                                   ": it is fixed when the binary is built; copy the binary's "
                                                   ".textproto in examples/ to a new name there, change ",
                                                   path, " in it, and `bazel run //examples:<the new name>`"));
  }
  return absl::OkStatus();
}

absl::Status Override(spec::Experiment& spec, const std::vector<std::string>& assignments) {
  spec::Experiment changed = spec;
  for (const std::string& assignment : assignments) {
    const spec::Experiment before = changed;
    const std::string context = absl::StrCat("--set=", assignment);
    ECG_RETURN_IF_ERROR(WithContext(SetByPath(changed, assignment), context));
    ECG_RETURN_IF_ERROR(WithContext(CheckCompiledUnchanged(before, changed), context));
  }
  const std::vector<Problem> problems = CheckExperiment(changed);
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        absl::StrJoin(
            assignments, " ",
            [](std::string* text, const std::string& assignment) { absl::StrAppend(text, "--set=", assignment); }),
        ": ", absl::StrJoin(problems, "\n", [](std::string* text, const Problem& problem) {
          absl::StrAppend(text, problem.message);
        })));
  }
  spec = std::move(changed);
  return absl::OkStatus();
}

absl::Status Override(spec::Experiment& spec, absl::string_view assignment) {
  return Override(spec, std::vector<std::string>{std::string(assignment)});
}

}  // namespace ecg

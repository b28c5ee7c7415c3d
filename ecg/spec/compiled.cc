#include "ecg/spec/compiled.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/field_path.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {

namespace {

// CompiledChoiceOf returns the value of `field` of `message`.
CompiledChoice CompiledChoiceOf(const google::protobuf::Message& message,
                                const google::protobuf::FieldDescriptor* field) {
  CompiledChoice choice;
  google::protobuf::TextFormat::PrintFieldValueToString(message, field, -1, &choice.value);
  choice.argument = choice.value;
  if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING) {
    choice.argument = message.GetReflection()->GetString(message, field);  // without the quotes
  } else if (field->enum_type() != nullptr) {
    choice.argument = field->enum_type()->FindValueByName(choice.value)->options().GetExtension(spec::cpp_arguments);
  }
  return choice;
}

}  // namespace

std::map<std::string, CompiledChoice> CompiledChoices(const google::protobuf::Message& message) {
  std::map<std::string, CompiledChoice> choices;
  ForEachPart(message, "", [&](const google::protobuf::Message& part, const std::string& path) {
    const google::protobuf::Descriptor& descriptor = *part.GetDescriptor();
    for (int i = 0; i < descriptor.oneof_decl_count(); ++i) {
      const google::protobuf::OneofDescriptor* oneof = descriptor.oneof_decl(i);
      if (!oneof->options().GetExtension(spec::chosen_when_compiled)) continue;
      const google::protobuf::FieldDescriptor* chosen = ChosenAlternative(part, oneof);
      const std::string name = chosen == nullptr ? "absent" : chosen->name();
      choices[JoinPath(path, oneof->name())] = {name, name};
    }
    for (int i = 0; i < descriptor.field_count(); ++i) {
      const google::protobuf::FieldDescriptor* field = descriptor.field(i);
      if (!field->options().GetExtension(spec::compiled_in)) continue;
      choices[JoinPath(path, field->name())] = CompiledChoiceOf(part, field);
    }
  });
  return choices;
}

absl::StatusOr<CompiledType> CompiledTypeOf(const google::protobuf::Message& alternative) {
  const google::protobuf::Descriptor& descriptor = *alternative.GetDescriptor();
  CompiledType compiled = {descriptor.options().GetExtension(spec::cpp_type),
                           descriptor.options().GetExtension(spec::cpp_header)};
  if (compiled.type.empty() || compiled.header.empty()) {
    return absl::InternalError(absl::StrCat("message ", descriptor.name(),
                                            " is a compiled choice; give it the options ",
                                            "(cpp_type) and (cpp_header) in ", descriptor.file()->name()));
  }
  std::map<std::string, std::string> arguments;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = descriptor.field(i);
    if (!field->options().GetExtension(spec::compiled_in)) continue;
    const CompiledChoice choice = CompiledChoiceOf(alternative, field);
    if (choice.argument.empty() && field->enum_type() != nullptr) {
      return absl::InternalError(absl::StrCat("the value ", choice.value, " of ", field->full_name(),
                                              " is compiled in; give it the option (cpp_arguments) in ",
                                              descriptor.file()->name()));
    }
    const std::string placeholder = absl::StrCat("{", field->name(), "}");
    if (!absl::StrContains(compiled.type, placeholder) && !absl::StrContains(compiled.header, placeholder)) {
      return absl::InternalError(absl::StrCat(field->full_name(), " is compiled in; name it as ", placeholder,
                                              " in the (cpp_type) or the (cpp_header) of ", descriptor.name(), " in ",
                                              descriptor.file()->name()));
    }
    arguments[placeholder] = choice.argument;
  }
  absl::StrReplaceAll(arguments, &compiled.type);
  absl::StrReplaceAll(arguments, &compiled.header);
  return compiled;
}

namespace {

// ChosenTypeOf returns the type of the alternative that `part` chooses in its oneof `oneof_name`.
absl::StatusOr<CompiledType> ChosenTypeOf(const google::protobuf::Message& part, absl::string_view oneof_name) {
  const google::protobuf::FieldDescriptor* chosen =
      ChosenAlternative(part, part.GetDescriptor()->FindOneofByName(std::string(oneof_name)));
  if (chosen == nullptr) return absl::InvalidArgumentError(absl::StrCat("no ", oneof_name, " is chosen"));
  return CompiledTypeOf(part.GetReflection()->GetMessage(part, chosen));
}

}  // namespace

absl::StatusOr<CompiledType> NetworkTypeOf(const spec::Model& model, std::set<std::string>& headers) {
  ECG_ASSIGN_OR_RETURN(CompiledType type, ChosenTypeOf(model, "backbone"));
  headers.insert(type.header);
  const google::protobuf::Descriptor& backbone =
      *ChosenAlternative(model, model.GetDescriptor()->FindOneofByName("backbone"))->message_type();
  if (backbone.options().GetExtension(spec::whole_network)) return type;
  headers.insert("ecg/model/classifier.h");
  std::string argument;  // none for the default head
  if (ChosenAlternative(model, model.GetDescriptor()->FindOneofByName("head_choice")) != nullptr) {
    ECG_ASSIGN_OR_RETURN(const CompiledType head, ChosenTypeOf(model, "head_choice"));
    headers.insert(head.header);
    const bool is_default = head.type == "ecg::Head" && !backbone.options().GetExtension(spec::own_head);
    if (!is_default) argument = absl::StrCat(", ", head.type);
  }
  type.type = absl::StrCat("ecg::Classifier<", type.type, argument, ">");
  return type;
}

absl::StatusOr<CompiledType> NetworkTypeOf(const spec::Model& model) {
  std::set<std::string> headers;
  return NetworkTypeOf(model, headers);
}

absl::StatusOr<CompiledTypes> CompiledTypesOf(const spec::Experiment& spec) {
  CompiledTypes types;
  ECG_ASSIGN_OR_RETURN(types.dataset, ChosenTypeOf(spec.data(), "dataset"));
  ECG_ASSIGN_OR_RETURN(types.network, NetworkTypeOf(spec.model(), types.headers));
  ECG_ASSIGN_OR_RETURN(types.objective, ChosenTypeOf(spec.training(), "objective"));
  types.headers.insert({types.dataset.header, types.objective.header});
  absl::Status status;
  ForEachPart(spec, "", [&](const google::protobuf::Message& part, const std::string&) {
    for (int i = 0; i < part.GetDescriptor()->oneof_decl_count(); ++i) {
      const google::protobuf::OneofDescriptor* oneof = part.GetDescriptor()->oneof_decl(i);
      const google::protobuf::FieldDescriptor* chosen = ChosenAlternative(part, oneof);
      if (!oneof->options().HasExtension(spec::part) || chosen == nullptr ||
          chosen->message_type() != spec::Own::descriptor()) {
        continue;
      }
      absl::StatusOr<CompiledType> type = CompiledTypeOf(part.GetReflection()->GetMessage(part, chosen));
      status.Update(type.status());
      if (!type.ok()) continue;
      types.headers.insert(type->header);
      types.own_parts.insert({oneof->options().GetExtension(spec::part), *std::move(type)});
    }
  });
  ECG_RETURN_IF_ERROR(status);
  return types;
}

}  // namespace ecg

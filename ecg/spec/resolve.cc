#include "ecg/spec/resolve.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/field_path.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "proto/experiment.pb.h"

namespace ecg {

void FillDefaults(google::protobuf::Message& message) {
  using google::protobuf::FieldDescriptor;
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->message_type() != nullptr) {
      if (field->is_repeated()) {
        for (int k = 0; k < reflection.FieldSize(message, field); ++k) {
          FillDefaults(*reflection.MutableRepeatedMessage(&message, field, k));
        }
        continue;
      }
      const google::protobuf::OneofDescriptor* oneof = field->containing_oneof();
      const bool is_default =
          oneof == nullptr ? CountsWhenAbsent(message, field) : ChosenAlternative(message, oneof) == field;
      if (is_default || reflection.HasField(message, field)) FillDefaults(*reflection.MutableMessage(&message, field));
    } else if (field->has_default_value() && !reflection.HasField(message, field)) {
      // An absent field reads as its default.
      switch (field->cpp_type()) {
        case FieldDescriptor::CPPTYPE_INT32:
          reflection.SetInt32(&message, field, field->default_value_int32());
          break;
        case FieldDescriptor::CPPTYPE_INT64:
          reflection.SetInt64(&message, field, field->default_value_int64());
          break;
        case FieldDescriptor::CPPTYPE_DOUBLE:
          reflection.SetDouble(&message, field, field->default_value_double());
          break;
        case FieldDescriptor::CPPTYPE_BOOL:
          reflection.SetBool(&message, field, field->default_value_bool());
          break;
        case FieldDescriptor::CPPTYPE_ENUM:
          reflection.SetEnum(&message, field, field->default_value_enum());
          break;
        case FieldDescriptor::CPPTYPE_STRING:
          reflection.SetString(&message, field, field->default_value_string());
          break;
        default:
          break;
      }
    }
  }
}

spec::Experiment Resolve(spec::Experiment spec) {
  FillDefaults(spec);
  return spec;
}

std::string ToText(const spec::Experiment& spec) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetPrintMessageFieldsInIndexOrder(true);
  printer.SetUseUtf8StringEscaping(true);
  std::string printed;
  printer.PrintToString(spec, &printed);

  // A blank line between the parts, and an empty message on one line.
  std::string text;
  for (const absl::string_view line : absl::StrSplit(printed, '\n', absl::SkipEmpty())) {
    const absl::string_view word = absl::StripLeadingAsciiWhitespace(line);
    if (word == "}" && absl::EndsWith(text, "{\n")) {
      text.replace(text.size() - 1, 1, "}\n");
      continue;
    }
    if (word.size() == line.size() && absl::EndsWith(line, "{") && !text.empty()) text += "\n";
    absl::StrAppend(&text, line, "\n");
  }
  return text;
}

}  // namespace ecg

// spec_reference.cc
//
// Generates the reference of all fields of a spec, in Markdown, from the comments and options in
// proto/experiment.proto:
//
//   spec_reference < experiment.descriptor_set > docs/spec_reference.md
//
// The descriptor set holds the schema with its imports and comments, as written by `protoc --include_imports
// --include_source_info --descriptor_set_out=...`.

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "ecg/spec/field_path.h"
#include "ecg/spec/text_reader.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/message.h"
#include "google/protobuf/text_format.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {
namespace {

using ::google::protobuf::DescriptorPool;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::OneofDescriptor;

// The comment above `element`, a descriptor from a pool with source info, on one line.
template <typename D>
std::string CommentOf(const D* element) {
  google::protobuf::SourceLocation location;
  if (element == nullptr || !element->GetSourceLocation(&location)) return "";
  std::string comment = absl::StrReplaceAll(location.leading_comments, {{"\n", " "}, {"|", "\\|"}});
  comment = absl::StrReplaceAll(comment, {{"  ", " "}});
  return std::string(absl::StripAsciiWhitespace(comment));
}

// The reference of `message`, at `path`, and of the messages in it. Comments are taken from `source`.
std::string Reference(const Message& message, const std::string& path, const DescriptorPool& source) {
  const google::protobuf::Descriptor& descriptor = *message.GetDescriptor();
  std::string rows, below;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor* field = descriptor.field(i);
    const std::string field_path = JoinPath(path, field->name());
    const std::string comment = CommentOf(source.FindFieldByName(field->full_name()));
    if (field->message_type() != nullptr) {
      const Message& part = *message.GetReflection()->GetMessageFactory()->GetPrototype(field->message_type());
      std::vector<std::string> sentences;
      if (const OneofDescriptor* oneof = field->containing_oneof(); oneof != nullptr) {
        sentences.push_back(absl::StrCat("An alternative of `", JoinPath(path, oneof->name()), "`."));
        sentences.push_back(CommentOf(source.FindOneofByName(oneof->full_name())));
      }
      sentences.push_back(comment);
      sentences.push_back(CommentOf(source.FindMessageTypeByName(part.GetDescriptor()->full_name())));
      sentences.erase(std::remove(sentences.begin(), sentences.end(), ""), sentences.end());
      absl::StrAppend(&below, "\n## ", field_path, "\n\n", absl::StrJoin(sentences, " "), "\n",
                      Reference(part, field_path, source));
      continue;
    }
    std::string standard = "absent";
    if (field->has_default_value()) {
      google::protobuf::TextFormat::PrintFieldValueToString(message, field, -1, &standard);
      standard = absl::StrCat("`", standard, "`");
    }
    absl::StrAppend(
        &rows, "| `", field->name(), "` | ", field->enum_type() != nullptr ? "a word" : ExpectedValue(*field, ""),
        field->options().GetExtension(spec::compiled_in) ? ", compiled in" : "", " | ", standard, " | ", comment);
    for (int k = 0; field->enum_type() != nullptr && k < field->enum_type()->value_count(); ++k) {
      const google::protobuf::EnumValueDescriptor* value = field->enum_type()->value(k);
      absl::StrAppend(&rows, "<br>`", value->name(), "`: ", CommentOf(source.FindEnumValueByName(value->full_name())));
    }
    absl::StrAppend(&rows, " |\n");
  }
  if (!rows.empty()) rows = absl::StrCat("\n| field | accepts | default | meaning |\n|---|---|---|---|\n", rows);
  return absl::StrCat(rows, below);
}

int Main() {
  google::protobuf::FileDescriptorSet files;
  if (!files.ParseFromIstream(&std::cin)) {
    std::cerr << "error: standard input is not a descriptor set; write one with protoc --descriptor_set_out\n";
    return 1;
  }
  DescriptorPool source;
  for (const google::protobuf::FileDescriptorProto& file : files.file()) source.BuildFile(file);
  std::cout
      << "# All fields of a spec\n\n"
         "Every field, by the path that `--set` takes. [spec.md](spec.md) tells how to write a spec. This page is "
         "written from\n`proto/experiment.proto`: change the comments there, and docs/BUILD tells how to write it "
         "anew.\n"
      << Reference(spec::Experiment(), "", source);
  return 0;
}

}  // namespace
}  // namespace ecg

int main() { return ecg::Main(); }

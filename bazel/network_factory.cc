// network_factory.cc
//
// Generates AnyNetwork (ecg/model/any_network.h), which creates every network of built-in parts that a spec can name,
// from the alternatives of `backbone` and `head_choice` in proto/experiment.proto:
//
//   network_factory > any_network.cc

#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/spec/compiled.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"
#include "proto/options.pb.h"

namespace ecg {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::OneofDescriptor;

// Calls `visit` for each combination of values of the compiled-in fields of `message`, from field `field_index` on.
void ForEachCompiledForm(Message& message, const std::function<void()>& visit, int field_index = 0) {
  if (field_index == message.GetDescriptor()->field_count()) return visit();
  const FieldDescriptor* field = message.GetDescriptor()->field(field_index);
  if (!field->options().GetExtension(spec::compiled_in)) return ForEachCompiledForm(message, visit, field_index + 1);
  if (field->enum_type() == nullptr) return;  // an unbounded set of values, such as the type of a custom backbone
  for (int i = 0; i < field->enum_type()->value_count(); ++i) {
    message.GetReflection()->SetEnum(&message, field, field->enum_type()->value(i));
    ForEachCompiledForm(message, visit, field_index + 1);
  }
}

absl::Status Write(std::ostream& out) {
  spec::Model model;
  const OneofDescriptor* backbones = model.GetDescriptor()->FindOneofByName("backbone");
  const OneofDescriptor* heads = model.GetDescriptor()->FindOneofByName("head_choice");
  std::set<std::string> types, headers = {"ecg/model/any_network.h", "ecg/model/classifier.h"};
  absl::Status status;
  const auto add = [&] {
    const absl::StatusOr<CompiledType> type = NetworkTypeOf(model, headers);
    status.Update(type.status());
    if (type.ok()) types.insert(type->type);
  };
  for (int i = 0; i < backbones->field_count(); ++i) {
    Message& backbone = *model.GetReflection()->MutableMessage(&model, backbones->field(i));
    ForEachCompiledForm(backbone, [&] {
      model.GetReflection()->ClearOneof(&model, heads);
      add();
      if (backbone.GetDescriptor()->options().GetExtension(spec::whole_network)) return;
      for (int k = 0; k < heads->field_count(); ++k) {
        if (heads->field(k)->message_type()->options().GetExtension(spec::pretrains)) continue;
        ForEachCompiledForm(*model.GetReflection()->MutableMessage(&model, heads->field(k)), add);
      }
    });
  }
  ECG_RETURN_IF_ERROR(status);

  out << "// Written by network_factory from proto/experiment.proto.\n\n#include <memory>\n#include <string>\n\n"
         "#include \"absl/status/statusor.h\"\n#include \"absl/strings/str_cat.h\"\n";
  for (const std::string& header : headers) out << "#include \"" << header << "\"\n";
  out << "#include \"ecg/spec/compiled.h\"\n#include \"ecg/status/status_macros.h\"\n\nnamespace ecg {\n\n"
         "absl::StatusOr<std::shared_ptr<Network>> AnyNetwork(const spec::Model& model, int leads, int classes) {\n"
         "  ECG_ASSIGN_OR_RETURN(const CompiledType compiled, NetworkTypeOf(model));\n";
  for (const std::string& type : types) {
    out << "  if (compiled.type == \"" << type << "\")\n    return std::make_shared<" << type
        << ">(model, leads, classes);\n";
  }
  out << "  return absl::NotFoundError(absl::StrCat(\"no program here was built with \", compiled.type));\n"
         "}\n\n}  // namespace ecg\n";
  return absl::OkStatus();
}

}  // namespace
}  // namespace ecg

int main() { return ecg::ExitStatus(ecg::Write(std::cout)); }

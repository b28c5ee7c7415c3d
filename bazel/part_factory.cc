// part_factory.cc
//
// Generates ecg::AddBuiltInParts (ecg/experiment/recipe.h) from proto/experiment.proto: a line for each built-in part
// that is chosen at run time. A new part needs a header, a message and a line in the oneof.

#include <iostream>
#include <map>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
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
using ::google::protobuf::MessageFactory;
using ::google::protobuf::OneofDescriptor;

// The C++ types of the parts by registry, and their headers.
struct BuiltInParts {
  std::map<std::string, std::set<std::string>> types;
  std::set<std::string> headers = {"ecg/experiment/recipe.h"};
};

absl::Status Collect(const Descriptor& message, MessageFactory& factory, std::set<const Descriptor*>& seen,
                     BuiltInParts& parts) {
  if (!seen.insert(&message).second) return absl::OkStatus();
  for (int i = 0; i < message.oneof_decl_count(); ++i) {
    const OneofDescriptor* oneof = message.oneof_decl(i);
    if (!oneof->options().HasExtension(spec::part)) continue;
    for (int k = 0; k < oneof->field_count(); ++k) {
      const Descriptor* alternative = oneof->field(k)->message_type();
      if (alternative == spec::Own::descriptor()) continue;
      ECG_ASSIGN_OR_RETURN(const CompiledType type, CompiledTypeOf(*factory.GetPrototype(alternative)));
      parts.types[oneof->options().GetExtension(spec::part)].insert(type.type);
      parts.headers.insert(type.header);
    }
  }
  for (int i = 0; i < message.field_count(); ++i) {
    if (message.field(i)->message_type() == nullptr) continue;
    ECG_RETURN_IF_ERROR(Collect(*message.field(i)->message_type(), factory, seen, parts));
  }
  return absl::OkStatus();
}

absl::Status Write(std::ostream& out) {
  BuiltInParts parts;
  std::set<const Descriptor*> seen;
  ECG_RETURN_IF_ERROR(Collect(*spec::Experiment::descriptor(), *MessageFactory::generated_factory(), seen, parts));
  out << "// Written by part_factory from proto/experiment.proto.\n\n";
  for (const std::string& header : parts.headers) out << "#include \"" << header << "\"\n";
  out << "\nnamespace ecg {\n\nvoid AddBuiltInParts(Recipe& recipe) {\n";
  for (const auto& [registry, types] : parts.types) {
    for (const std::string& type : types) {
      out << "  recipe." << registry << ".Add<" << type << ">(\"" << type << "\");\n";
    }
  }
  out << "}\n\n}  // namespace ecg\n";
  return absl::OkStatus();
}

}  // namespace
}  // namespace ecg

int main() { return ecg::ExitStatus(ecg::Write(std::cout)); }

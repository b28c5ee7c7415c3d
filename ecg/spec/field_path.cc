#include "ecg/spec/field_path.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/spec/nearest_name.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/options.pb.h"

namespace ecg {

bool IsNoDefault(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor* field) {
  if (!field->options().GetExtension(spec::unless_own_head)) return false;
  for (int i = 0; i < message.GetDescriptor()->oneof_decl_count(); ++i) {
    const google::protobuf::FieldDescriptor* chosen =
        message.GetReflection()->GetOneofFieldDescriptor(message, message.GetDescriptor()->oneof_decl(i));
    if (chosen != nullptr && chosen->message_type() != nullptr &&
        chosen->message_type()->options().GetExtension(spec::own_head)) {
      return true;
    }
  }
  return false;
}

const google::protobuf::FieldDescriptor* ChosenAlternative(const google::protobuf::Message& message,
                                                           const google::protobuf::OneofDescriptor* oneof) {
  if (const auto* chosen = message.GetReflection()->GetOneofFieldDescriptor(message, oneof)) return chosen;
  const auto* standard =
      message.GetDescriptor()->FindFieldByName(oneof->options().GetExtension(spec::default_alternative));
  return standard != nullptr && IsNoDefault(message, standard) ? nullptr : standard;
}

bool CountsWhenAbsent(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor* field) {
  return field->containing_oneof() == nullptr && !field->options().GetExtension(spec::off_when_absent) &&
         !IsNoDefault(message, field);
}

std::vector<std::string> AlternativeNames(const google::protobuf::OneofDescriptor& oneof) {
  std::vector<std::string> names;
  for (int i = 0; i < oneof.field_count(); ++i) names.push_back(oneof.field(i)->name());
  return names;
}

void PathsOfField(const google::protobuf::Descriptor& message, const std::string& path, absl::string_view name,
                  std::vector<std::string>& paths) {
  for (int i = 0; i < message.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = message.field(i);
    const std::string field_path = JoinPath(path, field->name());
    if (field->name() == name) paths.push_back(field_path);
    if (field->message_type() != nullptr) PathsOfField(*field->message_type(), field_path, name, paths);
  }
}

std::string UnknownField(const google::protobuf::Descriptor& message, absl::string_view path, absl::string_view name,
                         const google::protobuf::Descriptor& root) {
  const std::string whole = absl::StrCat("the ", absl::AsciiStrToLower(root.name()));  // "the experiment"
  std::string error = absl::StrCat(path.empty() ? whole : path, " has no field \"", name, "\"; ");
  const std::string key(name);
  if (const google::protobuf::OneofDescriptor* oneof = message.FindOneofByName(key); oneof != nullptr) {
    const std::vector<std::string> alternatives = AlternativeNames(*oneof);
    return absl::StrCat(error, "choose its ", name, " by name: ", absl::StrJoin(alternatives, " {} or "), " {}");
  }
  if (!path.empty() && root.FindFieldByName(key) != nullptr) {
    return absl::StrCat(error, whole, " has: is a } missing before it?");
  }
  std::vector<std::string> other_paths;
  PathsOfField(root, "", name, other_paths);
  if (!other_paths.empty() && other_paths.size() <= 3) {
    return absl::StrCat(error, "did you mean ", absl::StrJoin(other_paths, " or "), "?");
  }
  std::vector<std::string> names;
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  if (const std::optional<std::string> nearest = NearestName(name, names); nearest.has_value()) {
    return absl::StrCat(error, "did you mean ", *nearest, "?");
  }
  if (names.empty()) return absl::StrCat(error, "it has none: write {}");
  return absl::StrCat(error, "it has ", absl::StrJoin(names, ", "));
}

}  // namespace ecg

// field_path.h
//
// The parts of an experiment and their names from its root, such as "training.optimizer.learning_rate".
//
//   ForEachPart(spec, "", [](const google::protobuf::Message& part, const std::string& path) {
//     std::cout << path << " is a " << part.GetDescriptor()->name() << "\n";   // "data is a Data", ...
//   });

#ifndef ECG_SPEC_FIELD_PATH_H_
#define ECG_SPEC_FIELD_PATH_H_

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

// JoinPath returns the path of the field `name` of the message at `path`; the root's path is "".
inline std::string JoinPath(absl::string_view path, absl::string_view name) {
  return absl::StrCat(path, path.empty() ? "" : ".", name);
}

// IsNoDefault says whether `field` of `message` is no default beside the alternative that is chosen in `message`.
inline bool IsNoDefault(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor* field) {
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

// ChosenAlternative returns the alternative of `oneof` that `message` has, or else the default one, or else nullptr.
inline const google::protobuf::FieldDescriptor* ChosenAlternative(const google::protobuf::Message& message,
                                                                  const google::protobuf::OneofDescriptor* oneof) {
  if (const auto* chosen = message.GetReflection()->GetOneofFieldDescriptor(message, oneof)) return chosen;
  const auto* standard =
      message.GetDescriptor()->FindFieldByName(oneof->options().GetExtension(spec::default_alternative));
  return standard != nullptr && IsNoDefault(message, standard) ? nullptr : standard;
}

// CountsWhenAbsent says whether `field`, a message, takes effect with its defaults when it is absent from `message`.
inline bool CountsWhenAbsent(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor* field) {
  return field->containing_oneof() == nullptr && !field->options().GetExtension(spec::off_when_absent) &&
         !IsNoDefault(message, field);
}

// ForEachPart calls `visit(message, path)` for `message` and for each message within it that takes effect: those that
// are present, and those that count with their defaults when they are absent. `path` is where `message` itself is.
template <typename Visit>
void ForEachPart(const google::protobuf::Message& message, const std::string& path, const Visit& visit) {
  visit(message, path);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = message.GetDescriptor()->field(i);
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const std::string field_path = JoinPath(path, field->name());
    if (field->is_repeated()) {
      for (int k = 0; k < reflection.FieldSize(message, field); ++k) {
        ForEachPart(reflection.GetRepeatedMessage(message, field, k), absl::StrCat(field_path, "[", k, "]"), visit);
      }
    } else if (reflection.HasField(message, field) || CountsWhenAbsent(message, field)) {
      ForEachPart(reflection.GetMessage(message, field), field_path, visit);
    }
  }
}

// AlternativeNames lists the alternatives of `oneof`.
inline std::vector<std::string> AlternativeNames(const google::protobuf::OneofDescriptor& oneof) {
  std::vector<std::string> names;
  for (int i = 0; i < oneof.field_count(); ++i) names.push_back(oneof.field(i)->name());
  return names;
}

// PathsOfField appends to `paths` where below `message`, which is at `path`, a field is called `name`.
inline void PathsOfField(const google::protobuf::Descriptor& message, const std::string& path, absl::string_view name,
                         std::vector<std::string>& paths) {
  for (int i = 0; i < message.field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = message.field(i);
    const std::string field_path = JoinPath(path, field->name());
    if (field->name() == name) paths.push_back(field_path);
    if (field->message_type() != nullptr) PathsOfField(*field->message_type(), field_path, name, paths);
  }
}

// UnknownField returns the error that `message`, at `path` in a `root`, has no field `name`, with what was probably
// meant: a field of that name in another message, a field with a similar name here, or else any of the fields here.
inline std::string UnknownField(const google::protobuf::Descriptor& message, absl::string_view path,
                                absl::string_view name, const google::protobuf::Descriptor& root) {
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

#endif  // ECG_SPEC_FIELD_PATH_H_

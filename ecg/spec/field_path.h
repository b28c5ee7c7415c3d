// field_path.h
//
// The parts of an experiment and their names from its root, such as "training.optimizer.learning_rate".
//
//   ForEachPart(spec, "", [](const google::protobuf::Message& part, const std::string& path) {
//     std::cout << path << " is a " << part.GetDescriptor()->name() << "\n";   // "data is a Data", ...
//   });

#ifndef ECG_SPEC_FIELD_PATH_H_
#define ECG_SPEC_FIELD_PATH_H_

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace ecg {

// JoinPath returns the path of the field `name` of the message at `path`; the root's path is "".
inline std::string JoinPath(absl::string_view path, absl::string_view name) {
  return absl::StrCat(path, path.empty() ? "" : ".", name);
}

// IsNoDefault says whether `field` of `message` is no default beside the alternative that is chosen in `message`.
bool IsNoDefault(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor* field);

// ChosenAlternative returns the alternative of `oneof` that `message` has, or else the default one, or else nullptr.
const google::protobuf::FieldDescriptor* ChosenAlternative(const google::protobuf::Message& message,
                                                           const google::protobuf::OneofDescriptor* oneof);

// CountsWhenAbsent says whether `field`, a message, takes effect with its defaults when it is absent from `message`.
bool CountsWhenAbsent(const google::protobuf::Message& message, const google::protobuf::FieldDescriptor* field);

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
std::vector<std::string> AlternativeNames(const google::protobuf::OneofDescriptor& oneof);

// PathsOfField appends to `paths` where below `message`, which is at `path`, a field is called `name`.
void PathsOfField(const google::protobuf::Descriptor& message, const std::string& path, absl::string_view name,
                  std::vector<std::string>& paths);

// UnknownField returns the error that `message`, at `path` in a `root`, has no field `name`, with what was probably
// meant: a field of that name in another message, a field with a similar name here, or else any of the fields here.
std::string UnknownField(const google::protobuf::Descriptor& message, absl::string_view path, absl::string_view name,
                         const google::protobuf::Descriptor& root);

}  // namespace ecg

#endif  // ECG_SPEC_FIELD_PATH_H_

// part_registry.h
//
// Makes the part that a spec chooses, of one kind: an update rule, an augmentation, ... A part is a C++ type with a
// `Spec`, its proto message, and a constructor from it. Which alternatives there are and their types are options in
// proto/experiment.proto.
//
//   PartRegistry<UpdateRules> rules;
//   rules.Add<Adam>("ecg::Adam");
//   rules.Add<my::Lion>("my::Lion");
//   ECG_ASSIGN_OR_RETURN(std::unique_ptr<AnyUpdateRule> rule, rules.Make(spec.training().optimizer()));

#ifndef ECG_SPEC_PART_REGISTRY_H_
#define ECG_SPEC_PART_REGISTRY_H_

#include <concepts>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/spec/compiled.h"
#include "ecg/spec/field_path.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "proto/options.pb.h"

namespace ecg {

// NoContext is the context of parts that are made from their spec alone.
struct NoContext {};

// MakePart returns a `Part` made from its spec and, where it has such a constructor, from `context`.
template <typename Part, typename Context>
Part MakePart(const typename Part::Spec& spec, const Context& context) {
  if constexpr (std::constructible_from<Part, const typename Part::Spec&, const Context&>) {
    return Part(spec, context);
  } else {
    return Part(spec);
  }
}

// PartRegistry makes parts of one kind. A kind K tells
//
//   K::kName             the registry's name, the option (part) of the oneofs that choose such a part: "update_rules"
//   K::Interface         the abstract class that the rest of the program knows
//   K::Context           what a part may be made from beside its spec
//   K::Erase(part)       puts a part behind the interface, as a std::unique_ptr; its template parameter is constrained
//                        by the concept of the kind
template <typename Kind>
class PartRegistry {
 public:
  using Interface = typename Kind::Interface;
  using Context = typename Kind::Context;

  // Add makes the part of the C++ type `type`, spelt as in the spec or in (cpp_type), available.
  template <typename Part>
  void Add(const std::string& type) {
    makers_[type] = [](const google::protobuf::Message& spec,
                       const Context& context) -> absl::StatusOr<std::unique_ptr<Interface>> {
      if (spec.GetDescriptor() != Part::Spec::descriptor()) {
        return absl::InternalError(absl::StrCat("it is made from ", Part::Spec::descriptor()->full_name(),
                                                ", but the spec has a ", spec.GetDescriptor()->full_name()));
      }
      return Kind::Erase(MakePart<Part>(static_cast<const typename Part::Spec&>(spec), context));
    };
  }

  // Make returns the part that `holder`, a message with a oneof of this kind, chooses.
  absl::StatusOr<std::unique_ptr<Interface>> Make(const google::protobuf::Message& holder,
                                                  const Context& context = Context()) const {
    for (int i = 0; i < holder.GetDescriptor()->oneof_decl_count(); ++i) {
      const google::protobuf::OneofDescriptor* oneof = holder.GetDescriptor()->oneof_decl(i);
      if (oneof->options().GetExtension(spec::part) != Kind::kName) continue;
      const google::protobuf::FieldDescriptor* chosen = ChosenAlternative(holder, oneof);
      if (chosen == nullptr) return absl::InvalidArgumentError(absl::StrCat("no ", oneof->name(), " is chosen"));
      return MakeFrom(holder.GetReflection()->GetMessage(holder, chosen), context);
    }
    return absl::InternalError(
        absl::StrCat(holder.GetDescriptor()->full_name(), " has no oneof with the option (part) = ", Kind::kName));
  }

  // MakeAll returns the part of each of `holders`, in their order.
  template <typename Holders>
  absl::StatusOr<std::vector<std::unique_ptr<Interface>>> MakeAll(const Holders& holders,
                                                                  const Context& context = Context()) const {
    std::vector<std::unique_ptr<Interface>> parts;
    for (const auto& holder : holders) {
      ECG_ASSIGN_OR_RETURN(parts.emplace_back(), Make(holder, context));
    }
    return parts;
  }

 private:
  absl::StatusOr<std::unique_ptr<Interface>> MakeFrom(const google::protobuf::Message& spec,
                                                      const Context& context) const {
    ECG_ASSIGN_OR_RETURN(const CompiledType type, CompiledTypeOf(spec));
    const auto found = makers_.find(type.type);
    if (found == makers_.end()) {
      return absl::NotFoundError(absl::StrCat(
          type.type, " is not compiled into this program, whose ", Kind::kName, " are ",
          absl::StrJoin(makers_, ", ", [](std::string* text, const auto& maker) { text->append(maker.first); }),
          ". A part of your own is compiled in when the .textproto that the binary is built from names it, and the "
          "library of ",
          type.header, " is in the `deps` of its target"));
    }
    try {
      return WithContext(found->second(spec, context), type.type);
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(error.what());
    }
  }

  template <typename T>
  static absl::StatusOr<T> WithContext(absl::StatusOr<T> result, const std::string& context) {
    if (result.ok()) return result;
    return ::ecg::WithContext(result.status(), context);
  }

  using Maker =
      std::function<absl::StatusOr<std::unique_ptr<Interface>>(const google::protobuf::Message&, const Context&)>;
  std::map<std::string, Maker> makers_;
};

}  // namespace ecg

#endif  // ECG_SPEC_PART_REGISTRY_H_

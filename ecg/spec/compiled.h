// compiled.h
//
// What of an experiment is fixed when its binary is built: the choices that are template arguments, and their C++
// types.
//
//   CompiledChoices(spec);                     // {"data.dataset": ptb_xl, "model.resnet.depth": RESNET_18, ...}
//   CompiledTypesOf(spec)->network.type;       // "ecg::Classifier<ecg::ResNet<ecg::BasicBlock>>"
//   CompiledTypesOf(spec)->own_parts;          // {{"update_rules", {"my::Lion", "examples/own_parts/lion.h"}}}
//
// Which choices these are, and how each is spelt in C++, are options in proto/experiment.proto.

#ifndef ECG_SPEC_COMPILED_H_
#define ECG_SPEC_COMPILED_H_

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "absl/status/statusor.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

// CompiledChoice is the value of something that is compiled in.
struct CompiledChoice {
  // As a spec spells it: "RESNET_18".
  std::string value;

  // As the template argument is spelt: "ecg::BasicBlock". Values that share one can replace each other at run time.
  std::string argument;

  friend bool operator==(const CompiledChoice& a, const CompiledChoice& b) { return a.argument == b.argument; }
};

// CompiledChoices returns the path and the value of everything in `message` that is compiled in.
std::map<std::string, CompiledChoice> CompiledChoices(const google::protobuf::Message& message);

// CompiledType is how a compiled choice is spelt in C++.
struct CompiledType {
  std::string type;    // "ecg::PtbXl"
  std::string header;  // "ecg/corpus/ptbxl.h"
};

// CompiledTypeOf returns the C++ type that `alternative`, the message of a compiled choice, stands for.
absl::StatusOr<CompiledType> CompiledTypeOf(const google::protobuf::Message& alternative);

// OwnPart is a part from outside the project that is chosen when the program runs, and so is compiled in beside the
// built-in ones.
struct OwnPart {
  std::string registry;  // the member of ecg::Recipe that makes it: "update_rules"
  CompiledType type;

  friend bool operator<(const OwnPart& a, const OwnPart& b) {
    return std::tie(a.registry, a.type.type) < std::tie(b.registry, b.type.type);
  }
};

// CompiledTypes are the C++ types that an experiment is instantiated with.
struct CompiledTypes {
  CompiledType dataset;
  // "ecg::Classifier<ecg::ResNet<ecg::BasicBlock>>".
  CompiledType network;
  CompiledType objective;
  std::set<OwnPart> own_parts;
  // Every header that defines one of the types, or a part of one.
  std::set<std::string> headers;
};

// NetworkTypeOf returns the type of the network of `model`, its backbone with a head, and adds the headers of both to
// `headers`.
absl::StatusOr<CompiledType> NetworkTypeOf(const spec::Model& model, std::set<std::string>& headers);

absl::StatusOr<CompiledType> NetworkTypeOf(const spec::Model& model);

// CompiledTypesOf returns the types of `spec`, which must make sense.
absl::StatusOr<CompiledTypes> CompiledTypesOf(const spec::Experiment& spec);

}  // namespace ecg

#endif  // ECG_SPEC_COMPILED_H_

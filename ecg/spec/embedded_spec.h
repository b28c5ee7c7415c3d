// embedded_spec.h
//
// The spec that a binary was built from.
//
//   const EmbeddedSpec spec = {.name = "mine", .file = "examples/mine.textproto", .text = R"(data { ptb_xl {} })"};

#ifndef ECG_SPEC_EMBEDDED_SPEC_H_
#define ECG_SPEC_EMBEDDED_SPEC_H_

#include "absl/strings/string_view.h"

namespace ecg {

// EmbeddedSpec is a .textproto file that is embedded in the binary. `ParseExperiment(text, file)` reads it.
struct EmbeddedSpec {
  // The name of the binary's target: "resnet18_all".
  absl::string_view name;

  // The file, from the root of the repository.
  absl::string_view file;

  // All of the file, with its comments.
  absl::string_view text;
};

}  // namespace ecg

#endif  // ECG_SPEC_EMBEDDED_SPEC_H_

// embedded_spec.h
//
// The experiment that a binary was built from, as its `main` hands it on.
//
//   int main(int argc, char** argv) {
//     return ecg::Main<MyExperiment>({.name = "mine", .file = "examples/mine.textproto", .text = R"(...)"}, argc,
//     argv);
//   }

#ifndef ECG_SPEC_EMBEDDED_SPEC_H_
#define ECG_SPEC_EMBEDDED_SPEC_H_

#include "absl/strings/string_view.h"

namespace ecg {

// EmbeddedSpec is a .textproto file within the binary. `ParseExperiment(text, file)` reads it.
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

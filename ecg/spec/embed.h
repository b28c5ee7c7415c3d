// embed.h
//
// The spec compiler's C++ source of a spec, which is embedded in the binary.
//
//   EmbeddedSpecSource("tiny", "tiny.textproto", "data { ptb_xl {} }");
//   // {.name = "tiny", .file = "tiny.textproto", .text = R"..."}

#ifndef ECG_SPEC_EMBED_H_
#define ECG_SPEC_EMBED_H_

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ecg {

// RawLiteral returns a raw string literal of any `text`.
inline std::string RawLiteral(absl::string_view text) {
  std::string delimiter = "ECG";
  while (absl::StrContains(text, absl::StrCat(")", delimiter, "\""))) delimiter += "_";
  return absl::StrCat("R\"", delimiter, "(", text, ")", delimiter, "\"");
}

// EmbeddedSpecSource returns the initialiser of an EmbeddedSpec (ecg/spec/embedded_spec.h).
inline std::string EmbeddedSpecSource(absl::string_view name, absl::string_view file, absl::string_view text) {
  return absl::StrCat("{\n    .name = \"", name, "\",\n    .file = \"", file, "\",\n    .text = ", RawLiteral(text),
                      "}");
}

}  // namespace ecg

#endif  // ECG_SPEC_EMBED_H_

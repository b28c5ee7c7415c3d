// checksums.h
//
// The list of SHA-256 digests that is published with a corpus, as `sha256sum` writes it.
//
//   ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile("SHA256SUMS.txt"));
//   ECG_ASSIGN_OR_RETURN(const Checksums checksums, ParseChecksums(text, "SHA256SUMS.txt"));
//   ECG_RETURN_IF_ERROR(VerifyFiles("/data/ptbxl", checksums));

#ifndef ECG_DOWNLOAD_CHECKSUMS_H_
#define ECG_DOWNLOAD_CHECKSUMS_H_

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/sha256.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace ecg {

// Checksums maps a file's path inside its corpus, with `/`, to its digest in lower-case hexadecimal digits.
using Checksums = std::map<std::string, std::string>;

// ParseChecksums reads lines of a digest, one or more blanks, perhaps a `*` (for "binary"), and a path. `source` is
// where `text` came from, for messages.
inline absl::StatusOr<Checksums> ParseChecksums(absl::string_view text, absl::string_view source) {
  constexpr size_t kDigits = 64;
  Checksums checksums;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripSuffix(line, "\r");
    if (line.empty()) continue;
    const std::string digest = absl::AsciiStrToLower(line.substr(0, kDigits));
    absl::string_view path = absl::StripLeadingAsciiWhitespace(line.substr(std::min(kDigits, line.size())));
    path = absl::StripPrefix(absl::StripPrefix(path, "*"), "./");
    if (digest.size() != kDigits || !std::all_of(digest.begin(), digest.end(), absl::ascii_isxdigit) ||
        line.substr(kDigits, 1) != " " || path.empty()) {
      return absl::DataLossError(absl::StrCat(
          source, ", line ", number, ": expected a SHA-256 digest and a path, found '", line.substr(0, 100), "'"));
    }
    checksums[std::string(path)] = digest;
  }
  if (checksums.empty()) return absl::DataLossError(absl::StrCat(source, " lists no file"));
  return checksums;
}

// VerifyFiles checks that every file of `checksums` is in `directory` and has its digest.
inline absl::Status VerifyFiles(const std::filesystem::path& directory, const Checksums& checksums) {
  Progress progress("checking", checksums.size(), "files");
  for (const auto& [path, expected] : checksums) {
    ECG_ASSIGN_OR_RETURN(const std::string found, FileSha256(directory / path));
    if (found != expected) {
      return absl::DataLossError(
          absl::StrCat((directory / path).string(), " has the SHA-256 digest ", found, ", expected ", expected));
    }
    progress.Advance();
  }
  return absl::OkStatus();
}

}  // namespace ecg

#endif  // ECG_DOWNLOAD_CHECKSUMS_H_

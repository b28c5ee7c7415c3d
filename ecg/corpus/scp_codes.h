// scp_codes.h
//
// Parses the statements of a record, which PTB-XL writes as a Python dictionary from statement to likelihood in
// percent:
//
//   const char text[] = "{'NORM': 100.0, 'LVOLT': 0.0, 'SR': 0.0}";
//   ECG_ASSIGN_OR_RETURN(const std::vector<ScpCode> codes, ParseScpCodes(text));

#ifndef ECG_CORPUS_SCP_CODES_H_
#define ECG_CORPUS_SCP_CODES_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ecg {

// ScpCode is one statement of a record.
struct ScpCode {
  // statement is the code, such as "NORM".
  std::string statement;
  // likelihood is in percent. PTB-XL writes 0 for an unknown likelihood, e.g. of all form and rhythm statements, so 0
  // does not mean absent.
  double likelihood = 0;
};

// ParseScpCodes parses a dictionary from strings to numbers, and no other Python. Errors state the position in
// characters, from 1.
inline absl::StatusOr<std::vector<ScpCode>> ParseScpCodes(absl::string_view text) {
  size_t position = 0;
  // The next non-space character, or 0 at the end.
  const auto peek = [&] {
    while (position < text.size() && absl::ascii_isspace(text[position])) ++position;
    return position < text.size() ? text[position] : '\0';
  };
  const auto expected = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(
        "character ", position + 1, ": ", what, " expected, ",
        position < text.size() ? absl::StrCat("\"", text.substr(position, 12), "\" found") : "but the text ends"));
  };

  std::vector<ScpCode> codes;
  if (peek() != '{') return expected("\"{\"");
  ++position;
  while (peek() != '}') {
    ScpCode code;
    const char quote = peek();
    if (quote != '\'' && quote != '"') return expected("a statement in quotes, or \"}\"");
    const size_t start = ++position;
    position = text.find_first_of(absl::string_view(quote == '"' ? "\"\\\n" : "'\\\n", 3), start);
    if (position == text.npos || text[position] != quote) {
      position = std::min(position, text.size());
      return expected("the end of the statement");
    }
    code.statement = std::string(text.substr(start, position - start));
    for (const ScpCode& earlier : codes) {
      if (earlier.statement == code.statement) {
        return absl::InvalidArgumentError(absl::StrCat("character ", start, ": a second \"", code.statement, "\""));
      }
    }
    ++position;
    if (peek() != ':') return expected("\":\"");
    ++position;
    peek();
    const absl::string_view number =
        text.substr(position, text.find_first_not_of("+-.0123456789eE", position) - position);
    if (!absl::SimpleAtod(number, &code.likelihood) || !std::isfinite(code.likelihood)) return expected("a number");
    position += number.size();
    codes.push_back(std::move(code));
    if (peek() == ',') {
      ++position;
    } else if (peek() != '}') {
      return expected("\",\" or \"}\"");
    }
  }
  ++position;
  if (peek(); position != text.size()) return expected("the end");
  return codes;
}

}  // namespace ecg

#endif  // ECG_CORPUS_SCP_CODES_H_

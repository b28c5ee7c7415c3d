// Writes a C++ file that compiles the examples in header banners, so that they cannot go stale unnoticed:
//
//   banner_examples --output=examples.cc [--names=tests/file/banner_names.h] ecg/file/csv.h ecg/file/npy.h ...
//
// An example is a block of indented lines at least one of which ends as code does, with ; { or }. All blocks of a
// banner form the body of one function, which may return a status or an int; a block that defines a function goes
// before it. A line of three dots is dropped. The names that an example uses but does not declare are declared by the
// header `names`, in the namespace ecg::HEADER_example, such as ecg::csv_example.

#include <filesystem>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/command_line/command_line.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace {

struct Block {
  int line = 0;  // of the header, where the block begins
  std::vector<std::string> lines;
};

// Blocks returns the indented blocks of a header's banner, the comment at its top.
std::vector<Block> Blocks(absl::string_view header) {
  std::vector<Block> blocks;
  int number = 0;
  bool in_block = false;
  for (absl::string_view line : absl::StrSplit(header, '\n')) {
    ++number;
    if (!absl::ConsumePrefix(&line, "//")) break;
    if (absl::ConsumePrefix(&line, "   ")) {
      if (!in_block) blocks.push_back({.line = number, .lines = {}});
      blocks.back().lines.emplace_back(line);
      in_block = true;
    } else {
      in_block = false;
    }
  }
  return blocks;
}

bool IsCode(const Block& block) {
  static const std::regex code("^(.*[;{}]) *(//.*)?$");
  for (const std::string& line : block.lines) {
    if (std::regex_match(line, code)) return true;
  }
  return false;
}

bool DefinesFunction(const Block& block) {
  static const std::regex function(R"(^(?!for |if |while |switch )[\w:<>*&, ]+ \w+\([^=\[]*\) \{$)");
  for (const std::string& line : block.lines) {
    if (std::regex_match(line, function)) return true;
  }
  return false;
}

// Text returns the lines of a block, with a #line directive so that compiler errors point into the header.
std::string Text(const Block& block, const std::string& header) {
  std::string text = absl::StrCat("#line ", block.line, " \"", header, "\"\n");
  for (const std::string& line : block.lines) {
    absl::StrAppend(&text, absl::StripAsciiWhitespace(line) == "..." ? "" : line, "\n");
  }
  return text;
}

constexpr char kResult[] = R"(
namespace ecg::banner {

// Result is the return type of an example.
struct Result {
  Result(absl::Status) {}
  Result(int) {}
};

}  // namespace ecg::banner
)";

absl::Status Write(const std::vector<std::string>& headers, const std::string& names, const std::string& output) {
  std::string includes =
                  "#include <iostream>\n\n#include \"absl/status/status.h\"\n#include \"ecg/status/status_macros.h\"\n",
              examples;
  for (const std::string& path : headers) {
    absl::StrAppend(&includes, "#include \"", path, "\"\n");
    ECG_ASSIGN_OR_RETURN(const std::string header, ecg::ReadFile(path));
    std::string functions, body;
    for (const Block& block : Blocks(header)) {
      if (IsCode(block)) (DefinesFunction(block) ? functions : body) += Text(block, path);
    }
    absl::StrAppend(&examples, "\nnamespace ecg::", std::filesystem::path(path).stem().string(), "_example {\n",
                    functions, "inline banner::Result Example() {\n", body, "return 0;\n}\n}\n");
  }
  if (!names.empty()) absl::StrAppend(&includes, "#include \"", names, "\"\n");
  return ecg::WriteFile(output, absl::StrCat(includes, kResult, examples, "\nint main() { return 0; }\n"));
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> headers;
  std::string names, output;
  CLI::App app("Writes a C++ file that compiles the examples in header banners.");
  app.add_option("HEADER", headers, "The headers, as they are included")->required();
  app.add_option("--names", names, "A header that declares the names that examples do not");
  app.add_option("--output", output, "The C++ file to write")->required();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Write(headers, names, output));
}

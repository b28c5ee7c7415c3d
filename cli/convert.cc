// Converts an ECG file of any format that can be read:
//
//   bazel run //cli:convert -- patient.xml patient.csv
//   bazel run //cli:convert -- --strip=2 patient.xml patient.hea
//   bazel run //cli:convert -- --leads=I,II,V1 --unit=uV --rate=500 ecg.csv ecg.xml

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/command_line/command_line.h"
#include "ecg/command_line/recording_flags.h"
#include "ecg/file/path.h"
#include "ecg/signal/left_out.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/write_recording.h"
#include "ecg/status/status_macros.h"

namespace {

struct Flags {
  std::string input, output, format;
  int strip = 0;
  ecg::RecordingOptions options;
};

// ChooseStrips keeps the strip of --strip; without it, all where the output holds several, and otherwise the rhythm.
absl::Status ChooseStrips(const Flags& flags, bool one, ecg::Recording* recording) {
  const int count = static_cast<int>(recording->strips.size());
  if (flags.strip > count) {
    return absl::InvalidArgumentError(absl::StrCat("--strip is ", flags.strip, ", and ", flags.input, " has ", count,
                                                   count == 1 ? " strip" : " strips"));
  }
  if (flags.strip > 0) {
    recording->strips = {recording->strips[flags.strip - 1]};
    return absl::OkStatus();
  }
  if (!one || count == 1) return absl::OkStatus();
  const auto beats =
      std::erase_if(recording->strips, [](const ecg::Strip& strip) { return strip.kind != ecg::Strip::Kind::kRhythm; });
  if (recording->strips.size() == 1) {
    std::fputs(absl::StrCat("The output holds one strip; ", beats,
                            beats == 1 ? " strip of a representative beat is" : " strips of representative beats are",
                            " left out.\n")
                   .c_str(),
               stderr);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the output holds one strip, and ", flags.input, " has ", recording->strips.size(),
                   " of rhythm; choose one with --strip=N, as show_recording counts them"));
}

absl::Status Convert(const Flags& flags) {
  const std::filesystem::path output = ecg::UserPath(flags.output);
  ECG_ASSIGN_OR_RETURN(const bool one, ecg::HoldsOneStrip(output, flags.format));
  ECG_ASSIGN_OR_RETURN(ecg::Recording recording, ecg::ReadRecording(ecg::UserPath(flags.input), flags.options));
  ECG_RETURN_IF_ERROR(ChooseStrips(flags, one, &recording));
  for (const std::string& note : recording.notes) std::fputs(absl::StrCat("Note: ", note, ".\n").c_str(), stderr);
  ECG_RETURN_IF_ERROR(ecg::WriteRecording(recording, output, flags.format));
  std::error_code error;
  ECG_ASSIGN_OR_RETURN(const ecg::Recording copy,
                       ecg::ReadRecording(std::filesystem::exists(output, error)
                                              ? output
                                              : std::filesystem::path(output).replace_extension(".hea")));
  if (const std::vector<std::string> left_out = ecg::LeftOut(recording, copy); !left_out.empty()) {
    std::fputs(
        absl::StrCat("Left out, because the output does not hold it: ", absl::StrJoin(left_out, ", "), ".\n").c_str(),
        stderr);
  }
  std::puts(absl::StrCat(recording.format, " to ", output.string(), ": ", copy.strips.size(),
                         copy.strips.size() == 1 ? " strip" : " strips")
                .c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app(absl::StrCat("Converts an ECG file. The formats that are written are ", ecg::OutputFormats(), "."),
               "convert");
  app.add_option("IN", flags.input, "The file to read, of any format that show_recording reads")->required();
  app.add_option("OUT", flags.output, "The file to write; its extension tells the format")->required();
  app.add_option("--format", flags.format, "The format to write, where the extension does not tell it");
  app.add_option("--strip", flags.strip, "The number of the strip to write, from 1, as show_recording counts them")
      ->check(CLI::PositiveNumber);
  ecg::AddRecordingFlags(app, flags.options);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Convert(flags));
}

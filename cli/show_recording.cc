// Prints what is in ECG files of any format: machine, filters, strips, leads, missing samples, and whether the limb
// leads agree with each other.
//
//   bazel run //cli:show_recording -- patient.xml holter.ecg
//   bazel run //cli:show_recording -- --leads=I,II,V1 --unit=uV --rate=500 ecg.csv

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "ecg/command_line/command_line.h"
#include "ecg/command_line/recording_flags.h"
#include "ecg/file/path.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/recording_text.h"

int main(int argc, char** argv) {
  std::vector<std::string> files;
  ecg::RecordingOptions options;
  CLI::App app(absl::StrCat("Prints what is in ECG files. The formats are ",
                            absl::StrJoin(ecg::RecordingFormatNames(), ", "), "."),
               "show_recording");
  app.add_option("FILE", files, "The files; also a WFDB record's name, or a folder with unisens.xml")->required();
  ecg::AddRecordingFlags(app, options);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;

  int failed = 0;
  for (size_t i = 0; i < files.size(); ++i) {
    if (files.size() > 1) std::printf("%s%s\n", i == 0 ? "" : "\n", files[i].c_str());
    std::fflush(stdout);
    const absl::StatusOr<ecg::Recording> recording = ecg::ReadRecording(ecg::UserPath(files[i]), options);
    if (recording.ok()) {
      std::fputs(ecg::DescribeRecording(*recording).c_str(), stdout);
    } else {
      failed = ecg::ExitStatus(recording.status());
    }
  }
  return failed;
}

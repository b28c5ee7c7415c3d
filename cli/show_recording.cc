// Prints what is in ECG files of any format: machine, filters, strips, leads, missing samples, and whether the limb
// leads agree with each other; and draws them.
//
//   bazel run //cli:show_recording -- patient.xml holter.ecg
//   bazel run //cli:show_recording -- patient.xml --plot=patient.pdf
//   bazel run //cli:show_recording -- --leads=I,II,V1 --unit=uV --rate=500 ecg.csv

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
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
#include "ecg/report/ecg_page.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/recording_text.h"
#include "ecg/status/status_macros.h"

int main(int argc, char** argv) {
  std::vector<std::string> files;
  std::string plot;
  ecg::RecordingOptions options;
  CLI::App app(absl::StrCat("Prints what is in ECG files. The formats are ",
                            absl::StrJoin(ecg::RecordingFormatNames(), ", "), "."),
               "show_recording");
  app.add_option("FILE", files, "The files; also a WFDB record's name, or a folder with unisens.xml")->required();
  app.add_option("--plot", plot, "Draws them, too: .pdf, .svg or .png; several files need a .pdf")
      ->type_name("DRAWING");
  ecg::AddRecordingFlags(app, options);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;

  int failed = 0;
  std::vector<ecg::EcgPage> pages;
  for (size_t i = 0; i < files.size(); ++i) {
    if (files.size() > 1) std::printf("%s%s\n", i == 0 ? "" : "\n", files[i].c_str());
    std::fflush(stdout);
    const absl::StatusOr<ecg::Recording> recording = ecg::ReadRecording(ecg::UserPath(files[i]), options);
    if (!recording.ok()) {
      failed = ecg::ExitStatus(recording.status());
      continue;
    }
    std::fputs(ecg::DescribeRecording(*recording).c_str(), stdout);
    if (plot.empty()) continue;
    if (absl::StatusOr<ecg::EcgPage> page = ecg::PageOf(*recording); page.ok()) {
      page->title = std::filesystem::path(files[i]).filename().string();
      pages.push_back(*std::move(page));
    } else {
      failed = ecg::ExitStatus(ecg::WithContext(page.status(), files[i]));
    }
  }
  if (!pages.empty()) {
    if (absl::Status drawn = ecg::DrawEcgPages(pages, ecg::UserPath(plot)); !drawn.ok())
      failed = ecg::ExitStatus(drawn);
  }
  return failed;
}

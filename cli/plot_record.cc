// Draws ECGs on paper with millimetres: of any file that can be read, several to one PDF.
//
//   bazel run //cli:plot_record -- RECORD... --output=FILE.pdf|.svg|.png
//   bazel run //cli:plot_record -- RECORD... --output=FILE.pdf --model=RUN --explain=AFIB

#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/command_line/command_line.h"
#include "ecg/command_line/recording_flags.h"
#include "ecg/device/library_settings.h"
#include "ecg/file/path.h"
#include "ecg/predict/explained_page.h"
#include "ecg/predict/predictor.h"
#include "ecg/report/ecg_page.h"
#include "ecg/signal/read_recording.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/status/status_macros.h"

namespace {

struct Flags {
  std::vector<std::string> records;
  std::string output;
  double start_seconds = 0;
  double mm_per_second = 25;
  double mm_per_mv = 10;
  std::string model, explain;
  ecg::RecordingOptions table;
};

absl::Status Plot(const Flags& flags) {
  std::optional<ecg::Predictor> predictor;
  if (!flags.model.empty()) {
    ECG_ASSIGN_OR_RETURN(predictor, ecg::Predictor::Load(ecg::UserPath(flags.model)));
    ECG_RETURN_IF_ERROR(ecg::ClassIndex(predictor->model(), flags.explain).status());
  }
  std::vector<ecg::EcgPage> pages;
  for (const std::string& record : flags.records) {
    ECG_ASSIGN_OR_RETURN(const ecg::Recording recording, ecg::ReadRecording(ecg::UserPath(record), flags.table));
    absl::StatusOr<ecg::EcgPage> page =
        predictor ? ecg::ExplainedPage(*predictor, recording, flags.explain) : ecg::PageOf(recording);
    if (!page.ok()) return ecg::WithContext(page.status(), record);
    page->title = std::filesystem::path(record).filename().string();
    page->start_seconds = flags.start_seconds;
    page->mm_per_second = flags.mm_per_second;
    page->mm_per_mv = flags.mm_per_mv;
    pages.push_back(*std::move(page));
  }
  const std::filesystem::path output = ecg::UserPath(flags.output);
  ECG_RETURN_IF_ERROR(ecg::DrawEcgPages(pages, output));
  std::printf("%s\n", output.c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Draws ECGs: 3 by 4 leads and a rhythm strip, 25 mm/s, 10 mm/mV.", "plot_record");
  app.add_option("RECORD", flags.records, "Files of any format that can be read")->required();
  app.add_option("--output", flags.output, "The drawing: .pdf, .svg or .png; several records need a .pdf")->required();
  app.add_option("--start", flags.start_seconds, "The first second that is drawn")->capture_default_str();
  app.add_option("--mm_per_second", flags.mm_per_second, "Paper speed")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 200.0));
  app.add_option("--mm_per_mv", flags.mm_per_mv, "Amplitude scale")
      ->capture_default_str()
      ->check(CLI::Range(0.5, 100.0));
  CLI::Option* const model =
      app.add_option("--model", flags.model, "The folder of a run that explains the drawing")->type_name("RUN");
  CLI::Option* const explain =
      app.add_option("--explain", flags.explain, "A class: the samples that raise its probability are highlighted")
          ->type_name("CLASS")
          ->needs(model);
  model->needs(explain);
  ecg::AddRecordingFlags(app, flags.table);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  if (!flags.model.empty()) ecg::RestartWithKernels(argv);
  return ecg::ExitStatus(Plot(flags));
}

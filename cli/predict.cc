// What a trained model says of recordings, in any format:
//
//   bazel run //cli:predict -- --model=RUN FILE... [--format=table|json|jsonl|csv|fhir] [--output=FILE] [--plots=FOLDER]
//
// FILE may be a folder, or - for a list of files on standard input. The exit status is 1 if a file could not be read.
//
//   bazel run //cli:predict -- --model=RUN --watch=FOLDER
//
// predicts each recording that arrives in FOLDER, until Ctrl-C, and writes the result of a.xml to a.xml.ecg.json.

#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/command_line/command_line.h"
#include "ecg/command_line/recording_flags.h"
#include "ecg/file/path.h"
#include "ecg/predict/predict_files.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/reading.h"
#include "ecg/predict/watch_folder.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace {

struct Flags {
  std::string model;
  std::vector<std::string> files;
  std::string plots, output, watch;
  ecg::ReadingFormat format = ecg::ReadingFormat::kTable;
  ecg::PredictorOptions predictor;
  ecg::PredictFilesOptions options;
};

std::string Count(const ecg::PredictedFiles& done) {
  return ecg::WithThousands(done.read) + " of " + ecg::WithThousands(done.read + done.failed) + " recordings were read";
}

absl::StatusOr<int> Watch(const Flags& flags) {
  ecg::BlockStopSignals();
  ECG_ASSIGN_OR_RETURN(const ecg::Predictor predictor,
                       ecg::Predictor::Load(ecg::UserPath(flags.model), flags.predictor));
  if (predictor.model().synthetic) {
    std::fprintf(stderr, "The model was trained on synthetic records: it knows no real ECG.\n");
  }
  std::fprintf(stderr, "%s\nwatching %s; Ctrl-C ends it\n", ecg::kDisclaimer, flags.watch.c_str());
  ECG_ASSIGN_OR_RETURN(const ecg::PredictedFiles done,
                       ecg::WatchFolder(predictor, ecg::UserPath(flags.watch), {.files = flags.options}));
  std::fprintf(stderr, "%s\n", Count(done).c_str());
  return 0;
}

absl::StatusOr<int> Predict(Flags& flags) {
  if (flags.files.empty())
    return absl::InvalidArgumentError("name recordings, or a folder with --watch; --help lists the flags");
  ECG_ASSIGN_OR_RETURN(const ecg::Predictor predictor,
                       ecg::Predictor::Load(ecg::UserPath(flags.model), flags.predictor));
  ECG_ASSIGN_OR_RETURN(const std::vector<std::string> files, ecg::ListRecordings(flags.files));
  if (!flags.plots.empty()) flags.options.plots = ecg::UserPath(flags.plots);
  std::FILE* out = stdout;
  if (!flags.output.empty()) out = std::fopen(ecg::UserPath(flags.output).c_str(), "w");
  if (out == nullptr) return absl::UnavailableError("cannot write " + flags.output);
  ecg::ReadingWriter writer(flags.format, predictor.model(), out);
  ECG_ASSIGN_OR_RETURN(const ecg::PredictedFiles done, ecg::PredictFiles(predictor, files, flags.options, writer));
  writer.Finish();
  if (out != stdout) std::fclose(out);
  if (done.failed > 0 || files.size() > 1) {
    std::fprintf(stderr, "%s\n", Count(done).c_str());
  }
  return done.failed > 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("What a trained model says of recordings.", "predict");
  app.add_option("--model", flags.model, "The folder of a run")->required()->type_name("RUN");
  CLI::Option* const files = app.add_option(
      "FILE", flags.files, "Recordings of any format, folders of them, or - for a list on standard input");
  CLI::Option* const format =
      app.add_option("--format", flags.format,
                     "table, json, jsonl (a line for each recording), csv or fhir (Observations)")
          ->transform(CLI::CheckedTransformer(
              std::map<std::string, ecg::ReadingFormat>{{"table", ecg::ReadingFormat::kTable},
                                                        {"json", ecg::ReadingFormat::kJson},
                                                        {"jsonl", ecg::ReadingFormat::kJsonLines},
                                                        {"csv", ecg::ReadingFormat::kCsv},
                                                        {"fhir", ecg::ReadingFormat::kFhir}}))
          ->option_text("FORMAT");
  CLI::Option* const output =
      app.add_option("--output", flags.output, "A file for the readings, in place of standard output");
  CLI::Option* const plots =
      app.add_option("--plots", flags.plots, "A folder for a drawing of each recording, a PDF")->type_name("FOLDER");
  app.add_option("--watch", flags.watch,
                 "A folder: predicts each recording that arrives, and writes the result of NAME to NAME.ecg.json")
      ->type_name("FOLDER")
      ->excludes(files)
      ->excludes(format)
      ->excludes(output)
      ->excludes(plots);
  app.add_option("--device", flags.predictor.device, "cpu, cuda or cuda:N")->capture_default_str();
  ecg::AddRecordingFlags(app, flags.options.table);
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  const absl::StatusOr<int> status = flags.watch.empty() ? Predict(flags) : Watch(flags);
  return status.ok() ? *status : ecg::ExitStatus(status.status());
}

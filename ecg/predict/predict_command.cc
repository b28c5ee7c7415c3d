#include "ecg/predict/predict_command.h"

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/recording_flags.h"
#include "ecg/file/path.h"
#include "ecg/predict/explained_page.h"
#include "ecg/predict/predict_files.h"
#include "ecg/predict/watch_folder.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace ecg {

void AddPredictFlags(CLI::App& app, PredictCommand& command, const std::string& heading) {
  CLI::App& group = heading.empty() ? app : *app.add_option_group(heading);
  CLI::Option* const files = group.add_option(
      "FILE", command.files, "Recordings of any format, folders of them, or - for a list on standard input");
  CLI::Option* const format =
      group
          .add_option("--format", command.format,
                      "table, json, jsonl (a line for each recording), csv or fhir (Observations)")
          ->transform(CLI::CheckedTransformer(std::map<std::string, ReadingFormat>{{"table", ReadingFormat::kTable},
                                                                                   {"json", ReadingFormat::kJson},
                                                                                   {"jsonl", ReadingFormat::kJsonLines},
                                                                                   {"csv", ReadingFormat::kCsv},
                                                                                   {"fhir", ReadingFormat::kFhir}}))
          ->option_text("FORMAT");
  CLI::Option* const output =
      group.add_option("--output", command.output, "A file for the readings, in place of standard output")
          ->type_name("FILE");
  CLI::Option* const plots =
      group.add_option("--plots", command.plots, "A folder for a drawing of each recording, a PDF")
          ->type_name("FOLDER");
  group
      .add_option("--explain", command.explain,
                  "A class: the drawings highlight the samples that raise its probability")
      ->type_name("CLASS")
      ->needs(plots);
  group
      .add_option("--watch", command.watch,
                  "A folder: predicts each recording that arrives, and writes the result of NAME to NAME.ecg.json")
      ->type_name("FOLDER")
      ->excludes(files)
      ->excludes(format)
      ->excludes(output)
      ->excludes(plots);
  AddRecordingFlags(group, command.table);
}

namespace {

std::string Count(const PredictedFiles& done) {
  return absl::StrCat(WithThousands(done.read), " of ", WithThousands(done.read + done.failed),
                      " recordings were read");
}

absl::Status Watch(const Predictor& predictor, const PredictCommand& command) {
  if (predictor.model().synthetic) {
    std::fprintf(stderr, "The model was trained on synthetic records: it knows no real ECG.\n");
  }
  std::fprintf(stderr, "%s\nwatching %s; Ctrl-C ends it\n", kDisclaimer, command.watch.c_str());
  ECG_ASSIGN_OR_RETURN(const PredictedFiles done,
                       WatchFolder(predictor, UserPath(command.watch), {.files = {.table = command.table}}));
  std::fprintf(stderr, "%s\n", Count(done).c_str());
  return absl::OkStatus();
}

}  // namespace

absl::Status RunPredict(const Predictor& predictor, const PredictCommand& command) {
  if (!command.watch.empty()) return Watch(predictor, command);
  if (command.files.empty()) {
    return absl::InvalidArgumentError("name recordings, or a folder with --watch; --help lists the flags");
  }
  ECG_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListRecordings(command.files));
  PredictFilesOptions options = {.table = command.table};
  if (!command.explain.empty()) {
    ECG_RETURN_IF_ERROR(ClassIndex(predictor.model(), command.explain).status());
    options.explain = command.explain;
  }
  if (!command.plots.empty()) options.plots = UserPath(command.plots);
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> opened(nullptr, &std::fclose);
  if (!command.output.empty()) {
    const std::filesystem::path path = UserPath(command.output);
    opened.reset(std::fopen(path.c_str(), "w"));
    if (opened == nullptr) return absl::UnavailableError(absl::StrCat("cannot write ", path.string()));
  }
  ReadingWriter writer(command.format, predictor.model(), opened != nullptr ? opened.get() : stdout);
  ECG_ASSIGN_OR_RETURN(const PredictedFiles done, PredictFiles(predictor, files, options, writer));
  writer.Finish();
  if (done.failed > 0) return absl::DataLossError(Count(done));
  if (files.size() > 1) std::fprintf(stderr, "%s\n", Count(done).c_str());
  return absl::OkStatus();
}

}  // namespace ecg

#include "ecg/predict/predict_command.h"

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/recording_flags.h"
#include "ecg/file/path.h"
#include "ecg/predict/predict_files.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace ecg {

void AddPredictFlags(CLI::App& app, PredictCommand& command, const std::string& heading) {
  CLI::App& group = heading.empty() ? app : *app.add_option_group(heading);
  group.add_option("FILE", command.files,
                   "Recordings of any format, folders of them, or - for a list on standard input");
  group
      .add_option("--format", command.format,
                  "table, json, jsonl (a line for each recording), csv or fhir (Observations)")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ReadingFormat>{{"table", ReadingFormat::kTable},
                                                                               {"json", ReadingFormat::kJson},
                                                                               {"jsonl", ReadingFormat::kJsonLines},
                                                                               {"csv", ReadingFormat::kCsv},
                                                                               {"fhir", ReadingFormat::kFhir}}))
      ->option_text("FORMAT");
  group.add_option("--output", command.output, "A file for the readings, in place of standard output")
      ->type_name("FILE");
  group.add_option("--plots", command.plots, "A folder for a drawing of each recording, a PDF")->type_name("FOLDER");
  AddRecordingFlags(group, command.table);
}

absl::Status RunPredict(const Predictor& predictor, const PredictCommand& command) {
  ECG_ASSIGN_OR_RETURN(const std::vector<std::string> files, ListRecordings(command.files));
  PredictFilesOptions options = {.table = command.table};
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
  const std::string count =
      absl::StrCat(WithThousands(done.read), " of ", WithThousands(done.read + done.failed), " recordings were read");
  if (done.failed > 0) return absl::DataLossError(count);
  if (files.size() > 1) std::fprintf(stderr, "%s\n", count.c_str());
  return absl::OkStatus();
}

}  // namespace ecg

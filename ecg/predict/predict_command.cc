#include "ecg/predict/predict_command.h"

#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/command_line/recording_flags.h"
#include "ecg/file/file.h"
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

// Output is where the readings go: standard output, or a file, which is there when it is complete.
class Output {
 public:
  // Open opens the file that the user typed; none is standard output. A device or a pipe is written as it is.
  static absl::StatusOr<Output> Open(const std::string& typed) {
    Output output;
    if (typed.empty()) return output;
    output.path_ = UserPath(typed);
    std::error_code error;
    if (!std::filesystem::exists(output.path_, error) || std::filesystem::is_regular_file(output.path_, error)) {
      ECG_ASSIGN_OR_RETURN(output.file_, FileWriter::Create(output.path_));
      return output;
    }
    output.stream_.reset(std::fopen(output.path_.c_str(), "w"));
    if (output.stream_ == nullptr) return ErrnoError("write", output.path_);
    return output;
  }

  absl::Status Append(absl::string_view text) {
    if (file_) return file_->Append(text);
    std::FILE* const stream = stream_ != nullptr ? stream_.get() : stdout;
    if (std::fwrite(text.data(), 1, text.size(), stream) == text.size() && std::fflush(stream) == 0) {
      return absl::OkStatus();
    }
    return ErrnoError("write", path_.empty() ? "standard output" : path_);
  }

  absl::Status Commit() { return file_ ? file_->Commit() : absl::OkStatus(); }

 private:
  std::filesystem::path path_;
  std::optional<FileWriter> file_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream_{nullptr, &std::fclose};
};

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
  ECG_ASSIGN_OR_RETURN(Output output, Output::Open(command.output));
  ReadingWriter writer(command.format, predictor.model(),
                       [&output](absl::string_view text) { return output.Append(text); });
  ECG_ASSIGN_OR_RETURN(const PredictedFiles done, PredictFiles(predictor, files, options, writer));
  ECG_RETURN_IF_ERROR(writer.Finish());
  ECG_RETURN_IF_ERROR(output.Commit());
  if (done.failed > 0) return absl::DataLossError(Count(done));
  if (files.size() > 1) std::fprintf(stderr, "%s\n", Count(done).c_str());
  return absl::OkStatus();
}

}  // namespace ecg

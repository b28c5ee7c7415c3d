// Downloads a corpus and verifies every file. The folder appears when it is complete. An interrupted download is
// resumed by the same command.
//
//   bazel run //cli:download -- ptbxl --version=1.0.3 --output_dir=FOLDER

#include "ecg/download/download.h"

#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "ecg/command_line/command_line.h"
#include "ecg/download/corpus_source.h"
#include "ecg/file/path.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"

namespace {

struct Flags {
  std::string corpus, version, url, checksums_url;
  ecg::DownloadOptions options;
};

absl::Status Run(const Flags& flags) {
  ECG_ASSIGN_OR_RETURN(ecg::CorpusSource source, ecg::FindCorpusSource(flags.corpus, flags.version));
  if (!flags.url.empty()) source.archive_url = flags.url;
  if (!flags.checksums_url.empty()) source.checksums_url = flags.checksums_url;
  absl::FPrintF(stderr, "%s %s, %s: please read %s\n", source.title, source.version, source.licence, source.page);
  ECG_ASSIGN_OR_RETURN(const ecg::DownloadReport report, ecg::DownloadCorpus(source, flags.options));
  for (const std::string& path : report.left_out) {
    absl::FPrintF(stderr, "left out %s, for which no digest is published\n", path);
  }
  absl::PrintF("%s %s in %s: %s files, all verified%s\n", source.title, source.version,
               flags.options.output_dir.string(), ecg::WithThousands(report.files),
               report.already_there ? " (already there)" : "");
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  std::string output_dir;
  CLI::App app("Downloads a corpus and verifies every file.", "download");
  app.add_option("corpus", flags.corpus, "The corpus: ptbxl, g12ec or cinc_challenge; cpsc2018 prints how to get it")
      ->required();
  app.add_option("--version", flags.version, "Its version; default: the newest");
  app.add_option("--output_dir", output_dir, "The folder to make")->required();
  app.add_flag("--keep_archive", flags.options.keep_archive, "Keep the archive as OUTPUT_DIR.zip");
  app.add_option("--url", flags.url, "Another URL of the same archive")->group("Advanced");
  app.add_option("--checksums_url", flags.checksums_url, "Another URL of its SHA256SUMS.txt")->group("Advanced");
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;

  flags.options.output_dir = ecg::UserPath(output_dir);
  return ecg::ExitStatus(Run(flags));
}

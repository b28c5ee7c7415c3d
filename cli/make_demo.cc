// Writes the synthetic demo corpus: records of a heart model in the layout of PTB-XL or of another corpus.
//
//   bazel run //cli:make_demo -- --records=1000 --output_dir=FOLDER --seed=1 [--layout=ptbxl|g12ec|cpsc2018]

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_format.h"
#include "ecg/command_line/command_line.h"
#include "ecg/file/path.h"
#include "ecg/synthetic/demo.h"
#include "ecg/terminal/progress.h"
#include "ecg/terminal/stopwatch.h"

int main(int argc, char** argv) {
  ecg::DemoOptions options;
  std::string output_dir;
  CLI::App app("Writes a synthetic corpus in the layout of PTB-XL or of another corpus.", "make_demo");
  app.add_option("--records", options.records, "Number of records")->capture_default_str();
  app.add_option("--output_dir", output_dir, "The folder to make")->required();
  app.add_option("--layout", options.dataset, "The corpus whose layout it has: ptbxl, g12ec, cpsc2018 or recordings")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of the random numbers")->capture_default_str();
  app.add_option("--threads", options.threads, "Number of threads; 0: one for each core")->capture_default_str();
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;

  const std::filesystem::path directory = ecg::UserPath(output_dir);
  const ecg::Stopwatch stopwatch;
  if (const absl::Status status = ecg::MakeDemo(options, directory); !status.ok()) return ecg::ExitStatus(status);
  const double seconds = stopwatch.seconds();
  absl::PrintF("%s synthetic records in %s, %.1f s (%s/s)\n", ecg::WithThousands(options.records), directory.string(),
               seconds, ecg::WithThousands(static_cast<int64_t>(options.records / seconds)));
  return 0;
}

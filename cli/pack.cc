// Packs a corpus's signals into one file that can be mapped into memory:
//
//   bazel run //cli:pack -- --dataset=ptbxl --data_dir=D --output_dir=P [--sampling_frequency_hz=500]
//       [--bad_records=refuse|skip]

#include "ecg/corpus/pack.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/command_line/command_line.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/file/path.h"
#include "ecg/report/progress.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace {

struct Flags {
  std::string dataset = ecg::PtbXl::kName;
  std::string data_dir;
  std::string output_dir;
  int sampling_frequency_hz = 500;
  ecg::spec::Data::BadRecords bad_records = ecg::spec::Data::REFUSE;
  int threads = 0;
};

absl::Status Run(const Flags& flags) {
  ecg::spec::PtbXl spec;
  spec.set_sampling_frequency_hz(flags.sampling_frequency_hz);
  ECG_ASSIGN_OR_RETURN(const ecg::PtbXl dataset, ecg::PtbXl::Open(spec, ecg::UserPath(flags.data_dir)));
  const std::filesystem::path folder = ecg::UserPath(flags.output_dir);
  ECG_ASSIGN_OR_RETURN(const ecg::PackedSignals signals,
                       ecg::Pack(dataset, folder, {.bad_records = flags.bad_records, .threads = flags.threads}));
  for (const int record : signals.unusable()) {
    std::printf("skipped record %s: %s\n", signals.id(record).c_str(), signals.reason(record).c_str());
  }
  std::puts(absl::StrCat(signals.synthetic() ? "synthetic: " : "",
                         ecg::WithThousands(signals.records() - static_cast<int>(signals.unusable().size())), " of ",
                         ecg::WithThousands(signals.records()), " records, ", signals.leads(), " leads of ",
                         ecg::WithThousands(signals.samples()), " samples at ", signals.sampling_frequency_hz(),
                         " Hz, in ", folder.string())
                .c_str());
  return absl::OkStatus();
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Packs a corpus's signals into one file, which training reads without loading it.");
  app.add_option("--dataset", flags.dataset, "The corpus: ptbxl")->check(CLI::IsMember({ecg::PtbXl::kName}));
  app.add_option("--data_dir", flags.data_dir, "The folder of the corpus")
      ->envname(ecg::PtbXl::kDirectoryVariable)
      ->required();
  app.add_option("--output_dir", flags.output_dir, "The folder to make")->required();
  app.add_option("--sampling_frequency_hz", flags.sampling_frequency_hz, "500 (default) or 100");
  app.add_option("--bad_records", flags.bad_records,
                 "What to do with a record that cannot be read: refuse (default) or skip")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ecg::spec::Data::BadRecords>{
          {"refuse", ecg::spec::Data::REFUSE}, {"skip", ecg::spec::Data::SKIP}}));
  app.add_option("--threads", flags.threads, "Records read at the same time; 0 (default) is one for each core")
      ->check(CLI::Range(0, 1024));
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Run(flags));
}

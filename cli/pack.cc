// Packs a corpus's signals into one file that can be mapped into memory:
//
//   bazel run //cli:pack -- --dataset=ptbxl|g12ec|cpsc2018|cinc_challenge|recordings --data_dir=D --output_dir=P
//       [--sampling_frequency_hz=500] [--bad_records=refuse|skip]

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
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/recordings.h"
#include "ecg/file/path.h"
#include "ecg/status/status_macros.h"
#include "ecg/terminal/progress.h"
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

template <typename D>
absl::Status PackDataset(const Flags& flags, const typename D::Spec& spec) {
  std::string data_dir = flags.data_dir;
  if (const char* variable = std::getenv(D::kDirectoryVariable); data_dir.empty() && variable != nullptr) {
    data_dir = variable;
  }
  if (data_dir.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("name the folder of the corpus with --data_dir or $", D::kDirectoryVariable));
  }
  ECG_ASSIGN_OR_RETURN(const D dataset, D::Open(spec, ecg::UserPath(data_dir)));
  const std::filesystem::path folder = ecg::UserPath(flags.output_dir);
  ECG_ASSIGN_OR_RETURN(const ecg::PackedSignals signals,
                       ecg::Pack(dataset, folder, {.bad_records = flags.bad_records, .threads = flags.threads}));
  for (const int record : signals.unusable()) {
    std::printf("skipped record %s: %s\n", signals.id(record).c_str(), signals.reason(record).c_str());
  }
  std::puts(absl::StrCat(signals.synthetic() ? "synthetic: " : "",
                         ecg::WithThousands(signals.records() - static_cast<int>(signals.unusable().size())), " of ",
                         ecg::WithThousands(signals.records()), " records, ", signals.leads(), " leads of ",
                         signals.samples() > 0 ? ecg::WithThousands(signals.samples()) : "different numbers of",
                         " samples at ", signals.sampling_frequency_hz(), " Hz, in ", folder.string())
                .c_str());
  return absl::OkStatus();
}

absl::Status Run(const Flags& flags) {
  if (flags.dataset == ecg::G12ec::kName) return PackDataset<ecg::G12ec>(flags, {});
  if (flags.dataset == ecg::Cpsc2018::kName) return PackDataset<ecg::Cpsc2018>(flags, {});
  if (flags.dataset == ecg::CincChallenge::kName) {
    ecg::spec::CincChallenge spec;
    spec.set_sampling_frequency_hz(flags.sampling_frequency_hz);
    return PackDataset<ecg::CincChallenge>(flags, spec);
  }
  if (flags.dataset == ecg::Recordings::kName) {
    ecg::spec::Recordings spec;
    spec.set_sampling_frequency_hz(flags.sampling_frequency_hz);
    return PackDataset<ecg::Recordings>(flags, spec);
  }
  ecg::spec::PtbXl spec;
  spec.set_sampling_frequency_hz(flags.sampling_frequency_hz);
  return PackDataset<ecg::PtbXl>(flags, spec);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  CLI::App app("Packs a corpus's signals into one file, which training reads without loading it.");
  app.add_option("--dataset", flags.dataset,
                 "The corpus: ptbxl (default), g12ec, cpsc2018, cinc_challenge or recordings")
      ->check(CLI::IsMember({ecg::PtbXl::kName, ecg::G12ec::kName, ecg::Cpsc2018::kName, ecg::CincChallenge::kName,
                             ecg::Recordings::kName}));
  app.add_option("--data_dir", flags.data_dir,
                 "The folder of the corpus; default: that of its variable, such as $ECG_PTBXL_DIR");
  app.add_option("--output_dir", flags.output_dir, "The folder to make")->required();
  app.add_option("--sampling_frequency_hz", flags.sampling_frequency_hz,
                 "500 (default), or 100 of PTB-XL, or that of a cinc_challenge or recordings");
  app.add_option("--bad_records", flags.bad_records,
                 "What to do with a record that cannot be read: refuse (default) or skip")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ecg::spec::Data::BadRecords>{
          {"refuse", ecg::spec::Data::REFUSE}, {"skip", ecg::spec::Data::SKIP}}));
  app.add_option("--threads", flags.threads, "Records read at the same time; 0 (default) is one for each core")
      ->check(CLI::Range(0, 1024));
  if (const std::optional<int> status = ecg::ParseFlags(app, argc, argv)) return *status;
  return ecg::ExitStatus(Run(flags));
}

// any_corpus.h
//
// Opens a folder of records in any supported layout, with all statements of its records as labels: the corpus of an
// external validation.
//
//   ECG_ASSIGN_OR_RETURN(AnyCorpus other, OpenAnyCorpus(folder, {.cache_dir = CacheDirectory()}));

#ifndef ECG_CORPUS_ANY_CORPUS_H_
#define ECG_CORPUS_ANY_CORPUS_H_

#include <filesystem>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/recordings.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// AnyCorpus is an open corpus with all its statements as labels.
struct AnyCorpus {
  Corpus corpus;
  Labels labels;
  PackedSignals signals;
};

// AnyCorpusOptions says how to open a corpus.
struct AnyCorpusOptions {
  int sampling_frequency_hz = 500;
  // The task, for a folder in PTB-XL's layout.
  spec::PtbXl::Task task = spec::PtbXl::ALL;
  spec::Data::BadRecords bad_records = spec::Data::REFUSE;
  std::filesystem::path cache_dir;
};

// LayoutOf returns the name of the Dataset whose layout `folder` has: PTB-XL, CPSC 2018 or a corpus of one's own if their
// index files exist, else the PhysioNet/CinC Challenges.
inline absl::string_view LayoutOf(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_regular_file(folder / PtbXl::kDatabaseFile, error)) return PtbXl::kName;
  if (Cpsc2018::IsIn(folder)) return Cpsc2018::kName;
  if (Recordings::IsIn(folder)) return Recordings::kName;
  return CincChallenge::kName;
}

// OpenAnyCorpus opens `folder`, and packs its signals unless they are in the cache. A sampling frequency other than the
// one in `options` is an error.
inline absl::StatusOr<AnyCorpus> OpenAnyCorpus(const std::filesystem::path& folder, const AnyCorpusOptions& options) {
  const auto open = [&](const auto& opened) -> absl::StatusOr<AnyCorpus> {
    if (!opened.ok()) return opened.status();
    if (opened->corpus().sampling_frequency_hz != options.sampling_frequency_hz) {
      return absl::InvalidArgumentError(absl::StrCat("the records in ", folder.string(), " have ",
                                                     opened->corpus().sampling_frequency_hz, " Hz; expected ",
                                                     options.sampling_frequency_hz));
    }
    ECG_ASSIGN_OR_RETURN(PackedSignals signals,
                         PackInCache(*opened, {.bad_records = options.bad_records}, options.cache_dir));
    return AnyCorpus{opened->corpus(), opened->labels(), std::move(signals)};
  };
  const absl::string_view layout = LayoutOf(folder);
  if (layout == PtbXl::kName) {
    spec::PtbXl spec;
    spec.set_sampling_frequency_hz(options.sampling_frequency_hz);
    spec.set_task(options.task);
    return open(PtbXl::Open(spec, folder));
  }
  if (layout == Cpsc2018::kName) return open(Cpsc2018::Open(spec::Cpsc2018(), folder));
  if (layout == Recordings::kName) {
    spec::Recordings spec;
    spec.set_sampling_frequency_hz(options.sampling_frequency_hz);
    return open(Recordings::Open(spec, folder));
  }
  spec::CincChallenge spec;
  spec.set_min_share(0);
  spec.set_sampling_frequency_hz(options.sampling_frequency_hz);
  return open(CincChallenge::Open(spec, folder));
}

}  // namespace ecg

#endif  // ECG_CORPUS_ANY_CORPUS_H_

// any_corpus.h
//
// Opens a folder of records in any supported layout, with all statements of its records as labels: the corpus of an
// external validation.
//
//   ECG_ASSIGN_OR_RETURN(AnyCorpus other, OpenAnyCorpus(folder, {.cache_dir = CacheDirectory()}));

#ifndef ECG_CORPUS_ANY_CORPUS_H_
#define ECG_CORPUS_ANY_CORPUS_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/built_in_dataset.h"
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/recordings.h"
#include "ecg/spec/sampling.h"
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
  // The rate of the records, before preprocessing.
  int sampling_frequency_hz = 500;
  // Nothing where signals are taken as they are.
  std::optional<spec::Preprocessing> preprocessing = {};
  // The task, for a folder in PTB-XL's layout.
  spec::PtbXl::Task task = spec::PtbXl::ALL;
  spec::Data::BadRecords bad_records = spec::Data::REFUSE;
  std::filesystem::path cache_dir = {};
};

// LayoutOf returns the name of the Dataset whose layout `folder` has: PTB-XL, CPSC 2018 or a corpus of one's own if
// their index files exist, else the PhysioNet/CinC Challenges.
inline absl::string_view LayoutOf(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_regular_file(folder / PtbXl::kDatabaseFile, error)) return PtbXl::kName;
  if (Cpsc2018::IsIn(folder)) return Cpsc2018::kName;
  if (Recordings::IsIn(folder)) return Recordings::kName;
  return CincChallenge::kName;
}

// OpenAnyDataset opens `folder`, without packing its signals. A rate other than that of `options` is an error, unless
// signals are resampled.
inline absl::StatusOr<std::unique_ptr<AnyDataset>> OpenAnyDataset(const std::filesystem::path& folder,
                                                                  const AnyCorpusOptions& options) {
  const int source_hz = options.sampling_frequency_hz;
  spec::Data data;
  if (options.preprocessing) *data.mutable_preprocessing() = *options.preprocessing;
  if (const absl::string_view layout = LayoutOf(folder); layout == PtbXl::kName) {
    data.mutable_ptb_xl()->set_sampling_frequency_hz(source_hz);
    data.mutable_ptb_xl()->set_task(options.task);
  } else if (layout == Cpsc2018::kName) {
    data.mutable_cpsc2018();
  } else if (layout == Recordings::kName) {
    data.mutable_recordings()->set_sampling_frequency_hz(source_hz);
  } else {
    data.mutable_cinc_challenge()->set_min_share(0);
    data.mutable_cinc_challenge()->set_sampling_frequency_hz(source_hz);
  }
  ECG_ASSIGN_OR_RETURN(std::unique_ptr<AnyDataset> dataset, OpenBuiltInDataset(data, folder));
  const int found_hz = dataset->corpus().sampling_frequency_hz;
  if (const int expected_hz = PreprocessedSamplingFrequencyHz(data, source_hz); found_hz != expected_hz) {
    return absl::InvalidArgumentError(
        absl::StrCat("the records in ", folder.string(), " have ", found_hz, " Hz; expected ", expected_hz));
  }
  return dataset;
}

// OpenAnyCorpus opens `folder`, and packs its signals unless they are in the cache.
inline absl::StatusOr<AnyCorpus> OpenAnyCorpus(const std::filesystem::path& folder, const AnyCorpusOptions& options) {
  ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnyDataset> dataset, OpenAnyDataset(folder, options));
  ECG_ASSIGN_OR_RETURN(PackedSignals signals,
                       PackInCache(*dataset, {.bad_records = options.bad_records}, options.cache_dir));
  return AnyCorpus{dataset->corpus(), dataset->labels(), std::move(signals)};
}

}  // namespace ecg

#endif  // ECG_CORPUS_ANY_CORPUS_H_

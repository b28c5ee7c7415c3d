// pack.h
//
// Packs the signals of a corpus: every record is read once, checked, and written into a file, or for a large corpus
// into several.
//
//   ECG_ASSIGN_OR_RETURN(PackedSignals signals, PackInCache(ptbxl, {.bad_records = spec::Data::SKIP}));
//
// The packed signals are shared by all tasks and splits, and are rebuilt only if they are missing or the source has
// changed. They are written to a temporary folder that is renamed when complete, so a killed job leaves no partial
// result; of two jobs at the same time, one packs and the other waits. Memory use is independent of the corpus, except
// for some twenty bytes per record, and 144 where its calibrations are its own.
//
// A corpus of more records than PackOptions::records_per_part is packed in parts, each in a folder of its own. Jobs at
// the same time, on several machines whose cache is a folder that they share, pack different parts, and those that a
// killed job has finished stay.

#ifndef ECG_CORPUS_PACK_H_
#define ECG_CORPUS_PACK_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/file/path.h"
#include "ecg/signal/signal.h"
#include "proto/experiment.pb.h"

namespace ecg {

// PackOptions configures packing.
struct PackOptions {
  // bad_records is whether to refuse or skip a record that cannot be read.
  spec::Data::BadRecords bad_records = spec::Data::REFUSE;
  // threads is the number of reader threads; 0 means one per core.
  int threads = 0;
  // records_per_part is how many records a part has at most, 0.8 GB of records of 10 s at 100 Hz.
  size_t records_per_part = 32768;
};

// SourceDigest identifies the source of packed signals: the contents of the index files, how files are read, and the
// name, size and modification time of each record's files. A missing file counts too, so that it is noticed when it
// appears.
absl::StatusOr<std::string> SourceDigest(const Corpus& corpus);

// PackedFolder returns the folder in `cache_dir` for the packed signals of `corpus`, one for each data folder,
// sampling frequency and way of reading.
std::filesystem::path PackedFolder(const Corpus& corpus, const std::filesystem::path& cache_dir);

// SignalReader returns the signal of a record of a corpus. Several threads call it at the same time.
using SignalReader = std::function<absl::StatusOr<Signal>(int record)>;

// Pack returns the packed signals of `corpus`, whose records `read` reads, in `folder`, or in folders beside it where
// there are several parts, and writes them first if they are missing or their source has changed. Beside these folders
// it leaves only lock files.
absl::StatusOr<PackedSignals> Pack(const Corpus& corpus, const SignalReader& read, const std::filesystem::path& folder,
                                   const PackOptions& options);

template <SignalSource D>
absl::StatusOr<PackedSignals> Pack(const D& dataset, const std::filesystem::path& folder,
                                   const PackOptions& options = {}) {
  return Pack(
      dataset.corpus(), [&dataset](int record) { return dataset.ReadSignal(record); }, folder, options);
}

// PackInCache returns the packed signals of `dataset` in `cache_dir`, and writes them first if needed.
template <SignalSource D>
absl::StatusOr<PackedSignals> PackInCache(const D& dataset, const PackOptions& options = {},
                                          const std::filesystem::path& cache_dir = CacheDirectory()) {
  return Pack(dataset, PackedFolder(dataset.corpus(), cache_dir), options);
}

}  // namespace ecg

#endif  // ECG_CORPUS_PACK_H_

// demo_corpus.h
//
// The corpus that benchmarks run on: synthetic records at 500 Hz in PTB-XL's layout, made once and kept in the cache.

#ifndef ECG_BENCH_DEMO_CORPUS_H_
#define ECG_BENCH_DEMO_CORPUS_H_

#include <filesystem>

#include "absl/status/statusor.h"
#include "ecg/corpus/demo.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/file/path.h"
#include "proto/experiment.pb.h"

namespace ecg {

// BenchmarkCorpus returns `records` synthetic records as PTB-XL, task `all`, split 1.
inline absl::StatusOr<PtbXl> BenchmarkCorpus(int records) {
  absl::StatusOr<std::filesystem::path> folder = CachedDemo(records, /*seed=*/1, CacheDirectory());
  if (!folder.ok()) return folder.status();
  return PtbXl::Open(spec::PtbXl(), *folder);
}

}  // namespace ecg

#endif  // ECG_BENCH_DEMO_CORPUS_H_

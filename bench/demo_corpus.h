// demo_corpus.h
//
// The corpus that benchmarks run on: synthetic records at 500 Hz in PTB-XL's layout, made once and kept in the cache.
// Whatever cannot be had ends the benchmark.

#ifndef ECG_BENCH_DEMO_CORPUS_H_
#define ECG_BENCH_DEMO_CORPUS_H_

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/status/statusor.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/file/path.h"
#include "ecg/synthetic/demo.h"
#include "proto/experiment.pb.h"

namespace ecg {

// OrDie returns what `value` holds, or prints why it holds nothing and ends the program: no figure is better than a
// wrong one.
template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::cerr << "error: " << value.status().message() << "\n";
    std::exit(1);
  }
  return *std::move(value);
}

// BenchmarkCorpus returns `records` synthetic records as PTB-XL, task `all`, split 1.
inline absl::StatusOr<PtbXl> BenchmarkCorpus(int records) {
  absl::StatusOr<std::filesystem::path> folder = CachedDemo(records, /*seed=*/1, CacheDirectory());
  if (!folder.ok()) return folder.status();
  return PtbXl::Open(spec::PtbXl(), *folder);
}

}  // namespace ecg

#endif  // ECG_BENCH_DEMO_CORPUS_H_

// Benchmarks of the stages without a network: reading, packing, scoring.
//
//   bazel run //bench:parts
//
// Items are records, unless the name says otherwise.

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "bench/demo_corpus.h"
#include "benchmark/benchmark.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/file/csv.h"
#include "ecg/random/random.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/scores.h"
#include "ecg/signal/signal.h"

namespace ecg {
namespace {

constexpr int kRecords = 1000;

void DecodeRecord(benchmark::State& state) {
  const PtbXl corpus = OrDie(BenchmarkCorpus(kRecords));
  int record = 0;
  for (auto _ : state) {
    const Signal signal = OrDie(corpus.ReadSignal(record));
    benchmark::DoNotOptimize(signal.samples);
    record = (record + 1) % kRecords;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(DecodeRecord);

void PackCorpus(benchmark::State& state) {
  const PtbXl corpus = OrDie(BenchmarkCorpus(kRecords));
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / absl::StrCat("ecg-bench-", getpid());
  for (auto _ : state) {
    state.PauseTiming();
    std::filesystem::remove_all(folder);
    state.ResumeTiming();
    const PackedSignals signals = OrDie(Pack(corpus, folder));
    benchmark::DoNotOptimize(signals.records());
  }
  std::filesystem::remove_all(folder);
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(PackCorpus)->UseRealTime()->Unit(benchmark::kMillisecond);

void FitScalerToPackedSignals(benchmark::State& state) {
  const PtbXl corpus = OrDie(BenchmarkCorpus(kRecords));
  const PackedSignals signals = OrDie(PackInCache(corpus));
  std::vector<int> records;
  for (int record = 0; record < kRecords; ++record) records.push_back(record);
  for (auto _ : state) benchmark::DoNotOptimize(OrDie(FitScaler(signals, records)).mean_mv);
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(FitScalerToPackedSignals)->UseRealTime()->Unit(benchmark::kMillisecond);

void ReadDatabaseTable(benchmark::State& state) {
  const PtbXl corpus = OrDie(BenchmarkCorpus(kRecords));
  const std::filesystem::path file = corpus.corpus().data_dir / PtbXl::kDatabaseFile;
  for (auto _ : state) benchmark::DoNotOptimize(OrDie(CsvTable::Read(file)).rows());
  state.SetItemsProcessed(state.iterations() * kRecords);
}
BENCHMARK(ReadDatabaseTable)->Unit(benchmark::kMillisecond);

// Predictions of the size of PTB-XL's test fold: 2,203 records, 71 classes from common to rare.
struct TestFold {
  static constexpr int kClasses = 71, kSize = 2203;
  std::vector<std::string> classes;
  std::vector<uint8_t> targets;
  std::vector<float> probabilities;

  TestFold() {
    Random random({1});
    for (int k = 0; k < kClasses; ++k) classes.push_back(absl::StrCat("class", k));
    for (int record = 0; record < kSize; ++record) {
      for (int k = 0; k < kClasses; ++k) {
        const bool positive = random.Uniform() < 0.4 / (1 + k) || record == k;
        targets.push_back(positive);
        probabilities.push_back(static_cast<float>(0.7 * random.Uniform() + 0.3 * positive));
      }
    }
  }
};

void ScoreTestFold(benchmark::State& state) {
  const TestFold fold;
  for (auto _ : state) {
    const RankedPredictions ranked = OrDie(RankedPredictions::Create(fold.targets, fold.probabilities, fold.classes));
    benchmark::DoNotOptimize(OrDie(ComputeScores(ranked)).macro_roc_auc);
  }
  state.SetItemsProcessed(state.iterations() * TestFold::kSize);
}
BENCHMARK(ScoreTestFold)->Unit(benchmark::kMillisecond);

void BootstrapTestFoldHundredTimes(benchmark::State& state) {
  const TestFold fold;
  const RankedPredictions ranked = OrDie(RankedPredictions::Create(fold.targets, fold.probabilities, fold.classes));
  for (auto _ : state) benchmark::DoNotOptimize(OrDie(BootstrapMacroRocAuc(ranked, {.resamples = 100})).mean);
}
BENCHMARK(BootstrapTestFoldHundredTimes)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ecg

BENCHMARK_MAIN();

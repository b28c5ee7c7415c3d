// Opens, packs and loads a corpus of very many records, and says how long each step takes and how much memory the
// process has had by then. many_records.sh makes the corpus:
//
//   bazel run //bench:many_records -- DATA_DIR CACHE_DIR

#include <sys/resource.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "bench/demo_corpus.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/recordings.h"
#include "ecg/corpus/scaler.h"
#include "ecg/terminal/stopwatch.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

constexpr int kRateHz = 100, kCropSamples = 250, kBatch = 64;
constexpr int kMostCrops = 2'000'000;

// Prints a step, and the largest memory that the process has had.
void Print(const char* step, double seconds, double items, const char* unit) {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%-28s %8.1f s %12.0f %-12s %8.0f MB\n", step, seconds, items / seconds, unit, usage.ru_maxrss / 1e3);
  std::fflush(stdout);
}

int Main(const std::filesystem::path& data_dir, const std::filesystem::path& cache_dir) {
  spec::Recordings spec;
  spec.set_sampling_frequency_hz(kRateHz);
  const int threads = static_cast<int>(std::thread::hardware_concurrency());
  Print("start", 1, 0, "");
  Stopwatch stopwatch;
  const Recordings corpus = OrDie(Recordings::Open(spec, data_dir));
  const int records = static_cast<int>(corpus.corpus().records.size());
  Print("open the table", stopwatch.seconds(), records, "records/s");

  const bool is_packed = std::filesystem::exists(cache_dir / "packed");
  stopwatch = Stopwatch();
  const PackedSignals signals = OrDie(PackInCache(corpus, {}, cache_dir));
  Print(is_packed ? "open the packed signals" : "pack", stopwatch.seconds(), records, "records/s");

  SplitPart part = {&signals, &corpus.labels(), std::vector<int>(corpus.labels().rows()), Scaler()};
  std::iota(part.rows.begin(), part.rows.end(), 0);
  stopwatch = Stopwatch();
  part.scaler = OrDie(FitScaler(signals, part.Records()));
  Print("fit the scaler", stopwatch.seconds(), records, "records/s");

  stopwatch = Stopwatch();
  std::vector<int> order = Shuffled().Order(part, /*seed=*/1, /*epoch=*/1);
  if (order.size() > kMostCrops) order.resize(kMostCrops);
  HostBatches batches(part, TrainingCrops(part, order, /*seed=*/1, /*epoch=*/1, kCropSamples),
                      {.batch_size = kBatch, .samples = kCropSamples, .threads = threads});
  int64_t crops = 0;
  while (const std::optional<Batch> batch = batches.Next()) crops += batch->signals.size(0);
  Print("load crops in random order", stopwatch.seconds(), static_cast<double>(crops), "crops/s");
  return 0;
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) {
  if (argc == 3) return ecg::Main(argv[1], argv[2]);
  std::fprintf(stderr, "usage: many_records DATA_DIR CACHE_DIR\n");
  return 1;
}

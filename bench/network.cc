// Benchmarks of the stages with the network: training crops, training steps, and evaluation of whole records.
//
//   bazel run //bench:network                                   ResNet-18, 12 leads, 1,250 samples, batch 64
//   bazel run //bench:network -- --benchmark_filter=TrainingStep
//
// Items are crops or windows. $ECG_THREADS sets the number of threads; by default one per core.

#include <torch/types.h>

#include <cstdlib>
#include <memory>
#include <optional>

#include "bench/demo_corpus.h"
#include "benchmark/benchmark.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/device/autocast.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/device/library_settings.h"
#include "ecg/device/threads.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/predict.h"
#include "ecg/model/classifier.h"
#include "ecg/model/resnet.h"
#include "ecg/signal/lead.h"
#include "ecg/train/adam.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

constexpr int kRecords = 1000, kBatch = 64, kCropSamples = 1250, kClasses = 71;

// The training records of the synthetic corpus.
struct TrainingRecords {
  PtbXl corpus = OrDie(BenchmarkCorpus(kRecords));
  PackedSignals signals = OrDie(PackInCache(corpus));
  SplitPart part{&signals, &corpus.labels(), corpus.split().train, {}};

  TrainingRecords() { part.scaler = OrDie(FitScaler(signals, part.Records())); }
};

std::shared_ptr<Network> MakeNetwork() {
  torch::manual_seed(1);
  return std::make_shared<Classifier<ResNet<BasicBlock>>>(spec::Model(), kLeads, kClasses);
}

Device DeviceWith(const benchmark::State& state) {
  return {torch::kCPU, static_cast<spec::Runtime::Precision>(state.range(0)), ""};
}

void CutTrainingCrops(benchmark::State& state) {
  const TrainingRecords records;
  int64_t crops = 0;
  for (auto _ : state) {
    HostBatches batches(
        records.part,
        TrainingCrops(records.part, Shuffled().Order(records.part, 1, 1), /*seed=*/1, /*epoch=*/1, kCropSamples),
        {.batch_size = kBatch, .samples = kCropSamples, .drop_last = true});
    while (const std::optional<Batch> batch = batches.Next()) crops += batch->signals.size(0);
  }
  state.SetItemsProcessed(crops);
}
BENCHMARK(CutTrainingCrops)->UseRealTime()->Unit(benchmark::kMillisecond);

void TrainingStep(benchmark::State& state) {
  const Device device = DeviceWith(state);
  const std::shared_ptr<Network> network = MakeNetwork();
  MoveNetwork(*network, device);
  Optimizer optimizer(*network, UpdateRules::Erase(Adam()), /*learning_rate=*/0.001);
  const torch::Tensor signals = torch::randn({kBatch, kLeads, kCropSamples});
  const torch::Tensor targets = torch::rand({kBatch, kClasses}).gt(0.95).to(torch::kFloat32);
  for (auto _ : state) {
    optimizer.ZeroGradients();
    torch::Tensor logits;
    {
      const Autocast autocast(device);
      logits = network->forward(ToDeviceLayout(signals, device)).to(torch::kFloat32);
    }
    MultiLabel().Loss(logits, targets).backward();
    optimizer.Step();
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}
BENCHMARK(TrainingStep)
    ->ArgName("precision")
    ->Arg(spec::Runtime::FP32)
    ->Arg(spec::Runtime::BF16)
    ->UseRealTime()
    ->MinTime(5)
    ->Unit(benchmark::kMillisecond);

void EvaluateRecords(benchmark::State& state) {
  const Device device = DeviceWith(state);
  const TrainingRecords records;
  const std::shared_ptr<Network> network = MakeNetwork();
  MoveNetwork(*network, device);
  const WindowOptions options = {.samples = kCropSamples, .stride = kCropSamples / 2};
  const std::unique_ptr<AnyAggregation> maximum = Aggregations::Erase(Maximum());
  int64_t windows = 0;
  for (auto _ : state) {
    windows += WindowsOfRows(records.part, options.samples, options.stride).size();
    benchmark::DoNotOptimize(Predict(*network, records.part, options, *maximum, device, "").data_ptr());
  }
  state.SetItemsProcessed(windows);
}
BENCHMARK(EvaluateRecords)
    ->ArgName("precision")
    ->Arg(spec::Runtime::FP32)
    ->Arg(spec::Runtime::BF16)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) {
  ecg::RestartWithLibrarySettings(argv);
  const char* threads = std::getenv("ECG_THREADS");
  ecg::DisableMallocTrimming();
  ecg::UseThreads(threads == nullptr ? 0 : std::atoi(threads));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

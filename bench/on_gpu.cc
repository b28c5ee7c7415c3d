// Checks and times the main experiment, ResNet-18 on task `all`, on a CUDA device: whether results agree with the CPU,
// and how fast it is. bench/on_gpu.sh builds and runs it without Bazel; with Bazel it is
//
//   bazel run //bench:on_gpu -- --records=21837
//
// It prints a table. Without a CUDA device, the rows that need one say so.

#include <torch/nn/modules/dropout.h>
#include <torch/types.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "bench/demo_corpus.h"
#include "ecg/batch/batch_source.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/pack.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/scaler.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/threads.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/file/path.h"
#include "ecg/model/classifier.h"
#include "ecg/model/network.h"
#include "ecg/model/resnet.h"
#include "ecg/signal/lead.h"
#include "ecg/spec/resolve.h"
#include "ecg/spec/sampling.h"
#include "ecg/terminal/stopwatch.h"
#include "ecg/train/adam.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/schedule.h"
#include "ecg/train/training_loop.h"
#include "ecg/train/training_step.h"
#include "ecg/train/update_rule.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {
namespace {

constexpr std::pair<spec::Runtime::Precision, const char*> kPrecisions[] = {
    {spec::Runtime::FP32, "float32"}, {spec::Runtime::TF32, "TF32"}, {spec::Runtime::BF16, "bfloat16"}};

// The records of the experiment, on the host, and on the device if they fit.
struct Records {
  PtbXl corpus;
  PackedSignals signals = OrDie(PackInCache(corpus));
  std::unique_ptr<DeviceSignals> on_device;
  SplitPart train, validation;

  Records(PtbXl given, const Device& device, int crop_samples) : corpus(std::move(given)) {
    on_device = MakeDeviceSignals(signals, device.torch, crop_samples);
    train = {&signals, &corpus.labels(), corpus.split().train, {}, on_device.get()};
    validation = {&signals, &corpus.labels(), corpus.split().validation, {}, on_device.get()};
    train.scaler = validation.scaler = OrDie(FitScaler(signals, train.Records()));
  }
};

spec::Experiment MakeSpec() {
  spec::Experiment spec;
  spec.mutable_data()->mutable_ptb_xl();
  spec.mutable_model()->mutable_resnet();
  spec.mutable_training()->mutable_multi_label();
  return Resolve(spec);
}

std::shared_ptr<Network> MakeNetwork(const SplitPart& part) {
  torch::manual_seed(1);
  return std::make_shared<Classifier<ResNet<BasicBlock>>>(spec::Model(), kLeads, part.classes());
}

void PrintRow(absl::string_view what, absl::string_view value) {
  absl::PrintF("%-54s %s\n", what, value);
  std::fflush(stdout);
}

// The crops of an epoch.
SegmentList EpochOf(const SplitPart& part, int epoch, int samples) {
  return TrainingCrops(part, Shuffled().Order(part, /*seed=*/1, epoch), /*seed=*/1, epoch, samples);
}

// The relative error of `actual`, in the L2 norm.
double Difference(const torch::Tensor& expected, const torch::Tensor& actual) {
  return ((expected - actual).norm() / expected.norm()).item<double>();
}

// The results of one training step: logits, loss, gradients (Adam's first moments are a tenth of them) and the weights'
// update, all on the CPU. Without dropout, whose random numbers differ between devices.
struct StepResult {
  torch::Tensor logits, loss, gradients, change;
};

torch::Tensor InOneRow(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& tensor : tensors) rows.push_back(tensor.detach().to(torch::kCPU).flatten());
  return torch::cat(rows);
}

StepResult RunStep(const Records& records, const BatchOptions& options, const Device& device) {
  const std::shared_ptr<Network> network = MakeNetwork(records.train);
  for (const auto& module : network->modules()) {
    if (auto* dropout = module->as<torch::nn::Dropout>()) dropout->options.p(0);
  }
  network->to(device.torch);
  const torch::Tensor before = InOneRow(network->parameters());
  Optimizer optimizer(*network, UpdateRules::Erase(Adam()), /*learning_rate=*/0.001);
  const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel());
  SplitPart part = records.train;
  if (device.torch.is_cpu()) part.on_device = nullptr;
  const std::unique_ptr<BatchSource> source = MakeBatchSource(part, options, device.torch);
  TrainingStep step(*network, optimizer, *objective, *source, device);
  source->Start(EpochOf(part, 1, options.samples));
  step();
  std::vector<torch::Tensor> means;
  for (const auto& [name, tensor] : optimizer.state()) {
    if (absl::StartsWith(name, "exp_avg.")) means.push_back(tensor);
  }
  return {step.logits().to(torch::kCPU), step.loss().to(torch::kCPU), InOneRow(means),
          InOneRow(network->parameters()) - before};
}

void CompareWithCpu(const Records& records, const BatchOptions& options, const Device& device) {
  const StepResult expected = RunStep(records, options, Device());
  for (const auto& [precision, name] : kPrecisions) {
    spec::Runtime runtime;
    runtime.set_device(device.torch.str());
    runtime.set_precision(precision);
    const StepResult actual = RunStep(records, options, OrDie(ChooseDevice(runtime)));
    PrintRow(absl::StrCat("logits of a batch compared with the CPU, ", name),
             absl::StrFormat("error %.1e", Difference(expected.logits, actual.logits)));
    PrintRow(absl::StrCat("one step compared with the CPU, ", name),
             absl::StrFormat("error of loss %.1e, gradients %.1e, weight update %.1e",
                             Difference(expected.loss, actual.loss), Difference(expected.gradients, actual.gradients),
                             Difference(expected.change, actual.change)));
  }
}

// Training throughput in crops per second, after a warm-up.
double CropsPerSecond(const Records& records, BatchOptions options, const Device& device, int steps) {
  const ScopedStream stream(device.torch);
  const std::shared_ptr<Network> network = MakeNetwork(records.train);
  network->to(device.torch);
  Optimizer optimizer(*network, UpdateRules::Erase(Adam()), /*learning_rate=*/0.001);
  const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel());
  const std::unique_ptr<BatchSource> source = MakeBatchSource(records.train, options, device.torch);
  TrainingStep step(*network, optimizer, *objective, *source, device);
  const int in_epoch = records.train.size() / options.batch_size;
  int taken = 0;
  const auto take = [&](int count) {
    for (int i = 0; i < count; ++i, ++taken) {
      if (taken % in_epoch == 0) source->Start(EpochOf(records.train, 1 + taken / in_epoch, options.samples));
      step();
    }
    Synchronise(device.torch);
  };
  take(std::min(10, steps));
  const Stopwatch stopwatch;
  take(steps);
  return steps * options.batch_size / stopwatch.seconds();
}

// The history of a training run, whose folder is deleted.
absl::StatusOr<run::TrainingState> Train(const Records& records, const spec::Experiment& spec, const Device& device) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / absl::StrCat("on_gpu_", static_cast<int64_t>(getpid()));
  std::filesystem::remove_all(folder);
  const std::shared_ptr<Network> network = MakeNetwork(records.train);
  const std::unique_ptr<AnyObjective> objective = Objectives::Erase(MultiLabel());
  const std::unique_ptr<AnyAggregation> aggregation = Aggregations::Erase(Maximum());
  TrainingParts parts;
  parts.objective = objective.get();
  parts.update_rule = UpdateRules::Erase(Adam());
  parts.schedule = Schedules::Erase(Constant());
  parts.sampler = Samplers::Erase(Shuffled());
  parts.aggregation = aggregation.get();
  const absl::StatusOr<run::TrainingState> state =
      TrainingLoop(spec, records.corpus.corpus().sampling_frequency_hz, std::move(parts), device, folder)
          .Fit(*network, records.train, records.validation);
  std::filesystem::remove_all(folder);
  return state;
}

int Main(int argc, char** argv) {
  int records_wanted = 1000;
  std::string data_dir, device_name = "cuda";
  CLI::App app("Checks and times the main experiment on a CUDA device.");
  app.add_option("--data_dir", data_dir, "Folder of PTB-XL; without it, synthetic records are made");
  app.add_option("--records", records_wanted, "How many synthetic records; PTB-XL has 21837")
      ->check(CLI::Range(100, 1000000));
  app.add_option("--device", device_name, "cuda or cuda:N");
  CLI11_PARSE(app, argc, argv);

  UseThreads(0);
  spec::Experiment spec = MakeSpec();
  spec.mutable_runtime()->set_device(device_name);
  spec.mutable_runtime()->set_fall_back_to_cpu(true);
  const Device device = OrDie(ChooseDevice(spec.runtime()));
  const bool there = device.torch.is_cuda();
  constexpr absl::string_view kMissing = "no CUDA device";
  PrintRow("LibTorch", TORCH_VERSION);
  PrintRow("device", there ? DeviceName(device.torch) : device.note);

  const int crop_samples = CropSamples(spec.data(), spec.data().ptb_xl().sampling_frequency_hz());
  const Records records(
      OrDie(data_dir.empty() ? BenchmarkCorpus(records_wanted) : PtbXl::Open(spec.data().ptb_xl(), UserPath(data_dir))),
      device, crop_samples);
  PrintRow("training, validation records", absl::StrFormat("%d, %d%s", records.train.size(), records.validation.size(),
                                                           records.corpus.corpus().synthetic ? ", synthetic" : ""));
  PrintRow("packed signals", absl::StrFormat("%.2f GB, %s", DeviceSignals::Bytes(records.signals) / 1e9,
                                             records.on_device != nullptr ? "on the device" : "on the host"));
  BatchOptions options = {.batch_size = 64, .samples = crop_samples, .drop_last = true};

  if (there) {
    CompareWithCpu(records, options, device);
  } else {
    PrintRow("logits of a batch compared with the CPU", kMissing);
    PrintRow("one step compared with the CPU", kMissing);
  }
  for (const int batch_size : {64, 256}) {
    for (const auto& [precision, name] : kPrecisions) {
      for (const bool graphs : {false, true}) {
        const std::string row =
            absl::StrCat("training crops/s, ", name, ", batches of ", batch_size, graphs ? ", CUDA graph" : "");
        if (!there) {
          PrintRow(row, kMissing);
          continue;
        }
        spec::Runtime runtime = spec.runtime();
        runtime.set_precision(precision);
        runtime.set_cuda_graphs(graphs);
        options.batch_size = batch_size;
        PrintRow(row, absl::StrFormat("%.0f", CropsPerSecond(records, options, OrDie(ChooseDevice(runtime)), 300)));
      }
    }
  }
  if (!there) {
    // Without a device, show at least that everything runs.
    options.batch_size = 16;
    PrintRow("training crops/s on this CPU, float32, batches of 16",
             absl::StrFormat("%.1f", CropsPerSecond(records, options, device, 4)));
    for (const absl::string_view row :
         {"an epoch, bfloat16, batches of 64", "peak device memory", "nine runs of 5 epochs, bfloat16"}) {
      PrintRow(row, kMissing);
    }
    return 0;
  }

  spec.mutable_runtime()->set_precision(spec::Runtime::BF16);
  const Device bf16 = OrDie(ChooseDevice(spec.runtime()));
  spec.mutable_training()->set_epochs(3);
  ReleaseUnusedMemory(device.torch);
  const run::TrainingState state = OrDie(Train(records, spec, bf16));
  const run::Epoch& last = *state.history().rbegin();
  PrintRow("an epoch, bfloat16, batches of 64",
           absl::StrFormat("%.2f s, of which training %.2f s", last.seconds(), last.training_seconds()));
  PrintRow("peak device memory",
           absl::StrFormat("%.2f GB", MemoryOf(device.torch).value_or(DeviceMemory()).peak / 1e9));
  const Stopwatch stopwatch;
  spec.mutable_training()->set_epochs(5);
  for (const double learning_rate : {0.01, 0.001, 0.0001}) {
    for (const int batch_size : {64, 128, 256}) {
      spec.mutable_training()->mutable_optimizer()->set_learning_rate(learning_rate);
      spec.mutable_training()->set_batch_size(batch_size);
      // A run that diverges at a large learning rate counts too, but takes less time.
      if (const absl::Status status = Train(records, spec, bf16).status(); !status.ok()) {
        PrintRow("one of the nine runs ended early", status.message());
      }
    }
  }
  PrintRow("nine runs of 5 epochs, bfloat16", absl::StrFormat("%.1f s", stopwatch.seconds()));
  return 0;
}

}  // namespace
}  // namespace ecg

int main(int argc, char** argv) { return ecg::Main(argc, argv); }

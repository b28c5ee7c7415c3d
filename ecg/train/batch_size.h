// batch_size.h
//
// The largest batch size that fits in the memory of a CUDA device, found by trial.

#ifndef ECG_TRAIN_BATCH_SIZE_H_
#define ECG_TRAIN_BATCH_SIZE_H_

#include <torch/types.h>

#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/batch_source.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/signal/demographics.h"
#include "ecg/status/status_macros.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"
#include "ecg/train/training_step.h"
#include "proto/experiment.pb.h"

namespace ecg {

// LargestPowerOfTwo returns the largest power of two from 2 to `most` for which `fits` returns true, or 0 if there is
// none. It tries sizes in ascending order and stops at the first that does not fit.
template <typename Fits>
int LargestPowerOfTwo(int most, Fits fits) {
  int largest = 0;
  for (int size = 2; size <= most && fits(size); size *= 2) largest = size;
  return largest;
}

// EmptyBatchSource returns the same batch of zeros every time.
class EmptyBatchSource : public BatchSource {
 public:
  explicit EmptyBatchSource(Batch batch) : batch_(std::move(batch)) {}

  void Start(SegmentList) override {}
  int count() const override { return 1; }
  void Prefetch() override {}
  Batch Next() override { return batch_; }
  double wait_seconds() const override { return 0; }

 private:
  const Batch batch_;
};

// LargestBatchSize returns the largest power of two that is a usable batch size for training `network` on `device` as
// `spec` says, on crops of `samples` samples of `train`, with a tenth of the memory left free. `make_rule` returns a
// new update rule for each trial. The weights of `network` are restored, and stay on the device.
template <typename MakeRule>
absl::StatusOr<int> LargestBatchSize(Network& network, const SplitPart& train, int samples,
                                     const AnyObjective& objective, const MakeRule& make_rule,
                                     const spec::Experiment& spec, const Device& device) {
  if (!device.torch.is_cuda()) {
    return absl::InvalidArgumentError(
        absl::StrCat("training.batch_size is AUTO, which is for CUDA devices; this run is on ", device.torch.str(),
                     ", where a larger batch is no faster. Write a number, such as 64"));
  }
  const ScopedStream stream(device.torch);
  network.to(device.torch);
  network.train();
  const NamedTensors weights = StateOf(network), before = CopyOf(weights);
  // Eagerly, not as a CUDA graph: a capture that runs out of memory cannot be undone.
  Device trial = device;
  trial.graphs = false;
  absl::Status other_error;
  const auto fits = [&](int size) {
    ReleaseUnusedMemory(device.torch);
    bool fitted = false;
    try {
      const auto on_device = torch::dtype(torch::kFloat32).device(device.torch);
      EmptyBatchSource source(
          {torch::zeros({size, train.signals->leads(), samples}, on_device),
           torch::zeros({size, train.classes()}, on_device),
           torch::zeros({size}, on_device.dtype(torch::kInt64)),
           {},
           train.demographics == nullptr ? torch::Tensor() : torch::zeros({size, kDemographicNumbers}, on_device)});
      Optimizer optimizer(network, make_rule(), spec.training().optimizer().learning_rate());
      TrainingStep step(network, optimizer, objective, source, trial);
      for (int i = 0; i < 2; ++i) step();
      Synchronise(device.torch);
      // A tenth stays free for the CUDA graph, evaluation and other processes.
      const DeviceMemory memory = MemoryOf(device.torch).value_or(DeviceMemory());
      fitted = memory.free > memory.total / 10;
      optimizer.ZeroGradients();
    } catch (const std::exception& error) {
      if (!IsOutOfDeviceMemory(error)) other_error = StatusOf(error, "trying batch sizes", device.torch, "");
    }
    return fitted;
  };
  // A step takes so many batches.
  const int size = LargestPowerOfTwo(train.size() / spec.training().accumulate_batches(), fits);
  for (const torch::Tensor& parameter : network.parameters()) parameter.mutable_grad() = torch::Tensor();
  ReleaseUnusedMemory(device.torch);
  ECG_RETURN_IF_ERROR(other_error);
  ECG_RETURN_IF_ERROR(LoadState(before, weights));
  if (size == 0) {
    return absl::ResourceExhaustedError(
        absl::StrCat("training.batch_size is AUTO, but ", device.torch.str(),
                     " runs out of memory with 2 crops, or there is only 1 training record. Choose a smaller "
                     "model, or --device=cpu"));
  }
  return size;
}

}  // namespace ecg

#endif  // ECG_TRAIN_BATCH_SIZE_H_

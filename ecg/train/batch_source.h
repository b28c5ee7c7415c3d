// batch_source.h
//
// How the batches of training reach the device that computes: made by other threads and sent there, or made there.

#ifndef ECG_TRAIN_BATCH_SOURCE_H_
#define ECG_TRAIN_BATCH_SOURCE_H_

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/device_batches.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/training_batches.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/device/cuda.h"

namespace ecg {

// BatchSource gives the batches of one epoch after the other. A step is Fetch on the host, and then Take, which may be a part
// of work that is recorded and replayed.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // StartEpoch makes the first batch of `epoch` the next one.
  virtual void StartEpoch(int epoch) = 0;

  // Fetch makes sure that the next batch is there.
  virtual void Fetch() = 0;

  // Take returns that batch, on the device.
  virtual Batch Take() = 0;

  // crops returns the epoch's crops, batch after batch; the last ones may fill no whole batch.
  virtual const std::vector<Segment>& crops() const = 0;

  // wait_seconds returns how long Fetch has waited for batches in this epoch.
  virtual double wait_seconds() const = 0;
};

// HostBatchSource has the batches made by other threads.
class HostBatchSource : public BatchSource {
 public:
  // `part` must outlive the feed. `options` are those of every epoch.
  HostBatchSource(const SplitPart& part, const TrainingBatches::Options& options, const torch::Device& device)
      : part_(part), options_(options), device_(device), upload_(device) {}

  void StartEpoch(int epoch) override {
    options_.epoch = epoch;
    batches_.reset();
    batches_ = std::make_unique<TrainingBatches>(part_, options_);
  }

  void Fetch() override {
    Batch batch = *batches_->Next();
    if (device_.is_cpu()) {
      batch_ = std::move(batch);
      return;
    }
    if (!batch_.signals.defined()) {
      batch_ = {torch::empty_like(batch.signals, batch.signals.options().device(device_)),
                torch::empty_like(batch.targets, batch.targets.options().device(device_))};
    }
    upload_({batch.signals, batch.targets}, {batch_.signals, batch_.targets});
  }

  Batch Take() override { return batch_; }

  const std::vector<Segment>& crops() const override { return batches_->crops(); }
  double wait_seconds() const override { return batches_->wait_seconds(); }

 private:
  const SplitPart& part_;
  TrainingBatches::Options options_;
  const torch::Device device_;
  Upload upload_;
  std::unique_ptr<TrainingBatches> batches_;
  Batch batch_;
};

// DeviceBatchSource has the batches made by the device that holds the signals.
class DeviceBatchSource : public BatchSource {
 public:
  // As of HostBatchSource; `part` has resident signals.
  DeviceBatchSource(const SplitPart& part, const TrainingBatches::Options& options)
      : part_(part), options_(options), batches_(part, options.batch_size, options.crop_samples) {}

  void StartEpoch(int epoch) override {
    crops_ = TrainingCrops(part_, options_.seed, epoch, options_.crop_samples);
    batches_.Start(crops_);
  }

  void Fetch() override {}

  Batch Take() override { return batches_.Next(); }

  const std::vector<Segment>& crops() const override { return crops_; }
  double wait_seconds() const override { return 0; }

 private:
  const SplitPart& part_;
  const TrainingBatches::Options options_;
  DeviceBatches batches_;
  std::vector<Segment> crops_;
};

// MakeBatchSource makes the feed that suits where the signals of `part` are.
inline std::unique_ptr<BatchSource> MakeBatchSource(const SplitPart& part, const TrainingBatches::Options& options,
                                                    const torch::Device& device) {
  if (part.resident != nullptr) return std::make_unique<DeviceBatchSource>(part, options);
  return std::make_unique<HostBatchSource>(part, options, device);
}

// MakeDeviceSignals copies all of `signals` into the memory of `device` where it is a CUDA device of which they take no more
// than half of the free memory, and else returns nothing. Segment have at most `longest_segment` samples.
inline std::unique_ptr<DeviceSignals> MakeDeviceSignals(const PackedSignals& signals, const torch::Device& device,
                                                        int longest_segment) {
  const std::optional<DeviceMemory> memory = MemoryOf(device);
  if (!memory || DeviceSignals::Bytes(signals) > memory->free / 2) return nullptr;
  return std::make_unique<DeviceSignals>(signals, device, longest_segment);
}

}  // namespace ecg

#endif  // ECG_TRAIN_BATCH_SOURCE_H_

// batch_source.h
//
// The batch pipeline of training and evaluation: batches are prefetched by loader threads and uploaded, or gathered on
// the device.
//
//   const std::unique_ptr<BatchSource> source = MakeBatchSource(part, options, device);
//   source->Start(TrainingCrops(part, order, seed, epoch, options.samples));
//   for (int i = 0; i < source->count(); ++i) {
//     source->Prefetch();
//     const Batch batch = source->Next();
//     ...
//   }

#ifndef ECG_BATCH_BATCH_SOURCE_H_
#define ECG_BATCH_BATCH_SOURCE_H_

#include <torch/types.h>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/device_batches.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/device/cuda.h"

namespace ecg {

// BatchSource iterates over the batches of a list of segments. Call Prefetch (on the host), then Next, for each batch;
// Next may be part of a captured CUDA graph.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // Start rewinds to the first batch of `list`.
  virtual void Start(SegmentList list) = 0;

  // count returns the number of batches in the list.
  virtual int count() const = 0;

  // Prefetch waits until the next batch is ready, and starts its upload.
  virtual void Prefetch() = 0;

  // Next returns the next batch, on the device.
  virtual Batch Next() = 0;

  // wait_seconds returns the time that Prefetch has spent waiting for batches of this list.
  virtual double wait_seconds() const = 0;
};

// HostBatchSource loads batches in other threads. On a CUDA device every batch is uploaded into the same tensors, so
// for a captured CUDA graph all batches must have the same size.
class HostBatchSource : public BatchSource {
 public:
  // `part` must outlive the source.
  HostBatchSource(const SplitPart& part, const BatchOptions& options, const torch::Device& device)
      : part_(part), options_(options), device_(device) {}

  void Start(SegmentList list) override {
    batches_.reset();
    batches_ = std::make_unique<HostBatches>(part_, std::move(list), options_);
  }

  int count() const override { return batches_->count(); }

  void Prefetch() override {
    Batch batch = *batches_->Next();
    if (device_.is_cpu()) {
      batch_ = std::move(batch);
      return;
    }
    if (!batch_.signals.defined() || batch_.signals.sizes() != batch.signals.sizes()) {
      const auto there = [this](const torch::Tensor& x) { return torch::empty_like(x, x.options().device(device_)); };
      batch_ = {there(batch.signals), there(batch.targets), there(batch.rows), there(batch.uniform)};
      if (batch.demographics.defined()) batch_.demographics = there(batch.demographics);
      upload_ = std::make_unique<Upload>(device_);
    }
    std::vector<torch::Tensor> from = {batch.signals, batch.targets, batch.rows};
    std::vector<torch::Tensor> to = {batch_.signals, batch_.targets, batch_.rows};
    if (batch.uniform.numel() > 0) {
      from.push_back(batch.uniform);
      to.push_back(batch_.uniform);
    }
    if (batch.demographics.defined()) {
      from.push_back(batch.demographics);
      to.push_back(batch_.demographics);
    }
    (*upload_)(from, to);
  }

  Batch Next() override { return batch_; }

  double wait_seconds() const override { return batches_->wait_seconds(); }

 private:
  const SplitPart& part_;
  const BatchOptions options_;
  const torch::Device device_;
  std::unique_ptr<Upload> upload_;
  std::unique_ptr<HostBatches> batches_;
  Batch batch_;
};

// DeviceBatchSource gathers batches on the device that holds the signals. A short last batch is padded with copies of
// the last segment, or dropped.
class DeviceBatchSource : public BatchSource {
 public:
  // The signals of `part` must be on the device. `part` must outlive the source.
  DeviceBatchSource(const SplitPart& part, const BatchOptions& options)
      : drop_last_(options.drop_last),
        batch_size_(options.batch_size),
        batches_(part, options.batch_size, options.samples) {}

  void Start(SegmentList list) override {
    size_ = list.size();
    batches_.Start(list);
  }

  int count() const override { return drop_last_ ? size_ / batch_size_ : batches_.count(); }
  void Prefetch() override {}
  Batch Next() override { return batches_.Next(); }
  double wait_seconds() const override { return 0; }

 private:
  const bool drop_last_;
  const int batch_size_;
  int size_ = 0;
  DeviceBatches batches_;
};

// MakeBatchSource returns a DeviceBatchSource if the signals of `part` are on the device, else a HostBatchSource.
inline std::unique_ptr<BatchSource> MakeBatchSource(const SplitPart& part, const BatchOptions& options,
                                                    const torch::Device& device) {
  if (part.on_device != nullptr) return std::make_unique<DeviceBatchSource>(part, options);
  return std::make_unique<HostBatchSource>(part, options, device);
}

// MakeDeviceSignals copies `signals` to `device` if it is a CUDA device and they take at most half of its free memory;
// else it returns nullptr. Segments have at most `longest_segment` samples.
inline std::unique_ptr<DeviceSignals> MakeDeviceSignals(const PackedSignals& signals, const torch::Device& device,
                                                        int longest_segment) {
  const std::optional<DeviceMemory> memory = MemoryOf(device);
  if (!memory || DeviceSignals::Bytes(signals) > memory->free / 2) return nullptr;
  return std::make_unique<DeviceSignals>(signals, device, longest_segment);
}

}  // namespace ecg

#endif  // ECG_BATCH_BATCH_SOURCE_H_

// batch_source.h
//
// How batches reach the device that computes: made by other threads and sent there, or made there. Training and
// evaluation use the same.
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

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "ecg/batch/batch.h"
#include "ecg/batch/device_batches.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/device/cuda.h"

namespace ecg {

// BatchSource gives the batches of one list of segments after the other. A batch takes Prefetch on the host, and then
// Next, which may be a part of work that is recorded and replayed.
class BatchSource {
 public:
  virtual ~BatchSource() = default;

  // Start makes the first batch of `list` the next one.
  virtual void Start(SegmentList list) = 0;

  // count returns the number of batches of the list.
  virtual int count() const = 0;

  // Prefetch makes sure that the next batch is there.
  virtual void Prefetch() = 0;

  // Next returns that batch, on the device.
  virtual Batch Next() = 0;

  // wait_seconds returns how long Prefetch has waited for batches of this list.
  virtual double wait_seconds() const = 0;
};

// HostBatchSource has the batches made by other threads. On a CUDA device a batch lies where the last one did, so all
// must be as large.
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
      upload_ = std::make_unique<Upload>(device_);
    }
    (*upload_)({batch.signals, batch.targets, batch.rows, batch.uniform},
               {batch_.signals, batch_.targets, batch_.rows, batch_.uniform});
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

// DeviceBatchSource has the batches made by the device that holds the signals. A last batch that would be shorter is
// filled up with copies of the last segment, or left out.
class DeviceBatchSource : public BatchSource {
 public:
  // `part` must have its signals on the device, and outlive the source.
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

// MakeBatchSource makes the source that suits where the signals of `part` are.
inline std::unique_ptr<BatchSource> MakeBatchSource(const SplitPart& part, const BatchOptions& options,
                                                    const torch::Device& device) {
  if (part.on_device != nullptr) return std::make_unique<DeviceBatchSource>(part, options);
  return std::make_unique<HostBatchSource>(part, options, device);
}

// MakeDeviceSignals copies all of `signals` into the memory of `device` where it is a CUDA device of which they take no
// more than half of the free memory, and else returns nothing. Segments have at most `longest_segment` samples.
inline std::unique_ptr<DeviceSignals> MakeDeviceSignals(const PackedSignals& signals, const torch::Device& device,
                                                        int longest_segment) {
  const std::optional<DeviceMemory> memory = MemoryOf(device);
  if (!memory || DeviceSignals::Bytes(signals) > memory->free / 2) return nullptr;
  return std::make_unique<DeviceSignals>(signals, device, longest_segment);
}

}  // namespace ecg

#endif  // ECG_BATCH_BATCH_SOURCE_H_

// predict.h
//
// The logits of whole records.

#ifndef ECG_EVALUATION_PREDICT_H_
#define ECG_EVALUATION_PREDICT_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/batch_source.h"
#include "ecg/batch/host_batches.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/device/autocast.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/device/side_by_side.h"
#include "ecg/distributed/process_group.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/model/network.h"
#include "ecg/terminal/progress.h"

namespace ecg {

// WindowOptions says how records are covered with windows.
struct WindowOptions {
  int samples = 1250;
  int stride = 625;
  // Windows that the network sees at a time, at most; 0 is 128 on a CPU and 512 on a CUDA device.
  int batch_windows = 0;
};

// BatchWindows returns the number of windows that the network sees at a time.
inline int BatchWindows(int batch_windows, const Device& device) {
  if (batch_windows > 0) return batch_windows;
  return device.torch.is_cpu() ? 128 : 512;
}

// RecordLogits gathers the logits of windows, which come in the order of the rows, and aggregates each record once all
// of its windows are there.
class RecordLogits {
 public:
  // `windows` lists all windows; `aggregation` must outlive the object.
  RecordLogits(const SegmentList& windows, const AnyAggregation& aggregation) : aggregation_(aggregation) {
    for (int i = 0; i < windows.size(); ++i) {
      if (i == 0 || windows.segments[i].row != windows.segments[i - 1].row) counts_.push_back(0);
      ++counts_.back();
    }
  }

  // Add takes the logits of the next windows, float32 [W, K] on the CPU.
  void Add(const torch::Tensor& logits) {
    waiting_ = waiting_.defined() ? torch::cat({waiting_, logits}) : logits;
    std::vector<int64_t> windows;
    int64_t taken = 0;
    while (next_ < counts_.size() && taken + counts_[next_] <= waiting_.size(0)) {
      windows.push_back(counts_[next_]);
      taken += counts_[next_++];
    }
    if (windows.empty()) return;
    rows_.push_back(aggregation_.AggregateAll(waiting_.narrow(0, 0, taken), windows));
    waiting_ = waiting_.narrow(0, taken, waiting_.size(0) - taken);
  }

  // Take returns the logits of all records, float32 [records, K].
  torch::Tensor Take() const { return torch::cat(rows_).to(torch::kFloat32).contiguous(); }

 private:
  const AnyAggregation& aggregation_;
  std::vector<int64_t> counts_;  // windows of each record
  size_t next_ = 0;              // the first record that is not aggregated
  torch::Tensor waiting_;        // logits of the windows from that record on
  std::vector<torch::Tensor> rows_;
};

// InputOf returns what a network reads of `batch`, on `device` and in its layout.
inline NetworkInput InputOf(const Batch& batch, const Device& device) {
  return {ToDeviceLayout(batch.signals.to(device.torch), device),
          batch.demographics.defined() ? batch.demographics.to(device.torch) : torch::Tensor()};
}

// PredictByRecord adds outputs(input), which is [W, K], of each batch of `windows` to `records`, in order; `input` is a
// NetworkInput on `device` and in its layout. No two records are in one batch; where the network depends on the batch,
// all windows of a record are. On a CPU several threads call `outputs` at the same time.
template <typename Outputs>
void PredictByRecord(const Network& network, const SplitPart& part, const SegmentList& windows,
                     const WindowOptions& options, const Device& device, absl::string_view label,
                     const Outputs& outputs, RecordLogits& records) {
  const int most = network.DependsOnBatch() ? windows.size() : BatchWindows(options.batch_windows, device);
  HostBatches batches(part, SegmentList(windows), EndsOfRecords(windows, most), {.samples = options.samples});
  Progress progress(label, windows.size(), "windows");
  std::mutex mutex;  // of `batches`, `records`, `progress` and what follows
  int taken = 0, added = 0;
  std::map<int, torch::Tensor> waiting;  // the outputs of batches that come after one that is still computed
  ForEachSideBySide(device, batches.count(), [&](int) {
    std::unique_lock lock(mutex);
    const Batch batch = *batches.Next();
    const int index = taken++;
    lock.unlock();
    torch::Tensor rows = outputs(InputOf(batch, device)).to(torch::kCPU, torch::kFloat32).contiguous();
    lock.lock();
    waiting.emplace(index, std::move(rows));
    for (; waiting.contains(added); ++added) records.Add(waiting.extract(added).mapped());
    progress.Advance(batch.signals.size(0));
  });
}

// PredictWindows returns the logits of the records that `windows`, record by record, are of: float32 [records, K] on
// the CPU.
inline torch::Tensor PredictWindows(Network& network, const SplitPart& part, SegmentList windows,
                                    const WindowOptions& options, const AnyAggregation& aggregation,
                                    const Device& device, absl::string_view label) {
  RecordLogits records(windows, aggregation);
  // Kernels round differently in batches of another size. On a CPU records do not share a batch, so that one's logits
  // do not depend on the others.
  if (network.DependsOnBatch() || (device.torch.is_cpu() && part.on_device == nullptr)) {
    const auto outputs = [&](const NetworkInput& input) { return network.Forward(input); };
    PredictByRecord(network, part, windows, options, device, label, outputs, records);
    return records.Take();
  }
  const int total = windows.size();
  const int batch_windows = std::min(BatchWindows(options.batch_windows, device), total);
  Progress progress(label, total, "windows");
  const auto forward = [&](BatchSource& source) {
    const Autocast autocast(device);
    return network.Forward(InputOf(source.Next(), device)).to(torch::kFloat32);
  };
  const std::unique_ptr<BatchSource> source =
      MakeBatchSource(part, {.batch_size = batch_windows, .samples = options.samples}, device.torch);
  source->Start(std::move(windows));
  if (part.on_device == nullptr) {
    for (int i = 0; i < source->count(); ++i) {
      source->Prefetch();
      records.Add(forward(*source).to(torch::kCPU).contiguous());
      progress.Advance(batch_windows);
    }
    return records.Take();
  }
  // The device makes the windows by itself, and all logits come back in one piece.
  const ScopedStream stream(device.torch);
  torch::Tensor logits;
  GraphedStep step(device.torch, device.graphs, [&] { logits = forward(*source); });
  const torch::Tensor all = torch::empty({source->count(), batch_windows, part.classes()},
                                         torch::dtype(torch::kFloat32).device(device.torch));
  for (int i = 0; i < source->count(); ++i) {
    step();
    all[i].copy_(logits);
    progress.Advance(batch_windows);
  }
  records.Add(all.flatten(0, 1).narrow(0, 0, total).to(torch::kCPU));
  return records.Take();
}

// Predict returns the logits of every record of `part`, float32 [size, K] on the CPU. It leaves `network` in evaluation
// mode. `label` names the progress bar. With `group` each process computes those of its share of the records, and all
// get all.
inline torch::Tensor Predict(Network& network, const SplitPart& part, const WindowOptions& options,
                             const AnyAggregation& aggregation, const Device& device, absl::string_view label,
                             ProcessGroup* group = nullptr) {
  const torch::InferenceMode inference;
  network.eval();
  const int rank = group == nullptr ? 0 : group->rank(), size = group == nullptr ? 1 : group->size();
  SegmentList windows = WindowsOfRows(part, options.samples, options.stride, ShareBegin(part.size(), rank, size),
                                      ShareBegin(part.size(), rank + 1, size));
  const torch::Tensor logits =
      windows.size() == 0 ? torch::empty({0, part.classes()})
                          : PredictWindows(network, part, std::move(windows), options, aggregation, device, label);
  return group == nullptr ? logits : group->GatherRows(logits);
}

}  // namespace ecg

#endif  // ECG_EVALUATION_PREDICT_H_

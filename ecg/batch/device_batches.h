// device_batches.h
//
// Batches gathered on the device from signals in its memory. The indices of an epoch are uploaded once; after that a
// batch is a gather and an affine scaling, with no transfer from the host. Even the batch counter is on the device, so
// that the work can be captured in a CUDA graph.
//
//   DeviceBatches batches(part, /*batch_size=*/64, /*samples=*/1250);
//   batches.Start(TrainingCrops(part, order, seed, epoch, 1250));
//   for (int i = 0; i < batches.count(); ++i) Train(batches.Next());

#ifndef ECG_BATCH_DEVICE_BATCHES_H_
#define ECG_BATCH_DEVICE_BATCHES_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/demographics_tensor.h"
#include "ecg/batch/device_signals.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/standardise.h"
#include "ecg/batch/target_tensor.h"
#include "ecg/corpus/packed_signals.h"

namespace ecg {

// DeviceBatches iterates over batches of segments of one part of a split. It works on any device, including the CPU.
class DeviceBatches {
 public:
  // The signals of `part` must be on the device. `part` must outlive the batches. Segments have `samples` samples.
  DeviceBatches(const SplitPart& part, int batch_size, int samples)
      : part_(part), batch_size_(batch_size), samples_(samples) {
    const torch::Tensor& all = part.on_device->samples();
    // A view of all segments of `samples` samples: row i starts at sample i.
    all_segments_ = all.as_strided({all.size(0) - samples + 1, samples}, {1, 1});
    next_batch_ = torch::zeros({1}, Integers(all.device()));
    time_ = torch::arange(samples, Integers(all.device()));
    const int leads = part.signals->leads();
    torch::Tensor scale = torch::empty({part.size(), leads, 1}), shift = torch::empty({part.size(), leads, 1});
    for (int row = 0; row < part.size(); ++row) {
      for (int lead = 0; lead < leads; ++lead) {
        const Affine affine = Standardisation(part.signals->calibration(part.record(row), lead), part.scaler);
        scale.data_ptr<float>()[row * leads + lead] = affine.scale;
        shift.data_ptr<float>()[row * leads + lead] = affine.shift;
      }
    }
    scale_ = scale.to(all.device());
    shift_ = shift.to(all.device());
    targets_ = TrainingTargetTensor(part).to(all.device());
    if (part.demographics != nullptr) demographics_ = DemographicsOfRows(part).to(all.device());
  }

  // Start rewinds to the first batch of `list`. A short last batch is padded with copies of the last segment. While the
  // number of segments stays the same, the tensors that Next reads keep their addresses, as a CUDA graph requires.
  void Start(const SegmentList& list) {
    const std::vector<Segment>& segments = list.segments;
    const int leads = part_.signals->leads();
    count_ = static_cast<int>((segments.size() + batch_size_ - 1) / batch_size_);
    torch::Tensor rows = torch::empty({count_, batch_size_}, torch::kInt64), ends = torch::empty_like(rows);
    torch::Tensor starts = torch::empty({count_, batch_size_, leads}, torch::kInt64);
    for (int64_t i = 0; i < rows.numel(); ++i) {
      const Segment& segment = segments[std::min<size_t>(i, segments.size() - 1)];
      const int record = part_.record(segment.row);
      rows.data_ptr<int64_t>()[i] = segment.row;
      for (int lead = 0; lead < leads; ++lead) {
        starts.data_ptr<int64_t>()[i * leads + lead] = part_.on_device->Offset(record, lead) + segment.start;
      }
      ends.data_ptr<int64_t>()[i] = part_.signals->samples(record) - segment.start;
    }
    Put(rows, rows_);
    Put(starts, starts_);
    Put(ends, ends_);
    torch::Tensor uniform = torch::zeros({count_ * batch_size_, list.numbers});
    std::copy(list.uniform.begin(), list.uniform.end(), uniform.data_ptr<float>());
    Put(uniform.view({count_, batch_size_, list.numbers}), uniform_);
    next_batch_.zero_();
  }

  // count returns the number of batches.
  int count() const { return count_; }

  // Next returns the next batch.
  Batch Next() {
    const torch::NoGradGuard no_grad;
    const auto now = [this](const torch::Tensor& of_all) { return of_all.index_select(0, next_batch_).flatten(0, 1); };
    const torch::Tensor rows = now(rows_), starts = now(starts_);
    const torch::Tensor digital = all_segments_.index_select(0, starts.flatten()).view({batch_size_, -1, samples_});
    Batch batch = {torch::addcmul(shift_.index_select(0, rows), digital, scale_.index_select(0, rows)),
                   targets_.index_select(0, rows), rows, now(uniform_)};
    if (demographics_.defined()) batch.demographics = demographics_.index_select(0, rows);
    batch.signals.mul_(time_.lt(now(ends_).view({batch_size_, 1, 1})));
    next_batch_.add_(1);
    return batch;
  }

 private:
  static torch::TensorOptions Integers(torch::Device device) { return torch::dtype(torch::kInt64).device(device); }

  // Copies `from` to the device, into the same memory as before if the shape is unchanged.
  void Put(const torch::Tensor& from, torch::Tensor& to) const {
    if (!to.defined() || to.sizes() != from.sizes())
      to = torch::empty_like(from, from.options().device(next_batch_.device()));
    to.copy_(from);
  }

  const SplitPart& part_;
  const int batch_size_;
  const int samples_;
  int count_ = 0;
  torch::Tensor all_segments_;   // int16 [all, L], a view
  torch::Tensor scale_, shift_;  // float32 [size, C, 1]: standardised = digital * scale + shift
  torch::Tensor targets_;        // float32 [size, K]
  torch::Tensor demographics_;   // float32 [size, 8]; undefined where they are not read
  torch::Tensor rows_;           // int64 [count, B], the row of each segment
  torch::Tensor starts_;         // int64 [count, B, C], the first sample of each lead
  torch::Tensor uniform_;        // float32 [count, B, N]
  torch::Tensor ends_;           // int64 [count, B], samples from the segment's start to the record's end
  torch::Tensor time_;           // int64 [L], 0 to L - 1
  torch::Tensor next_batch_;     // int64 [1], index of the next batch
};

}  // namespace ecg

#endif  // ECG_BATCH_DEVICE_BATCHES_H_

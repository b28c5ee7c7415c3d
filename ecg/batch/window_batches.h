// window_batches.h
//
// The windows of whole records, many records to a batch, in the order of the records.

#ifndef ECG_BATCH_WINDOW_BATCHES_H_
#define ECG_BATCH_WINDOW_BATCHES_H_

#include <torch/torch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/standardise.h"

namespace ecg {

// WindowBatch holds standardised windows, float32 [W, C, L], and which row of the part each is of.
struct WindowBatch {
  torch::Tensor signals;
  std::vector<int> rows;
};

// WindowBatches gives the windows of all rows of a part, `batch_windows` at a time; the last batch may be shorter.
class WindowBatches {
 public:
  struct Options {
    int window_samples = 1250;
    int stride_samples = 625;
    int batch_windows = 128;
  };

  // `part` must outlive the batches.
  WindowBatches(const SplitPart& part, const Options& options)
      : part_(part), options_(options), windows_(WindowsOfRows(part, options.window_samples, options.stride_samples)) {
    WillRead(part_, Coming());
  }

  // total returns the number of windows of all rows.
  int64_t total() const { return static_cast<int64_t>(windows_.size()); }

  // Next returns the next batch, or nothing when there is none.
  std::optional<WindowBatch> Next() {
    const std::span<const Segment> windows = Coming();
    if (windows.empty()) return std::nullopt;
    const int leads = part_.signals->leads(), length = options_.window_samples;
    WindowBatch batch = {torch::empty({static_cast<int64_t>(windows.size()), leads, length}), {}};
    float* signals = batch.signals.data_ptr<float>();
    for (const auto& [row, start] : windows) {
      Standardise(*part_.signals, part_.record(row), start, length, part_.scaler, signals);
      signals += leads * length;
      batch.rows.push_back(row);
    }
    given_ += windows.size();
    WillRead(part_, Coming());  // while the network computes
    return batch;
  }

 private:
  // Coming returns the windows of the next batch.
  std::span<const Segment> Coming() const {
    const std::span<const Segment> left = std::span(windows_).subspan(given_);
    return left.first(std::min<size_t>(options_.batch_windows, left.size()));
  }

  const SplitPart& part_;
  const Options options_;
  const std::vector<Segment> windows_;
  size_t given_ = 0;
};

}  // namespace ecg

#endif  // ECG_BATCH_WINDOW_BATCHES_H_

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
#include <vector>

#include "ecg/batch/split_part.h"
#include "ecg/batch/standardise.h"
#include "ecg/batch/window.h"

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
    int batch_windows = 64;
  };

  // `part` must outlive the batches.
  WindowBatches(const SplitPart& part, const Options& options) : part_(part), options_(options) {
    for (int row = 0; row < part.size(); ++row) total_ += Starts(row).size();
  }

  // total returns the number of windows of all rows.
  int64_t total() const { return total_; }

  // Next returns the next batch, or nothing when there is none.
  std::optional<WindowBatch> Next() {
    const int count = static_cast<int>(std::min<int64_t>(options_.batch_windows, total_ - given_));
    if (count == 0) return std::nullopt;
    given_ += count;
    const int leads = part_.signals->leads(), length = options_.window_samples;
    WindowBatch batch = {torch::empty({count, leads, length}), {}};
    float* signals = batch.signals.data_ptr<float>();
    for (int i = 0; i < count; ++i, ++window_, signals += leads * length) {
      while (window_ == starts_.size()) {
        starts_ = Starts(++row_);
        window_ = 0;
      }
      Standardise(*part_.signals, part_.record(row_), starts_[window_], length, part_.scaler, signals);
      batch.rows.push_back(row_);
    }
    return batch;
  }

 private:
  std::vector<int> Starts(int row) const {
    return WindowStarts(part_.signals->samples(part_.record(row)), options_.window_samples, options_.stride_samples);
  }

  const SplitPart& part_;
  const Options options_;
  int64_t total_ = 0;
  int64_t given_ = 0;
  // The next window: which row it is of, where the row's windows start, and which of these it is.
  int row_ = -1;
  std::vector<int> starts_;
  size_t window_ = 0;
};

}  // namespace ecg

#endif  // ECG_BATCH_WINDOW_BATCHES_H_

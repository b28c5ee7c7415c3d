// host_batches.h
//
// Batches of a list of segments, loaded by background threads while the network computes.
//
//   HostBatches batches(part, TrainingCrops(part, order, seed, epoch, 1250), {.batch_size = 64, .samples = 1250});
//   while (const std::optional<Batch> batch = batches.Next()) Train(*batch);

#ifndef ECG_BATCH_HOST_BATCHES_H_
#define ECG_BATCH_HOST_BATCHES_H_

#include <ATen/ATen.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/demographics_tensor.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/standardise.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/terminal/stopwatch.h"

namespace ecg {

// BatchOptions configures batching.
struct BatchOptions {
  int batch_size = 64;
  // Samples per segment.
  int samples = 1250;
  // Whether to drop a short last batch.
  bool drop_last = false;
  // Loader threads. The batches do not depend on their number.
  int threads = 1;
};

// HostBatches returns the batches in order, on the CPU.
class HostBatches {
 public:
  // `part` must outlive the batches.
  HostBatches(const SplitPart& part, SegmentList list, const BatchOptions& options)
      : HostBatches(part, std::move(list), EqualBatches(list, options), options) {}

  // Batch number i has the segments of `list` from ends[i - 1], or 0, up to ends[i], which may differ in number.
  HostBatches(const SplitPart& part, SegmentList&& list, std::vector<int> ends, const BatchOptions& options)
      : part_(part),
        options_(options),
        ends_(std::move(ends)),
        list_(std::move(list)),
        count_(static_cast<int>(ends_.size())) {
    for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { Work(); });
  }
  HostBatches(const HostBatches&) = delete;
  HostBatches& operator=(const HostBatches&) = delete;
  ~HostBatches() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // count returns the number of batches.
  int count() const { return count_; }

  // wait_seconds returns the time that Next has spent waiting for batches.
  double wait_seconds() const { return wait_seconds_; }

  // Next returns the next batch, or nullopt at the end. It rethrows an exception of a loader thread.
  std::optional<Batch> Next() {
    if (delivered_ == count_) return std::nullopt;
    const Stopwatch stopwatch;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return error_ != nullptr || ready_.contains(delivered_); });
    if (error_ != nullptr) std::rethrow_exception(error_);
    Batch batch = std::move(ready_.extract(delivered_).mapped());
    ++delivered_;
    lock.unlock();
    changed_.notify_all();
    wait_seconds_ += stopwatch.seconds();
    return batch;
  }

 private:
  void Work() {
    try {
      while (const std::optional<int> index = TakeNext()) {
        Batch batch = Make(*index);
        {
          const std::lock_guard lock(mutex_);
          ready_.emplace(*index, std::move(batch));
        }
        changed_.notify_all();
      }
    } catch (...) {
      {
        const std::lock_guard lock(mutex_);
        error_ = std::current_exception();
      }
      changed_.notify_all();
    }
  }

  // The index of the next batch to load, or nullopt at the end. Loading stays at most two batches per thread ahead,
  // which keeps the network busy and bounds memory.
  std::optional<int> TakeNext() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopped_ || next_ == count_ || next_ < delivered_ + 2 * options_.threads; });
    if (stopped_ || next_ == count_) return std::nullopt;
    return next_++;
  }

  static std::vector<int> EqualBatches(const SegmentList& list, const BatchOptions& options) {
    std::vector<int> ends;
    for (int end = options.batch_size; end <= list.size(); end += options.batch_size) ends.push_back(end);
    if (!options.drop_last && list.size() % options.batch_size != 0) ends.push_back(list.size());
    return ends;
  }

  Batch Make(int index) const {
    const size_t first = index == 0 ? 0 : ends_[index - 1];
    const std::span<const Segment> segments = std::span(list_.segments).subspan(first, ends_[index] - first);
    WillRead(part_, segments);
    const int64_t size = static_cast<int64_t>(segments.size());
    const int leads = part_.signals->leads(), classes = part_.classes();
    Batch batch = {at::empty({size, leads, options_.samples}), at::empty({size, classes}), at::empty({size}, at::kLong),
                   at::empty({size, list_.numbers})};
    float* signals = batch.signals.data_ptr<float>();
    float* targets = batch.targets.data_ptr<float>();
    int64_t* rows = batch.rows.data_ptr<int64_t>();
    for (const auto& [row, start] : segments) {
      Standardise(*part_.signals, part_.record(row), start, options_.samples, part_.scaler, signals);
      signals += leads * options_.samples;
      targets = std::ranges::copy(part_.labels->training_targets(part_.rows[row]), targets).out;
      *rows++ = row;
    }
    if (part_.demographics != nullptr) batch.demographics = DemographicsOf(part_, segments);
    std::copy_n(list_.uniform.begin() + first * list_.numbers, size * list_.numbers, batch.uniform.data_ptr<float>());
    return batch;
  }

  const SplitPart& part_;
  const BatchOptions options_;
  const std::vector<int> ends_;
  const SegmentList list_;
  const int count_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, Batch> ready_;
  std::exception_ptr error_;
  int next_ = 0;       // the next batch to load
  int delivered_ = 0;  // batches that Next returned
  bool stopped_ = false;
  double wait_seconds_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace ecg

#endif  // ECG_BATCH_HOST_BATCHES_H_

// training_batches.h
//
// The batches of one epoch of training, made by other threads while the network computes.
//
//   TrainingBatches batches(part, {.epoch = 3, .batch_size = 64, .crop_samples = 1250, .seed = 1});
//   while (std::optional<Batch> batch = batches.Next()) { ... }

#ifndef ECG_BATCH_TRAINING_BATCHES_H_
#define ECG_BATCH_TRAINING_BATCHES_H_

#include <torch/torch.h>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/standardise.h"
#include "ecg/terminal/stopwatch.h"

namespace ecg {

// TrainingBatches gives the batches of one epoch in order, on the CPU: of the epoch's TrainingCrops as many as fill
// whole batches.
class TrainingBatches {
 public:
  struct Options {
    int epoch = 1;
    int batch_size = 64;
    int crop_samples = 1250;
    uint64_t seed = 1;
    // Threads that make batches. The batches do not depend on it.
    int threads = 1;
  };

  // `part` must outlive the batches.
  TrainingBatches(const SplitPart& part, const Options& options)
      : part_(part),
        options_(options),
        count_(part.size() / options.batch_size),
        crops_(TrainingCrops(part, options.seed, options.epoch, options.crop_samples)) {
    for (int i = 0; i < options.threads; ++i) threads_.emplace_back([this] { Work(); });
  }
  TrainingBatches(const TrainingBatches&) = delete;
  TrainingBatches& operator=(const TrainingBatches&) = delete;
  ~TrainingBatches() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // count returns the number of batches in the epoch.
  int count() const { return count_; }

  // crops returns the crops of the epoch, those of a short last batch too.
  const std::vector<Segment>& crops() const { return crops_; }

  // wait_seconds returns how long Next has waited for batches so far.
  double wait_seconds() const { return wait_seconds_; }

  // Next returns the next batch, or nothing when the epoch is over.
  std::optional<Batch> Next() {
    if (given_ == count_) return std::nullopt;
    const Stopwatch stopwatch;
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return ready_.contains(given_); });
    Batch batch = std::move(ready_.extract(given_).mapped());
    ++given_;
    lock.unlock();
    changed_.notify_all();
    wait_seconds_ += stopwatch.seconds();
    return batch;
  }

 private:
  void Work() {
    while (true) {
      int index;
      {
        // Two batches a thread are enough to keep the network busy, and bound the memory.
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return stopped_ || next_ == count_ || next_ < given_ + 2 * options_.threads; });
        if (stopped_ || next_ == count_) return;
        index = next_++;
      }
      Batch batch = Make(index);
      {
        const std::lock_guard lock(mutex_);
        ready_.emplace(index, std::move(batch));
      }
      changed_.notify_all();
    }
  }

  Batch Make(int index) const {
    const int leads = part_.signals->leads(), crop = options_.crop_samples, classes = part_.classes();
    Batch batch = {torch::empty({options_.batch_size, leads, crop}), torch::empty({options_.batch_size, classes})};
    float* signals = batch.signals.data_ptr<float>();
    float* targets = batch.targets.data_ptr<float>();
    const size_t size = options_.batch_size;
    const std::span of_batch = std::span(crops_).subspan(index * size, size);
    WillRead(part_, of_batch);
    for (const auto& [row, start] : of_batch) {
      Standardise(*part_.signals, part_.record(row), start, crop, part_.scaler, signals);
      signals += leads * crop;
      targets = std::ranges::copy(part_.labels->row(part_.rows[row]), targets).out;
    }
    return batch;
  }

  const SplitPart& part_;
  const Options options_;
  const int count_;
  const std::vector<Segment> crops_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, Batch> ready_;
  int next_ = 0;   // the first batch that no thread has taken on
  int given_ = 0;  // the first batch that Next has not given
  bool stopped_ = false;
  double wait_seconds_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace ecg

#endif  // ECG_BATCH_TRAINING_BATCHES_H_

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
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "ecg/batch/split_part.h"
#include "ecg/batch/standardise.h"
#include "ecg/batch/window.h"
#include "ecg/report/stopwatch.h"

namespace ecg {

// Batch is the input of one training step, on the CPU.
struct Batch {
  // Standardised crops, float32 [B, C, L].
  torch::Tensor signals;
  // 1 where the crop's record has the class, else 0; float32 [B, K].
  torch::Tensor targets;
};

// TrainingBatches gives the batches of one epoch in order: each record of the part once, in an order and with a crop
// that depend on (seed, epoch, record) alone. A record that is shorter than the crop has zeros behind it. A last batch
// that would be shorter than the others is left out.
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
      : part_(part), options_(options), count_(part.size() / options.batch_size) {
    std::vector<int> indices(part.size());
    for (int i = 0; i < part.size(); ++i) indices[i] = i;
    order_ = ShuffledRows(options.seed, options.epoch, std::move(indices));
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
    for (int i = 0; i < options_.batch_size; ++i, signals += leads * crop, targets += classes) {
      const int row = order_[index * options_.batch_size + i];
      const int record = part_.record(row);
      const int start = CropStart(options_.seed, options_.epoch, record, part_.signals->samples(record), crop);
      Standardise(*part_.signals, record, start, crop, part_.scaler, signals);
      std::ranges::copy(part_.labels->row(part_.rows[row]), targets);
    }
    return batch;
  }

  const SplitPart& part_;
  const Options options_;
  const int count_;
  std::vector<int> order_;

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

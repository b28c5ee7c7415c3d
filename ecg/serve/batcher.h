// batcher.h
//
// Signals of many requests predicted together: whoever comes within a few milliseconds shares a batch, which the
// network reads faster than one signal after the other.
//
//   Batcher batcher(predictor, {.latency = std::chrono::milliseconds(5)});
//   // In any number of threads:
//   absl::StatusOr<Prediction> prediction = batcher.Predict(signal, std::chrono::seconds(30));

#ifndef ECG_SERVE_BATCHER_H_
#define ECG_SERVE_BATCHER_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/predict/predictor.h"
#include "ecg/signal/signal.h"

namespace ecg {

// BatcherOptions bound the time and the memory that waiting signals take.
struct BatcherOptions {
  // How long the first signal of a batch waits for others.
  std::chrono::milliseconds latency = std::chrono::milliseconds(5);
  // Signals in a batch.
  size_t batch_signals = 16;
  // Signals that may wait; one more is refused.
  size_t waiting_signals = 256;
};

// Batcher predicts in a thread of its own.
class Batcher {
 public:
  Batcher(Predictor predictor, const BatcherOptions& options)
      : predictor_(std::move(predictor)), options_(options), thread_([this] { Work(); }) {}
  Batcher(const Batcher&) = delete;
  Batcher& operator=(const Batcher&) = delete;
  // Waiting signals are predicted first.
  ~Batcher() {
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  // Predict returns what the model says of `signal`: ResourceExhausted where too many wait, DeadlineExceeded after
  // `timeout`.
  absl::StatusOr<Prediction> Predict(Signal signal, std::chrono::milliseconds timeout) {
    if (absl::Status status = predictor_.Check(signal); !status.ok()) return status;
    std::future<absl::StatusOr<Prediction>> result;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.size() >= options_.waiting_signals) {
        return absl::ResourceExhaustedError(absl::StrCat(waiting_.size(), " recordings wait already; try again later"));
      }
      waiting_.push_back({std::move(signal), {}});
      result = waiting_.back().result.get_future();
    }
    changed_.notify_all();
    if (result.wait_for(timeout) == std::future_status::ready) return result.get();
    return absl::DeadlineExceededError(absl::StrCat("no prediction within ", timeout.count(), " ms"));
  }

  // waiting returns how many signals wait.
  size_t waiting() const {
    const std::lock_guard lock(mutex_);
    return waiting_.size();
  }
  // batches and signals return how many were predicted so far.
  int64_t batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  int64_t signals() const {
    const std::lock_guard lock(mutex_);
    return signals_;
  }

 private:
  struct Request {
    Signal signal;
    std::promise<absl::StatusOr<Prediction>> result;
  };

  // NextBatch waits for the first request, and then a little for more. It is empty at the end.
  std::deque<Request> NextBatch() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_stopping_ || !waiting_.empty(); });
    changed_.wait_for(lock, options_.latency,
                      [this] { return is_stopping_ || waiting_.size() >= options_.batch_signals; });
    std::deque<Request> batch;
    while (!waiting_.empty() && batch.size() < options_.batch_signals) {
      batch.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    if (!batch.empty()) ++batches_;
    signals_ += static_cast<int64_t>(batch.size());
    return batch;
  }

  void Work() {
    for (std::deque<Request> batch = NextBatch(); !batch.empty(); batch = NextBatch()) {
      std::vector<Signal> signals;
      for (Request& request : batch) signals.push_back(std::move(request.signal));
      absl::StatusOr<std::vector<Prediction>> all = predictor_.PredictAll(signals);
      for (size_t i = 0; i < batch.size(); ++i) {
        if (all.ok()) {
          batch[i].result.set_value(std::move((*all)[i]));
        } else {
          batch[i].result.set_value(all.status());
        }
      }
    }
  }

  const Predictor predictor_;
  const BatcherOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  bool is_stopping_ = false;
  int64_t batches_ = 0, signals_ = 0;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ecg

#endif  // ECG_SERVE_BATCHER_H_

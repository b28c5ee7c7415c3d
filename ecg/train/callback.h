// callback.h
//
// What is called while a network is trained: the console, history.csv, early stopping, and your own.
//
// To write one of your own, give a type a `Spec`, a constructor from it and any of
//
//   void BeginTraining(const TrainingProgress& progress);
//   void BeginEpoch(const TrainingProgress& progress);
//   void EndStep(const TrainingProgress& progress);      // gradients are those of the step, before the next is taken
//   void EndBatches(const TrainingProgress& progress);   // of this epoch; validation follows
//   void EndEpoch(const TrainingProgress& progress);     // progress.state.history() ends with this epoch
//   void EndTraining(const TrainingProgress& progress);
//
// Each may return nothing, a bool (true asks training to stop after this epoch) or an absl::Status (an error stops it).

#ifndef ECG_TRAIN_CALLBACK_H_
#define ECG_TRAIN_CALLBACK_H_

#include <filesystem>
#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/model/network.h"
#include "ecg/spec/part_registry.h"
#include "proto/run.pb.h"

namespace ecg {

class Optimizer;  // ecg/train/optimizer.h

// TrainingProgress is where a training stands.
struct TrainingProgress {
  Network& network;
  const Optimizer& optimizer;
  const run::TrainingState& state;
  // From 1.
  int epoch = 0;
  int epochs = 0;
  // Steps of this epoch that are done, and of all.
  int step = 0;
  int steps = 0;
  // Loss of a crop, in the last step; on a CUDA device of a step not long ago.
  double loss = 0;
};

// AnyCallback is a callback whose type is known when the program runs. Each function returns whether to stop.
class AnyCallback {
 public:
  using Answer = absl::StatusOr<bool>;

  virtual ~AnyCallback() = default;
  virtual Answer BeginTraining(const TrainingProgress&) { return false; }
  virtual Answer BeginEpoch(const TrainingProgress&) { return false; }
  virtual Answer EndStep(const TrainingProgress&) { return false; }
  virtual Answer EndBatches(const TrainingProgress&) { return false; }
  virtual Answer EndEpoch(const TrainingProgress&) { return false; }
  virtual Answer EndTraining(const TrainingProgress&) { return false; }
};

namespace callback_internal {

// AnswerOf calls `function` and returns what it answers.
template <typename Function>
AnyCallback::Answer AnswerOf(const Function& function) {
  using Result = decltype(function());
  if constexpr (std::is_void_v<Result>) {
    function();
    return false;
  } else if constexpr (std::is_same_v<Result, bool>) {
    return function();
  } else {
    const absl::Status status = function();
    if (!status.ok()) return status;
    return false;
  }
}

}  // namespace callback_internal

// Callback is the concept: a type with any of the functions.
template <typename C>
concept Callback = requires(C& c, const TrainingProgress& progress) {
  c.BeginTraining(progress);
}
|| requires(C& c, const TrainingProgress& progress) { c.BeginEpoch(progress); }
|| requires(C& c, const TrainingProgress& progress) { c.EndStep(progress); }
|| requires(C& c, const TrainingProgress& progress) { c.EndBatches(progress); }
|| requires(C& c, const TrainingProgress& progress) { c.EndEpoch(progress); }
|| requires(C& c, const TrainingProgress& progress) { c.EndTraining(progress); };

// CallbackContext is what a callback may be made from beside its spec.
struct CallbackContext {
  // The run's folder.
  std::filesystem::path folder;
};

// Callbacks is the kind of part.
struct Callbacks {
  static constexpr char kName[] = "callbacks";
  using Interface = AnyCallback;
  using Context = CallbackContext;

  template <Callback C>
  static std::unique_ptr<AnyCallback> Erase(C callback) {
#define ECG_FORWARD_(Function)                                                         \
  Answer Function(const TrainingProgress& progress) override {                         \
    if constexpr (requires { callback.Function(progress); })                           \
      return callback_internal::AnswerOf([&] { return callback.Function(progress); }); \
    return false;                                                                      \
  }
    struct Erased : AnyCallback {
      explicit Erased(C part) : callback(std::move(part)) {}
      ECG_FORWARD_(BeginTraining)
      ECG_FORWARD_(BeginEpoch)
      ECG_FORWARD_(EndStep)
      ECG_FORWARD_(EndBatches)
      ECG_FORWARD_(EndEpoch)
      ECG_FORWARD_(EndTraining)
      C callback;
    };
#undef ECG_FORWARD_
    return std::make_unique<Erased>(std::move(callback));
  }
};

}  // namespace ecg

#endif  // ECG_TRAIN_CALLBACK_H_

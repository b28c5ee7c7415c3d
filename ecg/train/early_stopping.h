// early_stopping.h
//
// Stops a training whose validation score no longer improves. It is a callback.

#ifndef ECG_TRAIN_EARLY_STOPPING_H_
#define ECG_TRAIN_EARLY_STOPPING_H_

#include "ecg/train/callback.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// PatienceExhausted returns whether `state` has had as many validations without improvement as `spec` allows.
inline bool PatienceExhausted(const run::TrainingState& state, const spec::EarlyStopping& spec) {
  return state.validations_without_improvement() >= spec.patience();
}

// EarlyStopping asks for a stop after so many validations in a row without a better score.
class EarlyStopping {
 public:
  using Spec = spec::EarlyStopping;
  explicit EarlyStopping(const Spec& spec) : spec_(spec) {}

  // A run that is resumed after it stopped stops at once.
  bool BeginTraining(const TrainingProgress& progress) { return PatienceExhausted(progress.state, spec_); }
  bool EndEpoch(const TrainingProgress& progress) { return PatienceExhausted(progress.state, spec_); }

 private:
  Spec spec_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_EARLY_STOPPING_H_

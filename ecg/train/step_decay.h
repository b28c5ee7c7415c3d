// step_decay.h
//
// A schedule: the learning rate is multiplied by a factor after every so many epochs.

#ifndef ECG_TRAIN_STEP_DECAY_H_
#define ECG_TRAIN_STEP_DECAY_H_

#include <cmath>
#include <cstdint>

#include "ecg/train/schedule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// StepDecay is factor^n after n * every_epochs epochs.
class StepDecay {
 public:
  using Spec = spec::StepDecay;
  static constexpr bool kDependsOnEpochs = false;
  explicit StepDecay(const Spec& spec = {}) : every_epochs_(spec.every_epochs()), factor_(spec.factor()) {}

  double Factor(int64_t step, const ScheduleSteps& steps) const {
    return std::pow(factor_, static_cast<double>(step / (steps.in_epoch * every_epochs_)));
  }

 private:
  int every_epochs_;
  double factor_;
};

static_assert(Schedule<StepDecay>);

}  // namespace ecg

#endif  // ECG_TRAIN_STEP_DECAY_H_

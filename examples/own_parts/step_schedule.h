// step_schedule.h
//
// A schedule: the learning rate is multiplied with `factor` after each so many epochs.

#ifndef EXAMPLES_OWN_PARTS_STEP_SCHEDULE_H_
#define EXAMPLES_OWN_PARTS_STEP_SCHEDULE_H_

#include <cmath>
#include <cstdint>

#include "ecg/spec/own_values.h"
#include "ecg/train/schedule.h"
#include "proto/experiment.pb.h"

namespace my {

class StepSchedule {
 public:
  using Spec = ecg::spec::Own;
  static constexpr bool kDependsOnEpochs = false;  // a run may be resumed with more

  explicit StepSchedule(const Spec& spec) {
    const ecg::OwnValues values(spec, {{"factor", 0.1}, {"every_epochs", 10}});
    factor_ = values.Number("factor", 0, 1);
    every_epochs_ = values.Whole("every_epochs", 1, 100000);
  }

  double Factor(int64_t step, const ecg::ScheduleSteps& steps) const {
    return std::pow(factor_, static_cast<double>(step / (steps.in_epoch * every_epochs_)));
  }

 private:
  double factor_;
  int every_epochs_;
};

static_assert(ecg::Schedule<StepSchedule>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_STEP_SCHEDULE_H_

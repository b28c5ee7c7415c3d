// plateau.h
//
// A schedule: the learning rate is reduced when the validation score no longer improves, as by PyTorch's
// ReduceLROnPlateau. It is a function of the scores so far, which are in the checkpoint, so that a resumed run goes on
// as if it had not been stopped.

#ifndef ECG_TRAIN_PLATEAU_H_
#define ECG_TRAIN_PLATEAU_H_

#include <algorithm>
#include <cstdint>
#include <limits>

#include "ecg/train/schedule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Plateau multiplies the learning rate by `factor` once more than `patience` validations in a row have not exceeded the
// best score by more than `min_improvement`, and then counts again.
class Plateau {
 public:
  using Spec = spec::Plateau;
  static constexpr bool kDependsOnEpochs = false;
  explicit Plateau(const Spec& spec = {}) : spec_(spec) {}

  double Factor(int64_t /*step*/, const ScheduleSteps& steps) const {
    double factor = 1, best = -std::numeric_limits<double>::infinity();
    int without_improvement = 0;
    for (const double score : steps.validation_scores) {
      if (score > best + spec_.min_improvement()) {
        best = score;
        without_improvement = 0;
      } else if (++without_improvement > spec_.patience()) {
        factor *= spec_.factor();
        without_improvement = 0;
      }
    }
    return std::max(factor, spec_.end_share());
  }

 private:
  Spec spec_;
};

static_assert(Schedule<Plateau>);

}  // namespace ecg

#endif  // ECG_TRAIN_PLATEAU_H_

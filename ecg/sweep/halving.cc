#include "ecg/sweep/halving.h"

#include <algorithm>
#include <cmath>

#include "ecg/train/plateau.h"
#include "ecg/train/schedule.h"
#include "ecg/train/step_decay.h"
#include "proto/experiment.pb.h"
#include "proto/sweep.pb.h"

namespace ecg {

int Rungs(const spec::Search& search) { return search.has_halving() ? search.halving().rungs() : 1; }

int BracketSize(const spec::Search& search) {
  int size = 1;
  for (int rung = 1; rung < Rungs(search); ++rung) size *= search.halving().factor();
  return size;
}

int RungEpochs(const spec::Search& search, int epochs, int rung) {
  double share = 1;
  for (int above = rung + 1; above < Rungs(search); ++above) share /= search.halving().factor();
  return std::max(1, static_cast<int>(std::lround(epochs * share)));
}

bool DependsOnEpochs(const spec::Experiment& spec) {
  if (spec.training().averaged_weights().last_epochs() > 0) return true;
  switch (spec.training().optimizer().schedule_case()) {
    case spec::Optimizer::kConstant:
    case spec::Optimizer::SCHEDULE_NOT_SET:
      return Constant::kDependsOnEpochs;
    case spec::Optimizer::kStepDecay:
      return StepDecay::kDependsOnEpochs;
    case spec::Optimizer::kPlateau:
      return Plateau::kDependsOnEpochs;
    default:
      return true;
  }
}

}  // namespace ecg

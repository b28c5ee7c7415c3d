// rand_augment.h
//
// Augmentation: RandAugment (Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced
// search space", arXiv:1909.13719), a few of the other augmentations drawn for each crop, all of the same strength.

#ifndef ECG_BATCH_RAND_AUGMENT_H_
#define ECG_BATCH_RAND_AUGMENT_H_

#include <utility>

#include "ecg/batch/amplitude_scale.h"
#include "ecg/batch/augmentation.h"
#include "ecg/batch/baseline_wander.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/lead_mask.h"
#include "ecg/batch/muscle_noise.h"
#include "ecg/batch/powerline_noise.h"
#include "ecg/batch/time_mask.h"
#include "ecg/batch/time_stretch.h"
#include "proto/experiment.pb.h"

namespace ecg {

// RandAugment applies `count` different ones to each crop, in the order of the list. What a recorded step does cannot
// depend on random numbers, so each is computed for all crops, and kept for those that drew it.
class RandAugment {
 public:
  using Spec = spec::RandAugment;
  RandAugment(const Spec& spec, const AugmentationContext& context) : count_(spec.count()) {
    const double m = spec.magnitude();
    spec::AmplitudeScale scale;
    scale.set_low(1 - m * (1 - scale.low()));
    scale.set_high(1 + m * (scale.high() - 1));
    Add(AmplitudeScale(scale, context));
    spec::BaselineWander wander;
    wander.set_most_mv(m * wander.most_mv());
    Add(BaselineWander(wander, context));
    spec::PowerlineNoise powerline;
    powerline.set_most_mv(m * powerline.most_mv());
    if (context.sampling_frequency_hz > 2 * powerline.frequency_hz()) Add(PowerlineNoise(powerline, context));
    spec::MuscleNoise muscle;
    muscle.set_most_mv(m * muscle.most_mv());
    Add(MuscleNoise(muscle, context));
    spec::TimeStretch stretch;
    stretch.set_most_share(m * stretch.most_share());
    Add(TimeStretch(stretch));
    spec::TimeMask time;
    time.set_most_share(m * time.most_share());
    Add(TimeMask(time));
    spec::LeadMask lead;
    lead.set_probability(m * lead.probability());
    Add(LeadMask(lead));
  }

  // One to draw each augmentation by, and its own.
  int numbers() const { return choices() + NumbersOf(list_); }

  void Apply(const at::Tensor& uniform, Batch& batch) const {
    // The `count` smallest numbers win: [B, choices].
    const at::Tensor draws = uniform.narrow(1, 0, choices());
    const at::Tensor drawn = draws.unsqueeze(2).gt(draws.unsqueeze(1)).sum(2).lt(count_);
    int first = choices();
    for (int i = 0; i < choices(); ++i) {
      const at::Tensor before = batch.signals;
      list_[i]->Apply(uniform.narrow(1, first, list_[i]->numbers()), batch);
      batch.signals = at::where(drawn.select(1, i).view({-1, 1, 1}), batch.signals, before);
      first += list_[i]->numbers();
    }
  }

  // choices returns how many augmentations there are to draw from.
  int choices() const { return static_cast<int>(list_.size()); }

 private:
  template <Augmentation A>
  void Add(A augmentation) {
    list_.push_back(Augmentations::Erase(std::move(augmentation)));
  }

  const int count_;
  AugmentationList list_;
};

static_assert(Augmentation<RandAugment>);

}  // namespace ecg

#endif  // ECG_BATCH_RAND_AUGMENT_H_

// schedule.h
//
// How the learning rate changes from step to step.
//
// To write one of your own, give a type a `Spec`, a constructor from it and
//
//   // What optimizer.learning_rate is multiplied with at `step`, from 0, of `steps.total`.
//   double Factor(int64_t step, const ScheduleSteps& steps) const;
//
// and, where it is wanted,
//
//   // The momentum, Adam's beta1, at `step`.
//   double Momentum(int64_t step, const ScheduleSteps& steps) const;
//   // Whether the factor depends on the number of epochs, so that a run cannot be resumed with another. Default true.
//   static constexpr bool kDependsOnEpochs = false;

#ifndef ECG_TRAIN_SCHEDULE_H_
#define ECG_TRAIN_SCHEDULE_H_

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <memory>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

#include "ecg/spec/part_registry.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ScheduleSteps is how long a training is, and how it went so far.
struct ScheduleSteps {
  int64_t in_epoch = 0;
  int64_t total = 0;  // of all epochs
  // The scores of the validations before this epoch, in order; larger is better.
  std::vector<double> validation_scores = {};
};

// Schedule is the concept.
template <typename S>
concept Schedule = requires(const S& schedule, int64_t step, const ScheduleSteps& steps) {
  typename S::Spec;
  { schedule.Factor(step, steps) } -> std::convertible_to<double>;
};

// AnySchedule is a schedule whose type is known when the program runs.
class AnySchedule {
 public:
  virtual ~AnySchedule() = default;
  virtual double Factor(int64_t step, const ScheduleSteps& steps) const = 0;
  virtual std::optional<double> Momentum(int64_t step, const ScheduleSteps& steps) const = 0;
  virtual bool depends_on_epochs() const = 0;
};

// Schedules is the kind of part.
struct Schedules {
  static constexpr char kName[] = "schedules";
  using Interface = AnySchedule;
  using Context = NoContext;

  template <Schedule S>
  static std::unique_ptr<AnySchedule> Erase(S schedule) {
    struct Erased : AnySchedule {
      explicit Erased(S part) : schedule(std::move(part)) {}
      double Factor(int64_t step, const ScheduleSteps& steps) const override { return schedule.Factor(step, steps); }
      std::optional<double> Momentum(int64_t step, const ScheduleSteps& steps) const override {
        if constexpr (requires { schedule.Momentum(step, steps); }) return schedule.Momentum(step, steps);
        return std::nullopt;
      }
      bool depends_on_epochs() const override {
        if constexpr (requires { S::kDependsOnEpochs; }) return S::kDependsOnEpochs;
        return true;
      }
      const S schedule;
    };
    return std::make_unique<Erased>(std::move(schedule));
  }
};

// Constant leaves the learning rate as it is.
struct Constant {
  using Spec = spec::Constant;
  static constexpr bool kDependsOnEpochs = false;
  explicit Constant(const Spec& = {}) {}

  double Factor(int64_t, const ScheduleSteps&) const { return 1; }
};

// CosineBetween goes from `begin` to `end` along half a cosine as `share` goes from 0 to 1.
inline double CosineBetween(double begin, double end, double share) {
  return end + (begin - end) * (1 + std::cos(std::numbers::pi * std::clamp(share, 0.0, 1.0))) / 2;
}

// OneCycle rises along a cosine and falls along a cosine; momentum does the opposite (fastai's fit_one_cycle).
class OneCycle {
 public:
  using Spec = spec::OneCycle;
  explicit OneCycle(const Spec& spec = {}) : spec_(spec) {}

  double Factor(int64_t step, const ScheduleSteps& steps) const {
    return Between(step, steps, 1 / spec_.start_divisor(), 1, 1 / spec_.end_divisor());
  }
  double Momentum(int64_t step, const ScheduleSteps& steps) const {
    return Between(step, steps, spec_.high_momentum(), spec_.low_momentum(), spec_.high_momentum());
  }

 private:
  double Between(int64_t step, const ScheduleSteps& steps, double begin, double middle, double end) const {
    const double share = static_cast<double>(step) / steps.total, warmup = spec_.warmup_share();
    return share < warmup ? CosineBetween(begin, middle, share / warmup)
                          : CosineBetween(middle, end, (share - warmup) / (1 - warmup));
  }

  Spec spec_;
};

// Cosine rises linearly, and falls along half a cosine.
class Cosine {
 public:
  using Spec = spec::Cosine;
  explicit Cosine(const Spec& spec = {}) : spec_(spec) {}

  double Factor(int64_t step, const ScheduleSteps& steps) const {
    const double warmup = spec_.warmup_epochs() * steps.in_epoch;
    if (step < warmup) return (step + 1) / (warmup + 1);
    return CosineBetween(1, spec_.end_share(), (step - warmup) / std::max(1.0, steps.total - warmup));
  }

 private:
  Spec spec_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_SCHEDULE_H_

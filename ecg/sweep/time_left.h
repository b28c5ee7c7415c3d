// time_left.h
//
// An estimate of the time that the unfinished runs of a sweep take, from the finished ones.
//
//   TimeLeft time;
//   time.Add(plan.runs[0], 93.5);
//   time.Of(plan.runs[1]);   // seconds; none before the first Add

#ifndef ECG_SWEEP_TIME_LEFT_H_
#define ECG_SWEEP_TIME_LEFT_H_

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "ecg/sweep/plan.h"

namespace ecg {

// TimeLeft holds the times of finished runs.
class TimeLeft {
 public:
  void Add(const PlannedRun& run, double seconds) { known_.emplace_back(&run, seconds); }

  // Of returns the mean of the known runs that are most like `run`: of those with the same experiment if there is one,
  // those with the most values in common.
  std::optional<double> Of(const PlannedRun& run) const {
    int most = -1, runs = 0;
    double sum = 0;
    for (const auto& [other, seconds] : known_) {
      int alike = other->experiment == run.experiment ? static_cast<int>(run.values.size()) + 1 : 0;
      for (size_t a = 0; a < run.values.size(); ++a) alike += run.values[a] == other->values[a];
      if (alike < most) continue;
      if (alike > most) most = alike, runs = 0, sum = 0;
      ++runs;
      sum += seconds;
    }
    return runs > 0 ? std::optional(sum / runs) : std::nullopt;
  }

 private:
  std::vector<std::pair<const PlannedRun*, double>> known_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_TIME_LEFT_H_

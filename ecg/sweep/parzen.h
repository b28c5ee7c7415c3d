// parzen.h
//
// The density of a number in an interval, estimated from points: the Parzen estimator of Bergstra et al. 2011,
// "Algorithms for Hyper-Parameter Optimization", section 4.2.
//
//   const ParzenEstimator estimator(/*low=*/0, /*high=*/1, {0.2, 0.25});
//   Random random({/*seed=*/1});
//   const double x = estimator.Draw(random);
//   estimator.Density(x);

#ifndef ECG_SWEEP_PARZEN_H_
#define ECG_SWEEP_PARZEN_H_

#include <vector>

#include "ecg/random/random.h"

namespace ecg {

// ParzenEstimator is the mixture, with equal weights, of the uniform density on [low, high] and of a normal density
// around each point, cut off at `low` and `high`. The standard deviation of a point's is the larger of its distances to
// its neighbours, where `low` and `high` are neighbours too, but at least (high - low) / min(100, points + 2).
class ParzenEstimator {
 public:
  // `low` must be below `high`, and the points between them.
  ParzenEstimator(double low, double high, std::vector<double> points);

  // Density returns the density at `x`, which is between `low` and `high`.
  double Density(double x) const;

  // Mass returns the probability of the numbers from `a` to `b`, both between `low` and `high`.
  double Mass(double a, double b) const;

  // Draw returns a random number between `low` and `high` with this density.
  double Draw(Random& random) const;

  // deviations returns the standard deviation of each point, the points in ascending order.
  const std::vector<double>& deviations() const { return deviations_; }

 private:
  const double low_, high_;
  std::vector<double> points_;  // ascending
  std::vector<double> deviations_;
};

}  // namespace ecg

#endif  // ECG_SWEEP_PARZEN_H_

#include "ecg/sweep/parzen.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

#include "ecg/random/random.h"

namespace ecg {
namespace {

// Probability that a standard normal number is below `z`.
double NormalBelow(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

// Probability that it is between `a` and `b`, exact also far from 0.
double NormalBetween(double a, double b) {
  if (a > 0) return NormalBelow(-a) - NormalBelow(-b);
  return NormalBelow(b) - NormalBelow(a);
}

double NormalDensity(double z) { return std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi); }

// A standard normal number (Box and Muller 1958).
double NormalNumber(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.Uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.Uniform());
}

}  // namespace

ParzenEstimator::ParzenEstimator(double low, double high, std::vector<double> points)
    : low_(low), high_(high), points_(std::move(points)) {
  std::ranges::sort(points_);
  const size_t count = points_.size();
  const double smallest = (high - low) / std::min<double>(100, static_cast<double>(count) + 2);
  for (size_t i = 0; i < count; ++i) {
    const double left = points_[i] - (i == 0 ? low : points_[i - 1]);
    const double right = (i + 1 == count ? high : points_[i + 1]) - points_[i];
    deviations_.push_back(std::max({left, right, smallest}));
  }
}

double ParzenEstimator::Density(double x) const {
  double sum = 1 / (high_ - low_);
  for (size_t i = 0; i < points_.size(); ++i) {
    const double deviation = deviations_[i];
    const double inside = NormalBetween((low_ - points_[i]) / deviation, (high_ - points_[i]) / deviation);
    sum += NormalDensity((x - points_[i]) / deviation) / (deviation * inside);
  }
  return sum / (static_cast<double>(points_.size()) + 1);
}

double ParzenEstimator::Mass(double a, double b) const {
  double sum = (b - a) / (high_ - low_);
  for (size_t i = 0; i < points_.size(); ++i) {
    const auto between = [&](double from, double to) {
      return NormalBetween((from - points_[i]) / deviations_[i], (to - points_[i]) / deviations_[i]);
    };
    sum += between(a, b) / between(low_, high_);
  }
  return sum / (static_cast<double>(points_.size()) + 1);
}

double ParzenEstimator::Draw(Random& random) const {
  const size_t component = random.Below(points_.size() + 1);
  if (component == points_.size()) return low_ + random.Uniform() * (high_ - low_);
  // The point is in the interval, and the deviation at most as long as it: at least a third of the draws are inside.
  while (true) {
    const double x = points_[component] + deviations_[component] * NormalNumber(random);
    if (x >= low_ && x <= high_) return x;
  }
}

}  // namespace ecg

// quantile.h
//
// The quantile of a sample.
//
//   Quantile({3, 1, 2}, 0.5);   // 2

#ifndef ECG_SCORE_QUANTILE_H_
#define ECG_SCORE_QUANTILE_H_

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ecg {

// Quantile returns the value below which a `fraction`, 0 to 1, of `values` lies, linear between the two nearest order
// statistics (numpy's default; type 7 of Hyndman and Fan 1996). `values` must not be empty.
inline double Quantile(std::vector<double> values, double fraction) {
  assert(!values.empty() && fraction >= 0 && fraction <= 1);
  std::sort(values.begin(), values.end());
  const double place = fraction * (values.size() - 1);
  const size_t below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - below) * (values[above] - values[below]);
}

}  // namespace ecg

#endif  // ECG_SCORE_QUANTILE_H_

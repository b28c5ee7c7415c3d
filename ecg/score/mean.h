// mean.h
//
// The mean of a number of each record, and its interval: the percentile bootstrap over records (Efron 1979).
//
//   ECG_ASSIGN_OR_RETURN(BootstrapInterval interval, BootstrapMean({0.25, 0.5, 1}, {.resamples = 100, .seed = 7}));

#ifndef ECG_SCORE_MEAN_H_
#define ECG_SCORE_MEAN_H_

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/random/random.h"
#include "ecg/score/bootstrap.h"
#include "ecg/score/quantile.h"

namespace ecg {

// MeanOf returns the mean of `numbers`, of which there is at least one.
inline double MeanOf(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

// BootstrapMean returns the interval of the mean of `numbers`, one of each record.
inline absl::StatusOr<BootstrapInterval> BootstrapMean(const std::vector<double>& numbers,
                                                       const BootstrapOptions& options = {}) {
  if (options.resamples < 1 || numbers.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot bootstrap ", numbers.size(), " records with ", options.resamples, " resamples"));
  }
  BootstrapInterval interval;
  interval.resamples = options.resamples;
  for (int number = 0; number < options.resamples; ++number) {
    Random random({options.seed, static_cast<uint64_t>(number)});
    std::vector<double> resample;
    for (size_t i = 0; i < numbers.size(); ++i) resample.push_back(numbers[random.Below(numbers.size())]);
    interval.scores.push_back(MeanOf(resample));
  }
  interval.mean = MeanOf(interval.scores);
  interval.low = Quantile(interval.scores, options.low_quantile);
  interval.high = Quantile(interval.scores, options.high_quantile);
  return interval;
}

}  // namespace ecg

#endif  // ECG_SCORE_MEAN_H_

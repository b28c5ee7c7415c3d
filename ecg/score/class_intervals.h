// class_intervals.h
//
// The interval of each class's ROC-AUC: the percentile bootstrap over records, on the same resamples for all classes.
//
//   const std::vector<std::optional<ClassInterval>> intervals = RocAucIntervals(ranked, {.resamples = 500, .seed = 1});
//   if (intervals[0]) std::cout << intervals[0]->low << " to " << intervals[0]->high;

#ifndef ECG_SCORE_CLASS_INTERVALS_H_
#define ECG_SCORE_CLASS_INTERVALS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "ecg/score/bootstrap.h"
#include "ecg/score/quantile.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/resampler.h"
#include "ecg/score/roc_auc.h"

namespace ecg {

// ClassInterval is from the low to the high quantile of BootstrapOptions.
struct ClassInterval {
  double low = 0, high = 0;
};

// RocAucIntervals returns the interval of each class; none for a class without a positive or without a negative. See
// resampler.h for how resamples are drawn: a record that is a class's only positive is in all of them, so that the
// interval of such a class tells only how the negatives vary.
inline std::vector<std::optional<ClassInterval>> RocAucIntervals(const RankedPredictions& ranked,
                                                                 const BootstrapOptions& options) {
  const Resampler resampler(ranked, options.seed);
  std::vector<std::vector<double>> areas(ranked.classes().size());
  std::vector<uint32_t> multiplicities;
  for (int number = 0; number < options.resamples; ++number) {
    resampler.Draw(number, multiplicities);
    for (size_t k = 0; k < areas.size(); ++k) {
      const RankedClass& one = ranked.classes()[k];
      if (!one.scorable()) continue;
      if (const std::optional<double> area = RocAuc(one, multiplicities)) areas[k].push_back(*area);
    }
  }
  std::vector<std::optional<ClassInterval>> intervals;
  for (std::vector<double>& of_class : areas) {
    auto& interval = intervals.emplace_back();
    if (of_class.empty()) continue;
    interval = {Quantile(of_class, options.low_quantile), Quantile(of_class, options.high_quantile)};
  }
  return intervals;
}

}  // namespace ecg

#endif  // ECG_SCORE_CLASS_INTERVALS_H_

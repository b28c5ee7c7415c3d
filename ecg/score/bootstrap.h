// bootstrap.h
//
// The interval of macro ROC-AUC: the percentile bootstrap over records (Efron 1979).
//
//   ECG_ASSIGN_OR_RETURN(BootstrapInterval interval, BootstrapMacroRocAuc(ranked, {.resamples = 100, .seed = 7}));
//   interval.mean, interval.low, interval.high;    // 0.9118, 0.9035, 0.9204

#ifndef ECG_SCORE_BOOTSTRAP_H_
#define ECG_SCORE_BOOTSTRAP_H_

#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/score/quantile.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/resampler.h"
#include "ecg/score/roc_auc.h"

namespace ecg {

// BootstrapOptions are the number of resamples, their seed, and the quantiles.
struct BootstrapOptions {
  int resamples = 100;
  uint64_t seed = 0;
  double low_quantile = 0.05;
  double high_quantile = 0.95;
};

// BootstrapInterval is the spread of a score over resamples.
struct BootstrapInterval {
  double mean = 0;
  double low = 0;   // the low quantile
  double high = 0;  // the high quantile
  int resamples = 0;
  // The resamples, of those above, without a class that all records have: their score is the mean over the other
  // classes.
  int incomplete_resamples = 0;
  // The score of each resample, in the order of their numbers. With the same seed, two sets of predictions of the same
  // records have the same resamples, so that the differences of these scores are a paired bootstrap.
  std::vector<double> scores;
};

// BootstrapMacroRocAuc returns the interval of the mean ROC-AUC over the classes that can be scored; see resampler.h
// for how resamples are drawn. Fails if no class can be scored.
inline absl::StatusOr<BootstrapInterval> BootstrapMacroRocAuc(const RankedPredictions& ranked,
                                                              const BootstrapOptions& options = {}) {
  if (options.resamples < 1) {
    return absl::InvalidArgumentError(absl::StrCat("cannot bootstrap with ", options.resamples, " resamples"));
  }
  const Resampler resampler(ranked, options.seed);
  BootstrapInterval interval;
  interval.resamples = options.resamples;
  std::vector<uint32_t> multiplicities;
  for (int number = 0; number < options.resamples; ++number) {
    if (!resampler.Draw(number, multiplicities)) ++interval.incomplete_resamples;
    double sum = 0;
    int scored = 0;
    for (const RankedClass& one : ranked.classes()) {
      if (!one.scorable()) continue;
      const std::optional<double> roc_auc = RocAuc(one, multiplicities);
      if (!roc_auc.has_value()) continue;
      sum += *roc_auc;
      ++scored;
    }
    if (scored == 0) {
      return absl::FailedPreconditionError(absl::StrCat("cannot bootstrap ", ranked.records(), " records: none of ",
                                                        ranked.classes().size(),
                                                        " classes has both a positive and a negative among them"));
    }
    interval.scores.push_back(sum / scored);
  }
  interval.mean = std::accumulate(interval.scores.begin(), interval.scores.end(), 0.0) / interval.scores.size();
  interval.low = Quantile(interval.scores, options.low_quantile);
  interval.high = Quantile(interval.scores, options.high_quantile);
  return interval;
}

}  // namespace ecg

#endif  // ECG_SCORE_BOOTSTRAP_H_

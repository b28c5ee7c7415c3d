// brier_score.h
//
// A metric: the Brier score (1950), the mean squared difference of probability and truth over records and classes.
// Lower is better.

#ifndef EXAMPLES_OWN_PARTS_BRIER_SCORE_H_
#define EXAMPLES_OWN_PARTS_BRIER_SCORE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "ecg/score/metric.h"
#include "ecg/score/named_score.h"
#include "proto/experiment.pb.h"

namespace my {

class BrierScore {
 public:
  using Spec = ecg::spec::Own;
  explicit BrierScore(const Spec&) {}

  std::string name() const { return "brier_score"; }

  absl::StatusOr<double> Compute(const ecg::Predictions& predictions) const {
    double sum = 0;
    for (size_t i = 0; i < predictions.targets.size(); ++i) {
      const double difference = predictions.probabilities[i] - predictions.targets[i];
      sum += difference * difference;
    }
    return sum / static_cast<double>(predictions.targets.size());
  }
};

static_assert(ecg::Metric<BrierScore>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_BRIER_SCORE_H_

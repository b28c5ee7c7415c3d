// metric.h
//
// A figure of a set of predictions, beside the score by which weights are chosen: in history.csv after each validation,
// and in run.json.
//
// To write one of your own, give a type a `Spec`, a constructor from it and
//
//   // What the figure is called: a word of letters, digits and _.
//   std::string name() const;
//   absl::StatusOr<double> Compute(const Predictions& predictions) const;

#ifndef ECG_SCORE_METRIC_H_
#define ECG_SCORE_METRIC_H_

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "ecg/score/named_score.h"
#include "ecg/score/scores.h"
#include "ecg/spec/part_registry.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Metric is the concept.
template <typename M>
concept Metric = requires(const M& metric, const Predictions& predictions) {
  typename M::Spec;
  { metric.name() } -> std::convertible_to<std::string>;
  { metric.Compute(predictions) } -> std::same_as<absl::StatusOr<double>>;
};

// AnyMetric is a metric whose type is known when the program runs.
class AnyMetric {
 public:
  virtual ~AnyMetric() = default;
  virtual std::string name() const = 0;
  virtual absl::StatusOr<double> Compute(const Predictions& predictions) const = 0;
};

// Metrics is the kind of part.
struct Metrics {
  static constexpr char kName[] = "metrics";
  using Interface = AnyMetric;
  using Context = NoContext;

  template <Metric M>
  static std::unique_ptr<AnyMetric> Erase(M metric) {
    struct Erased : AnyMetric {
      explicit Erased(M part) : metric(std::move(part)) {}
      std::string name() const override { return metric.name(); }
      absl::StatusOr<double> Compute(const Predictions& predictions) const override {
        return metric.Compute(predictions);
      }
      const M metric;
    };
    return std::make_unique<Erased>(std::move(metric));
  }
};

// FigureOf is a metric that is one of the figures of ComputeScores.
template <typename SpecMessage, double Scores::*kFigure>
class FigureOf {
 public:
  using Spec = SpecMessage;
  explicit FigureOf(const Spec& = {}) {}

  absl::StatusOr<double> Compute(const Predictions& predictions) const {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions));
    ECG_ASSIGN_OR_RETURN(const Scores scores, ComputeScores(ranked));
    return scores.*kFigure;
  }
};

// MacroRocAuc is the mean over the classes of the area under the ROC curve.
struct MacroRocAuc : FigureOf<spec::MacroRocAuc, &Scores::macro_roc_auc> {
  using FigureOf::FigureOf;
  std::string name() const { return "macro_roc_auc"; }
};

// MacroAveragePrecision is the mean over the classes of the average precision.
struct MacroAveragePrecision : FigureOf<spec::MacroAveragePrecision, &Scores::macro_average_precision> {
  using FigureOf::FigureOf;
  std::string name() const { return "macro_average_precision"; }
};

// MacroF1Youden is the mean over the classes of F1 at the class's own Youden threshold.
struct MacroF1Youden : FigureOf<spec::MacroF1Youden, &Scores::macro_f1_youden> {
  using FigureOf::FigureOf;
  std::string name() const { return "macro_f1_youden"; }
};

// SampleFmax is the sample-centred Fmax.
struct SampleFmax : FigureOf<spec::SampleFmax, &Scores::fmax> {
  using FigureOf::FigureOf;
  std::string name() const { return "fmax"; }
};

}  // namespace ecg

#endif  // ECG_SCORE_METRIC_H_

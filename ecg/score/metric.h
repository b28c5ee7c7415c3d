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
//
// or, where it is one of the figures of ComputeScores, which are computed once for all metrics,
//
//   double Compute(const Scores& scores) const;

#ifndef ECG_SCORE_METRIC_H_
#define ECG_SCORE_METRIC_H_

#include <concepts>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/score/named_score.h"
#include "ecg/score/ranked_predictions.h"
#include "ecg/score/scores.h"
#include "ecg/spec/part_registry.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Metric is the concept.
template <typename M>
concept Metric = requires(const M& metric) {
  typename M::Spec;
  { metric.name() } -> std::convertible_to<std::string>;
}
&&(
    requires(const M& metric, const Predictions& predictions) {
      { metric.Compute(predictions) } -> std::same_as<absl::StatusOr<double>>;
    } ||
    requires(const M& metric, const Scores& scores) {
      { metric.Compute(scores) } -> std::same_as<double>;
    });

// SharedScores is predictions, and their ComputeScores, which the first metric that needs them computes.
class SharedScores {
 public:
  // What `predictions` refers to must outlive the object.
  explicit SharedScores(const Predictions& predictions) : predictions_(predictions) {}

  const Predictions& predictions() const { return predictions_; }

  const absl::StatusOr<Scores>& Get() {
    if (!scores_) scores_ = Compute();
    return *scores_;
  }

 private:
  absl::StatusOr<Scores> Compute() const {
    ECG_ASSIGN_OR_RETURN(const RankedPredictions ranked, Rank(predictions_));
    return ComputeScores(ranked);
  }

  const Predictions predictions_;
  std::optional<absl::StatusOr<Scores>> scores_;
};

// AnyMetric is a metric whose type is known when the program runs.
class AnyMetric {
 public:
  virtual ~AnyMetric() = default;
  virtual std::string name() const = 0;
  virtual absl::StatusOr<double> Compute(SharedScores& scores) const = 0;
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
      absl::StatusOr<double> Compute(SharedScores& shared) const override {
        if constexpr (requires(const Predictions& predictions) { metric.Compute(predictions); }) {
          return metric.Compute(shared.predictions());
        } else {
          const absl::StatusOr<Scores>& scores = shared.Get();
          if (!scores.ok()) return scores.status();
          return metric.Compute(*scores);
        }
      }
      const M metric;
    };
    return std::make_unique<Erased>(std::move(metric));
  }
};

using MetricList = std::vector<std::unique_ptr<AnyMetric>>;

// ComputeMetrics returns the figure of each of `metrics` by its name.
inline absl::StatusOr<std::map<std::string, double>> ComputeMetrics(const MetricList& metrics,
                                                                    const Predictions& predictions) {
  SharedScores scores(predictions);
  std::map<std::string, double> figures;
  for (const auto& metric : metrics) {
    const absl::StatusOr<double> figure = metric->Compute(scores);
    if (!figure.ok()) return WithContext(figure.status(), absl::StrCat("metric ", metric->name()));
    figures[metric->name()] = *figure;
  }
  return figures;
}

// FigureOf is a metric that is one of the figures of ComputeScores.
template <typename SpecMessage, double Scores::*kFigure>
class FigureOf {
 public:
  using Spec = SpecMessage;
  explicit FigureOf(const Spec& = {}) {}

  double Compute(const Scores& scores) const { return scores.*kFigure; }
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

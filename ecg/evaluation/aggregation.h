// aggregation.h
//
// From the windows of a record to one prediction.
//
// To write one of your own, give a type a `Spec`, a constructor from it (or from it and AnyObjective) and
//
//   // The logits of a record, [K], of those of its W windows, float32 [W, K] on the CPU.
//   torch::Tensor Aggregate(const torch::Tensor& windows) const;

#ifndef ECG_EVALUATION_AGGREGATION_H_
#define ECG_EVALUATION_AGGREGATION_H_

#include <torch/types.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "ecg/spec/part_registry.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Aggregation is the concept.
template <typename A>
concept Aggregation = requires(const A& aggregation, const torch::Tensor& windows) {
  typename A::Spec;
  { aggregation.Aggregate(windows) } -> std::same_as<torch::Tensor>;
};

// AnyAggregation is an aggregation whose type is known when the program runs.
class AnyAggregation {
 public:
  virtual ~AnyAggregation() = default;

  // AggregateAll returns the logits of R records, float32 [R, K], of those of their windows, float32 [W, K] on the CPU:
  // the first `windows[0]` are the first record's, and so on.
  virtual torch::Tensor AggregateAll(const torch::Tensor& logits, const std::vector<int64_t>& windows) const = 0;
};

// AggregationContext is the objective whose logits are aggregated.
struct AggregationContext {
  const AnyObjective* objective = nullptr;
};

// Aggregations is the kind of part.
struct Aggregations {
  static constexpr char kName[] = "aggregations";
  using Interface = AnyAggregation;
  using Context = AggregationContext;

  template <Aggregation A>
  static std::unique_ptr<AnyAggregation> Erase(A aggregation) {
    struct Erased : AnyAggregation {
      explicit Erased(A part) : aggregation(std::move(part)) {}
      torch::Tensor AggregateAll(const torch::Tensor& logits, const std::vector<int64_t>& windows) const override {
        std::vector<torch::Tensor> rows;
        for (const torch::Tensor& of_record : logits.split_with_sizes(windows)) {
          rows.push_back(aggregation.Aggregate(of_record));
        }
        return torch::stack(rows);
      }
      const A aggregation;
    };
    return std::make_unique<Erased>(std::move(aggregation));
  }
};

// Maximum takes the largest logit of each class, as the reference does. A NaN remains.
struct Maximum {
  using Spec = spec::Maximum;
  explicit Maximum(const Spec& = {}) {}

  torch::Tensor Aggregate(const torch::Tensor& windows) const { return windows.amax(0); }
};

// MeanLogit takes the mean of the logits.
struct MeanLogit {
  using Spec = spec::MeanLogit;
  explicit MeanLogit(const Spec& = {}) {}

  torch::Tensor Aggregate(const torch::Tensor& windows) const { return windows.mean(0); }
};

// MeanProbability takes the mean of the probabilities, and returns the logits that they have.
class MeanProbability {
 public:
  using Spec = spec::MeanProbability;
  MeanProbability(const Spec&, const AggregationContext& context) : objective_(*context.objective) {
    if (!objective_.has_logits()) {
      throw std::invalid_argument(
          "evaluation.mean_probability needs an objective with a function Logits, the inverse of its Probabilities");
    }
  }

  torch::Tensor Aggregate(const torch::Tensor& windows) const {
    return objective_.Logits(objective_.Probabilities(windows).mean(0, /*keepdim=*/true)).squeeze(0);
  }

 private:
  const AnyObjective& objective_;
};

}  // namespace ecg

#endif  // ECG_EVALUATION_AGGREGATION_H_

// median_logit.h
//
// An aggregation: the median of the logits of a record's windows, which one odd window does not move.

#ifndef EXAMPLES_OWN_PARTS_MEDIAN_LOGIT_H_
#define EXAMPLES_OWN_PARTS_MEDIAN_LOGIT_H_

#include <torch/torch.h>

#include <tuple>

#include "ecg/evaluation/aggregation.h"
#include "proto/experiment.pb.h"

namespace my {

class MedianLogit {
 public:
  using Spec = ecg::spec::Own;
  explicit MedianLogit(const Spec&) {}

  torch::Tensor Aggregate(const torch::Tensor& windows) const { return std::get<0>(windows.median(/*dim=*/0)); }
};

static_assert(ecg::Aggregation<MedianLogit>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_MEDIAN_LOGIT_H_

// cosine_head.h
//
// A head: the cosine between the features and one learned direction for each class, times a learned scale.

#ifndef EXAMPLES_OWN_PARTS_COSINE_HEAD_H_
#define EXAMPLES_OWN_PARTS_COSINE_HEAD_H_

#include <torch/torch.h>

#include "ecg/model/head.h"
#include "proto/experiment.pb.h"

namespace my {

class CosineHead : public torch::nn::Module {
 public:
  using Spec = ecg::spec::Own;
  CosineHead(const Spec&, int feature_dim, int classes)
      : directions_(register_parameter("directions", torch::randn({classes, feature_dim}))),
        scale_(register_parameter("scale", torch::full({1}, 10.0f))) {}

  torch::Tensor forward(const torch::Tensor& features) {
    namespace F = torch::nn::functional;
    return scale_ * F::linear(F::normalize(features), F::normalize(directions_));
  }

 private:
  torch::Tensor directions_, scale_;
};

static_assert(ecg::HeadLayers<CosineHead>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_COSINE_HEAD_H_

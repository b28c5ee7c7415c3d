#include "ecg/model/head.h"

namespace ecg {

Head::Head(const Spec& spec, int feature_dim, int classes)
    : fc1_(register_module("fc1", torch::nn::Linear(feature_dim, spec.hidden_dim()))),
      bn1_(register_module("bn1", BatchNorm1d(spec.hidden_dim()))),
      drop1_(register_module("drop1", torch::nn::Dropout(spec.dropout()))),
      fc2_(register_module("fc2", torch::nn::Linear(spec.hidden_dim(), classes))) {}

torch::Tensor Head::forward(const torch::Tensor& features) { return fc2_(drop1_(bn1_(fc1_(features).relu_()))); }

LinearHead::LinearHead(const Spec& spec, int feature_dim, int classes)
    : drop_(register_module("drop", torch::nn::Dropout(spec.dropout()))),
      fc_(register_module("fc", torch::nn::Linear(feature_dim, classes))) {}

torch::Tensor LinearHead::forward(const torch::Tensor& features) { return fc_(drop_(features)); }

}  // namespace ecg

// head.h
//
// The layers between a backbone's features and the logits: those of `seitalab/dnn_ecg_comparison`, the same for all
// backbones.

#ifndef ECG_MODEL_HEAD_H_
#define ECG_MODEL_HEAD_H_

#include <torch/torch.h>

#include "proto/experiment.pb.h"

namespace ecg {

// Head is linear, ReLU, batch norm, dropout, linear: [B, feature_dim] -> [B, classes].
class Head : public torch::nn::Module {
 public:
  Head(const spec::Head& spec, int feature_dim, int classes)
      : fc1_(register_module("fc1", torch::nn::Linear(feature_dim, spec.hidden_dim()))),
        bn1_(register_module("bn1", torch::nn::BatchNorm1d(spec.hidden_dim()))),
        drop1_(register_module("drop1", torch::nn::Dropout(spec.dropout()))),
        fc2_(register_module("fc2", torch::nn::Linear(spec.hidden_dim(), classes))) {}

  torch::Tensor forward(const torch::Tensor& features) { return fc2_(drop1_(bn1_(fc1_(features).relu_()))); }

 private:
  torch::nn::Linear fc1_;
  torch::nn::BatchNorm1d bn1_;
  torch::nn::Dropout drop1_;
  torch::nn::Linear fc2_;
};

}  // namespace ecg

#endif  // ECG_MODEL_HEAD_H_

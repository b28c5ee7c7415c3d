// head.h
//
// The layers between a backbone's features and the logits.
//
// To write one of your own, give a torch module a `Spec` and
//
//   MyHead(const Spec& spec, int feature_dim, int classes);
//   torch::Tensor forward(const torch::Tensor& features);      // [B, feature_dim] -> [B, classes]

#ifndef ECG_MODEL_HEAD_H_
#define ECG_MODEL_HEAD_H_

#include <torch/torch.h>

#include <concepts>

#include "proto/experiment.pb.h"

namespace ecg {

// HeadLayers is the concept.
template <typename H>
concept HeadLayers = std::derived_from<H, torch::nn::Module> &&
    std::constructible_from<H, const typename H::Spec&, int, int> && requires(H head, const torch::Tensor& features) {
  { head.forward(features) } -> std::same_as<torch::Tensor>;
};

// Head is linear, ReLU, batch norm, dropout, linear, as in `seitalab/dnn_ecg_comparison`: [B, feature_dim] ->
// [B, classes].
class Head : public torch::nn::Module {
 public:
  using Spec = spec::Head;

  Head(const Spec& spec, int feature_dim, int classes)
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

// LinearHead is dropout and linear: [B, feature_dim] -> [B, classes].
class LinearHead : public torch::nn::Module {
 public:
  using Spec = spec::LinearHead;

  LinearHead(const Spec& spec, int feature_dim, int classes)
      : drop_(register_module("drop", torch::nn::Dropout(spec.dropout()))),
        fc_(register_module("fc", torch::nn::Linear(feature_dim, classes))) {}

  torch::Tensor forward(const torch::Tensor& features) { return fc_(drop_(features)); }

 private:
  torch::nn::Dropout drop_;
  torch::nn::Linear fc_;
};

static_assert(HeadLayers<Head> && HeadLayers<LinearHead>);

}  // namespace ecg

#endif  // ECG_MODEL_HEAD_H_

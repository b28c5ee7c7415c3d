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

#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <concepts>

#include "ecg/nn/batch_norm.h"
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

  Head(const Spec& spec, int feature_dim, int classes);

  torch::Tensor forward(const torch::Tensor& features);

 private:
  torch::nn::Linear fc1_;
  BatchNorm1d bn1_;
  torch::nn::Dropout drop1_;
  torch::nn::Linear fc2_;
};

// LinearHead is dropout and linear: [B, feature_dim] -> [B, classes].
class LinearHead : public torch::nn::Module {
 public:
  using Spec = spec::LinearHead;

  LinearHead(const Spec& spec, int feature_dim, int classes);

  torch::Tensor forward(const torch::Tensor& features);

 private:
  torch::nn::Dropout drop_;
  torch::nn::Linear fc_;
};

static_assert(HeadLayers<Head> && HeadLayers<LinearHead>);

}  // namespace ecg

#endif  // ECG_MODEL_HEAD_H_

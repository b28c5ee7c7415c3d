// pooled_head.h
//
// The head of the networks of the PTB-XL benchmark, `helme/ecg_ptbxl_benchmarking` (Strodthoff et al. 2021,
// arXiv:2004.13701): pooling over time, then batch norm, dropout and a linear layer, twice. Also the benchmark's
// initialisation of weights.

#ifndef ECG_MODEL_POOLED_HEAD_H_
#define ECG_MODEL_POOLED_HEAD_H_

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <string>
#include <tuple>

#include "ecg/nn/batch_norm.h"
#include "proto/experiment.pb.h"

namespace ecg {

// MaxAndMean pools over time: [B, F, L] -> [B, 2 F], the maximum of each channel, then the mean. (Max pooling rather
// than `amax`, which would divide the gradient among equal maxima.)
inline torch::Tensor MaxAndMean(const torch::Tensor& x) {
  return torch::cat({std::get<0>(torch::adaptive_max_pool1d(x, 1)).squeeze(-1), x.mean(-1)}, 1);
}

// InitAsBenchmark initialises `network` as the benchmark does: Kaiming-normal, fan-in, for the weights of convolutions
// and linear layers (He et al. 2015, arXiv:1502.01852), and zero for their biases. Recurrent layers and batch norm keep
// LibTorch's initialisation, also where a paper differs.
inline void InitAsBenchmark(torch::nn::Module& network) {
  const auto init = [](auto& layer) {
    torch::nn::init::kaiming_normal_(layer.weight);
    if (layer.bias.defined()) torch::nn::init::zeros_(layer.bias);
  };
  for (const auto& part : network.modules(/*include_self=*/false)) {
    if (auto* convolution = part->as<torch::nn::Conv1d>()) init(*convolution);
    if (auto* linear = part->as<torch::nn::Linear>()) init(*linear);
  }
}

// PooledHead is batch norm, dropout, linear, ReLU, batch norm, dropout, linear: [B, features] -> [B, classes]. State
// names are positions in the benchmark's head, in which `pooling_layers` layers come first.
class PooledHead : public torch::nn::Module {
 public:
  PooledHead(const spec::PooledHead& spec, int features, int classes, int pooling_layers = 2)
      : bn1_(Register(pooling_layers, BatchNorm1d(features))),
        drop1_(Register(pooling_layers + 1, torch::nn::Dropout(spec.dropout() / 2))),
        fc1_(Register(pooling_layers + 2, torch::nn::Linear(features, spec.hidden_dim()))),
        bn2_(Register(pooling_layers + 4, BatchNorm1d(spec.hidden_dim()))),
        drop2_(Register(pooling_layers + 5, torch::nn::Dropout(spec.dropout()))),
        fc2_(Register(pooling_layers + 6, torch::nn::Linear(spec.hidden_dim(), classes))) {}

  torch::Tensor forward(const torch::Tensor& features) {
    const torch::Tensor hidden = fc1_(drop1_(bn1_(features))).relu_();
    return fc2_(drop2_(bn2_(hidden)));
  }

 private:
  template <typename Layer>
  Layer Register(int position, Layer layer) {
    return register_module(std::to_string(position), layer);
  }

  BatchNorm1d bn1_;
  torch::nn::Dropout drop1_;
  torch::nn::Linear fc1_;
  BatchNorm1d bn2_;
  torch::nn::Dropout drop2_;
  torch::nn::Linear fc2_;
};

}  // namespace ecg

#endif  // ECG_MODEL_POOLED_HEAD_H_

// pooled_head.h
//
// The head of the networks of the PTB-XL benchmark, `helme/ecg_ptbxl_benchmarking` (Strodthoff et al. 2021,
// arXiv:2004.13701): features are pooled over time, and go twice through batch norm, dropout and a linear layer. And
// how the benchmark draws the first weights of a network.

#ifndef ECG_MODEL_POOLED_HEAD_H_
#define ECG_MODEL_POOLED_HEAD_H_

#include <torch/torch.h>

#include <string>
#include <tuple>

#include "proto/experiment.pb.h"

namespace ecg {

// MaxAndMean pools over time: [B, F, L] -> [B, 2 F], the largest of each channel and then the mean.
// (The largest by pooling rather than by `amax`, which would share the gradient among equals.)
inline torch::Tensor MaxAndMean(const torch::Tensor& x) {
  return torch::cat({std::get<0>(torch::adaptive_max_pool1d(x, 1)).squeeze(-1), x.mean(-1)}, 1);
}

// StartAsBenchmark draws the first weights of a network as the benchmark's training does, whatever the network's own
// start was: those of convolutions and linear layers from a normal distribution whose variance is 2 over their number
// of inputs (He et al. 2015, arXiv:1502.01852), and all their biases 0. Recurrent layers keep LibTorch's start, and
// batch norm its ones and zeros, also where a paper starts it otherwise.
inline void StartAsBenchmark(torch::nn::Module& network) {
  const auto start = [](auto& layer) {
    torch::nn::init::kaiming_normal_(layer.weight);
    if (layer.bias.defined()) torch::nn::init::zeros_(layer.bias);
  };
  for (const auto& part : network.modules(/*include_self=*/false)) {
    if (auto* convolution = part->as<torch::nn::Conv1d>()) start(*convolution);
    if (auto* linear = part->as<torch::nn::Linear>()) start(*linear);
  }
}

// PooledHead is batch norm, dropout, linear, ReLU, batch norm, dropout, linear: [B, features] -> [B, classes]. Its
// layers are called by their place in the benchmark's head, where `pooling_layers` layers come before them.
class PooledHead : public torch::nn::Module {
 public:
  PooledHead(const spec::PooledHead& spec, int features, int classes, int pooling_layers = 2)
      : bn1_(Register(pooling_layers, torch::nn::BatchNorm1d(features))),
        drop1_(Register(pooling_layers + 1, torch::nn::Dropout(spec.dropout() / 2))),
        fc1_(Register(pooling_layers + 2, torch::nn::Linear(features, spec.hidden_dim()))),
        bn2_(Register(pooling_layers + 4, torch::nn::BatchNorm1d(spec.hidden_dim()))),
        drop2_(Register(pooling_layers + 5, torch::nn::Dropout(spec.dropout()))),
        fc2_(Register(pooling_layers + 6, torch::nn::Linear(spec.hidden_dim(), classes))) {}

  torch::Tensor forward(const torch::Tensor& features) {
    const torch::Tensor hidden = fc1_(drop1_(bn1_(features))).relu_();
    return fc2_(drop2_(bn2_(hidden)));
  }

 private:
  template <typename Layer>
  Layer Register(int place, Layer layer) {
    return register_module(std::to_string(place), layer);
  }

  torch::nn::BatchNorm1d bn1_;
  torch::nn::Dropout drop1_;
  torch::nn::Linear fc1_;
  torch::nn::BatchNorm1d bn2_;
  torch::nn::Dropout drop2_;
  torch::nn::Linear fc2_;
};

}  // namespace ecg

#endif  // ECG_MODEL_POOLED_HEAD_H_

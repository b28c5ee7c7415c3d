// tiny_conv.h
//
// A backbone that is no part of `ecg`: a few convolutions, each of which halves the number of samples. It is here to be
// copied; docs/adding-a-backbone.md goes through it.
//
//   model {
//     own {
//       type: "my::TinyConv"
//       header: "examples/own_backbone/tiny_conv.h"
//       values { name: "width" number: 32 }
//     }
//   }

#ifndef EXAMPLES_OWN_BACKBONE_TINY_CONV_H_
#define EXAMPLES_OWN_BACKBONE_TINY_CONV_H_

#include <torch/torch.h>

#include "ecg/model/network.h"
#include "ecg/spec/own_values.h"
#include "proto/experiment.pb.h"

namespace my {

// TinyConv is layers of convolution, batch norm and ReLU, then the mean over time and a linear layer: [B, C, L] ->
// [B, feature_dim]. L must be at least 2 to the power of the number of layers.
class TinyConv : public torch::nn::Module {
 public:
  // Where its part of a spec is.
  using Spec = ecg::spec::OwnBackbone;
  static const Spec& SpecIn(const ecg::spec::Model& model) { return model.own(); }

  // A spec's `values` may set these numbers: the channels of each layer, the number of layers, and the samples that a
  // convolution spans.
  TinyConv(const Spec& spec, int leads) : feature_dim_(spec.feature_dim()) {
    const ecg::OwnValues values(spec, {{"width", 32}, {"layers", 4}, {"kernel_size", 7}});
    const int width = values.Whole("width", 1, 4096);
    const int layers = values.Whole("layers", 1, 20);
    const int kernel = values.Whole("kernel_size", 1, 999);
    int channels = leads;
    for (int i = 0; i < layers; ++i) {
      layers_->push_back(torch::nn::Conv1d(
          torch::nn::Conv1dOptions(channels, width, kernel).stride(2).padding(kernel / 2).bias(false)));
      layers_->push_back(torch::nn::BatchNorm1d(width));
      layers_->push_back(torch::nn::ReLU());
      channels = width;
    }
    register_module("layers", layers_);
    linear_ = register_module("linear", torch::nn::Linear(width, feature_dim_));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return linear_(layers_->forward(signals).mean(/*dim=*/-1)); }

  int feature_dim() const { return feature_dim_; }

 private:
  int feature_dim_;
  torch::nn::Sequential layers_;
  torch::nn::Linear linear_{nullptr};
};

// Says at once, and in few lines, what a backbone lacks.
static_assert(ecg::Backbone<TinyConv>);

}  // namespace my

#endif  // EXAMPLES_OWN_BACKBONE_TINY_CONV_H_

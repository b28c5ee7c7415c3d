// s4_cpc.h
//
// Convolutions and causal S4 layers, as contrastive predictive coding trains them without labels: ECG-CPC of Al-Masud
// et al. 2025, "Benchmarking ECG FMs: A Reality Check Across Clinical Tasks", arXiv:2509.25095, whose code is in
// `AI4HealthUOL/ecg-fm-benchmarking`.
//
//   S4Cpc backbone(spec.model().s4_cpc(), /*leads=*/12);
//   const torch::Tensor encoding = backbone.Encode(signals);  // [B, 12, L] -> [B, T, F], T = ceil(L / 2)
//   const torch::Tensor context = backbone.Context(encoding);   // [B, T, F], of samples up to each
//   backbone.forward(signals);                                  // [B, F], its mean

#ifndef ECG_MODEL_S4_CPC_H_
#define ECG_MODEL_S4_CPC_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include "ecg/model/network.h"
#include "ecg/model/s4.h"
#include "ecg/nn/conv_norm_activation.h"
#include "proto/experiment.pb.h"

namespace ecg {

// S4Cpc is the backbone: [B, C, L] -> [B, F], F the number of channels.
class S4Cpc : public torch::nn::Module {
 public:
  using Spec = spec::S4Cpc;

  S4Cpc(const Spec& spec, int leads)
      : feature_dim_(spec.channels()),
        encoder_(register_module("encoder", MakeEncoder(spec, leads))),
        layers_(*this, spec.layers(), spec.channels(), spec.dropout(), StateSpaceOptionsOf(spec)) {}

  static const Spec& SpecIn(const spec::Model& model) { return model.s4_cpc(); }

  // Encode turns each two samples into one of the encoding: [B, C, L] -> [B, T, F].
  torch::Tensor Encode(const torch::Tensor& signals) { return encoder_->forward(signals).transpose(1, 2); }

  // Context returns what the S4 layers make of all of `encoding` up to each sample: [B, T, F] -> [B, T, F].
  torch::Tensor Context(const torch::Tensor& encoding) { return layers_.forward(encoding); }

  torch::Tensor forward(const torch::Tensor& signals) { return Context(Encode(signals)).mean(/*dim=*/1); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return Context(Encode(signals)).transpose(1, 2); }
  int sequence_dim() const { return feature_dim_; }

  int feature_dim() const { return feature_dim_; }

  // encoding_dim is that of Encode's features.
  int encoding_dim() const { return feature_dim_; }

 private:
  static torch::nn::Sequential MakeEncoder(const Spec& spec, int leads) {
    torch::nn::Sequential encoder(ConvNormActivation(leads, spec.channels(), {.kernel = 3, .stride = 2}));
    for (int i = 1; i < spec.convolutions(); ++i) {
      encoder->push_back(ConvNormActivation(spec.channels(), spec.channels(), {.kernel = 1}));
    }
    return encoder;
  }

  const int feature_dim_;
  torch::nn::Sequential encoder_;
  S4Layers layers_;
};

static_assert(Backbone<S4Cpc>);

}  // namespace ecg

#endif  // ECG_MODEL_S4_CPC_H_

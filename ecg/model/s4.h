// s4.h
//
// S4: structured state-space layers (Gu, Goel and Ré 2022, arXiv:2111.00396) in the network of Mehari and Strodthoff
// 2022, "Advancing the State-of-the-Art for ECG Analysis through Structured State Space Models", arXiv:2211.07579.
// State names and shapes are those of `AI4HealthUOL/ecg-fm-benchmarking` (arXiv:2509.25095) and `tmehari/ssm_ecg`.
//
// Inside, signals are [B, L, C], which linear layers and layer norm need. A crop may have any length.
//
//   Classifier<S4> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_S4_H_
#define ECG_MODEL_S4_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/undecayed.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/state_space.h"
#include "proto/experiment.pb.h"

namespace ecg {

// DropChannels is dropout of whole channels: `x` [B, L, C] -> [B, L, C].
inline torch::Tensor DropChannels(const torch::Tensor& x, double dropout, bool is_training) {
  if (!is_training || dropout == 0) return x;
  return torch::feature_dropout(x.transpose(1, 2), dropout, /*train=*/true).transpose(1, 2);
}

// GatedLinear is a linear layer and a gated linear unit (Dauphin et al. 2017, arXiv:1612.08083) over the channels of
// each sample: [B, L, C] -> [B, L, C].
class GatedLinear : public torch::nn::Module, public Undecayed {
 public:
  explicit GatedLinear(int channels) {
    const auto linear = register_module("0", std::make_shared<torch::nn::Module>());
    const double bound = 1 / std::sqrt(channels);
    const auto uniform = [&](torch::IntArrayRef shape) { return torch::empty(shape).uniform_(-bound, bound); };
    weight_ = linear->register_parameter("weight", uniform({2 * channels, channels}));
    bias_ = linear->register_parameter("bias", uniform({2 * channels, 1}));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    return torch::glu(torch::linear(x, weight_, bias_.squeeze(1)), /*dim=*/-1);
  }

  std::vector<torch::Tensor> undecayed() const override { return {bias_}; }

 private:
  torch::Tensor weight_, bias_;
};

// S4Layer is a state-space layer, GELU, and a gated linear layer that mixes the channels: [B, L, C] -> [B, L, C].
class S4Layer : public StateSpace, public Undecayed {
 public:
  S4Layer(int channels, double dropout, const StateSpaceOptions& options)
      : StateSpace(channels, options),
        dropout_(dropout),
        output_linear_(register_module("output_linear", std::make_shared<GatedLinear>(channels))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor active = torch::gelu(StateSpace::forward(x));
    return DropChannels(output_linear_->forward(DropChannels(active, dropout_, is_training())), dropout_,
                        is_training());
  }

  std::vector<torch::Tensor> undecayed() const override { return {c(), d()}; }

 private:
  double dropout_;
  std::shared_ptr<GatedLinear> output_linear_;
};

// S4Layers are S4Layers with a residual connection followed by layer norm, in a module that owns them as `s4_layers`
// and `norms`: [B, L, C] -> [B, L, C].
class S4Layers {
 public:
  S4Layers(torch::nn::Module& owner, int count, int channels, double dropout, const StateSpaceOptions& options) {
    const auto layers = owner.register_module("s4_layers", std::make_shared<torch::nn::Module>());
    const auto norms = owner.register_module("norms", std::make_shared<torch::nn::Module>());
    for (int i = 0; i < count; ++i) {
      const std::string name = std::to_string(i);
      layers_.push_back(layers->register_module(name, std::make_shared<S4Layer>(channels, dropout, options)));
      norms_.push_back(norms->register_module(name, torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}))));
    }
  }

  torch::Tensor forward(torch::Tensor x) {
    for (size_t i = 0; i < layers_.size(); ++i) x = norms_[i](x + layers_[i]->forward(x));
    return x;
  }

 private:
  std::vector<std::shared_ptr<S4Layer>> layers_;
  std::vector<torch::nn::LayerNorm> norms_;
};

// StateSpaceOptionsOf returns the options of the layers of `spec`, which is S4's or S4Cpc's.
template <typename Spec>
StateSpaceOptions StateSpaceOptionsOf(const Spec& spec) {
  return {
      .matrix = spec.state_matrix() == spec::S4::DIAGONAL ? StateMatrix::kDiagonal : StateMatrix::kNormalPlusLowRank,
      .state_size = spec.state_size(),
      .causal = spec.causal(),
      .kernel_samples = spec.kernel_samples()};
}

// S4 is a convolution, S4Layers, and the mean over time: [B, C, L] -> [B, feature_dim]. Its own head is a linear layer.
class S4 : public torch::nn::Module {
 public:
  using Spec = spec::S4;
  static const Spec& SpecIn(const spec::Model& model) { return model.s4(); }

  S4(const Spec& spec, int leads)
      : feature_dim_(spec.channels()),
        encoder_(register_module("encoder", Conv1d(torch::nn::Conv1dOptions(leads, spec.channels(), spec.kernel_size())
                                                       .padding(spec.kernel_size() / 2)))),
        layers_(*this, spec.layers(), spec.channels(), spec.dropout(), StateSpaceOptionsOf(spec)) {}

  int feature_dim() const { return feature_dim_; }

  torch::nn::Linear AppendHead(int classes) {
    return register_module("decoder", torch::nn::Linear(feature_dim_, classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return Layers(signals).mean(/*dim=*/1); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return Layers(signals).transpose(1, 2); }
  int sequence_dim() const { return feature_dim_; }

 private:
  // Layers returns the output of the last layer: [B, C, L] -> [B, L, feature_dim].
  torch::Tensor Layers(const torch::Tensor& signals) { return layers_.forward(encoder_(signals).transpose(1, 2)); }

  const int feature_dim_;
  Conv1d encoder_;
  S4Layers layers_;
};

static_assert(Backbone<S4>);

}  // namespace ecg

#endif  // ECG_MODEL_S4_H_

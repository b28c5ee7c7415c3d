// mobilenet_v3.h
//
// MobileNetV3: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244. Convolutions are one-dimensional,
// along time. Names and shapes of the weights are those of `seitalab/dnn_ecg_comparison`.
//
// It departs from the paper as the reference does: the last layer gives `feature_dim` features, from which the head
// goes on to the classes, and the last convolution of the small network has no squeeze-and-excitation.
//
//   Classifier<MobileNetV3> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_MOBILENET_V3_H_
#define ECG_MODEL_MOBILENET_V3_H_

#include <torch/torch.h>

#include <vector>

#include "ecg/model/mobile.h"
#include "ecg/model/residual.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "proto/experiment.pb.h"

namespace ecg {

namespace mobilenet_v3_internal {

// Activation is torch::relu, torch::hardswish or, for none, null.
using Activation = torch::Tensor (*)(const torch::Tensor&);

// NormedConvolution is a convolution without bias, batch norm and an activation: [B, in, L] -> [B, out, L / stride].
class NormedConvolution : public torch::nn::Module {
 public:
  NormedConvolution(int in, int out, int kernel, Activation activation, int stride = 1, int groups = 1)
      : activation_(activation),
        convolution_(register_module("0", Convolution(in, out, kernel, stride, groups))),
        norm_(register_module("1", MobileBatchNorm(out))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor out = norm_(convolution_(x));
    return activation_ == nullptr ? out : activation_(out);
  }

 private:
  Activation activation_;
  Conv1d convolution_;
  BatchNorm1d norm_;
};

// SqueezeExcitation weighs channels by what the whole crop holds: [B, `channels`, L] -> the same (Hu et al. 2018,
// arXiv:1709.01507, with the sigmoid made of straight lines).
class SqueezeExcitation : public torch::nn::Module {
 public:
  explicit SqueezeExcitation(int channels)
      : fc1_(register_module("fc1", Conv1d(channels, RoundedChannels(channels / 4), 1))),
        fc2_(register_module("fc2", Conv1d(RoundedChannels(channels / 4), channels, 1))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    return x * torch::hardsigmoid(fc2_(fc1_(x.mean(/*dim=*/-1, /*keepdim=*/true)).relu_()));
  }

 private:
  Conv1d fc1_;
  Conv1d fc2_;
};

}  // namespace mobilenet_v3_internal

// InvertedResidual widens its input, convolves each channel by itself and narrows again (Sandler et al. 2018,
// arXiv:1801.04381): [B, in, L] -> [B, out, L / stride]. Around it the input is added where shapes allow.
class InvertedResidual : public torch::nn::Module {
 public:
  struct Options {
    int kernel;
    // Channels in the middle, and of the output.
    int expanded;
    int out;
    bool squeeze_excitation;
    // Hardswish, or else ReLU.
    bool hardswish;
    int stride;
  };

  InvertedResidual(int in, const Options& options) : adds_input_(options.stride == 1 && in == options.out) {
    using namespace mobilenet_v3_internal;  // NOLINT
    const Activation activation = options.hardswish ? torch::hardswish : torch::relu;
    const int inner = options.expanded;
    if (inner != in) block_->push_back(NormedConvolution(in, inner, 1, activation));
    block_->push_back(NormedConvolution(inner, inner, options.kernel, activation, options.stride, /*groups=*/inner));
    if (options.squeeze_excitation) block_->push_back(SqueezeExcitation(inner));
    block_->push_back(NormedConvolution(inner, options.out, 1, /*activation=*/nullptr));
    register_module("block", block_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = block_->forward(x);
    if (adds_input_) out += x;
    return out;
  }

 private:
  bool adds_input_;
  torch::nn::Sequential block_;
};

// MobileNetV3 is a stem, 11 (small) or 15 (large) blocks and a convolution, whose outputs are averaged over time and go
// through two linear layers: [B, C, L] -> [B, feature_dim]. L becomes L / 32, rounded up.
class MobileNetV3 : public torch::nn::Module {
 public:
  using Spec = spec::MobileNetV3;
  static const Spec& SpecIn(const spec::Model& model) { return model.mobilenet_v3(); }

  MobileNetV3(const Spec& spec, int leads) : feature_dim_(spec.feature_dim()) {
    using namespace mobilenet_v3_internal;  // NOLINT
    const auto [blocks, hidden] = ArchitectureOf(spec.size());
    int channels = kStemWidth;
    features_->push_back(NormedConvolution(leads, channels, /*kernel=*/3, torch::hardswish, /*stride=*/2));
    for (const InvertedResidual::Options& block : blocks) {
      features_->push_back(InvertedResidual(channels, block));
      channels = block.out;
    }
    features_->push_back(NormedConvolution(channels, 6 * channels, 1, torch::hardswish));
    register_module("features", features_);
    out_layer_ = register_module(
        "out_layer",
        torch::nn::Sequential(torch::nn::Linear(6 * channels, hidden), torch::nn::Functional(torch::hardswish),
                              torch::nn::Dropout(0.2), torch::nn::Linear(hidden, feature_dim_)));
    Start();
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    return out_layer_->forward(features_->forward(signals).mean(/*dim=*/-1));
  }

  int feature_dim() const { return feature_dim_; }

 private:
  static constexpr int kStemWidth = 16;

  // Architecture is the blocks and the width of the first linear layer.
  struct Architecture {
    std::vector<InvertedResidual::Options> blocks;
    int hidden;
  };

  // Tables 1 and 2 of the paper.
  static Architecture ArchitectureOf(Spec::Size size) {
    switch (size) {
      case Spec::SMALL:
        return {{{3, 16, 16, true, false, 2},
                 {3, 72, 24, false, false, 2},
                 {3, 88, 24, false, false, 1},
                 {5, 96, 40, true, true, 2},
                 {5, 240, 40, true, true, 1},
                 {5, 240, 40, true, true, 1},
                 {5, 120, 48, true, true, 1},
                 {5, 144, 48, true, true, 1},
                 {5, 288, 96, true, true, 2},
                 {5, 576, 96, true, true, 1},
                 {5, 576, 96, true, true, 1}},
                1024};
      case Spec::LARGE:
        return {{{3, 16, 16, false, false, 1},
                 {3, 64, 24, false, false, 2},
                 {3, 72, 24, false, false, 1},
                 {5, 72, 40, true, false, 2},
                 {5, 120, 40, true, false, 1},
                 {5, 120, 40, true, false, 1},
                 {3, 240, 80, false, true, 2},
                 {3, 200, 80, false, true, 1},
                 {3, 184, 80, false, true, 1},
                 {3, 184, 80, false, true, 1},
                 {3, 480, 112, true, true, 1},
                 {3, 672, 112, true, true, 1},
                 {5, 672, 160, true, true, 2},
                 {5, 960, 160, true, true, 1},
                 {5, 960, 160, true, true, 1}},
                1280};
    }
    TORCH_CHECK(false, "MobileNetV3 has no size ", static_cast<int>(size));
  }

  // Start draws the first weights: of convolutions as InitKaimingNormal does, of linear layers from a normal
  // distribution with a deviation of 0.01; biases are 0.
  void Start() {
    InitKaimingNormal(*this);
    for (const auto& part : modules(/*include_self=*/false)) {
      if (auto* linear = part->as<torch::nn::Linear>()) {
        torch::nn::init::normal_(linear->weight, /*mean=*/0, /*std=*/0.01);
        torch::nn::init::zeros_(linear->bias);
      } else if (auto* convolution = part->as<torch::nn::Conv1d>(); convolution && convolution->bias.defined()) {
        torch::nn::init::zeros_(convolution->bias);
      }
    }
  }

  int feature_dim_;
  torch::nn::Sequential features_;
  torch::nn::Sequential out_layer_;
};

}  // namespace ecg

#endif  // ECG_MODEL_MOBILENET_V3_H_

// mobilenet_v3.h
//
// MobileNetV3: Howard et al. 2019, "Searching for MobileNetV3", arXiv:1905.02244. Convolutions are over time.
// State names and shapes are those of `seitalab/dnn_ecg_comparison`.
//
// Like the reference, it differs from the paper: the last layer has `feature_dim` outputs, and the head follows; the
// last convolution of the small network has no squeeze-and-excitation.
//
//   Classifier<MobileNetV3> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_MOBILENET_V3_H_
#define ECG_MODEL_MOBILENET_V3_H_

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/functional.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <vector>

#include "ecg/model/mobile.h"
#include "ecg/model/residual.h"
#include "ecg/nn/activation.h"
#include "ecg/nn/at_each_time.h"
#include "ecg/nn/conv_norm_activation.h"
#include "ecg/nn/squeeze_excitation.h"
#include "proto/experiment.pb.h"

namespace ecg {

// InvertedResidual is expansion, depthwise convolution, squeeze-and-excitation and projection (Sandler et al. 2018,
// arXiv:1801.04381), with a residual connection where input and output have the same shape:
// [B, in, L] -> [B, out, ceil(L / stride)].
class InvertedResidual : public torch::nn::Module {
 public:
  struct Options {
    int kernel;
    // Channels of the depthwise convolution.
    int expanded;
    int out;
    bool squeeze_excitation;
    // Hardswish instead of ReLU.
    bool hardswish;
    int stride;
  };

  InvertedResidual(int in, const Options& options) : adds_input_(options.stride == 1 && in == options.out) {
    const Activation activation = options.hardswish ? Activation::kHardswish : Activation::kRelu;
    const int inner = options.expanded;
    if (inner != in) block_->push_back(ConvNormActivation(in, inner, {.norm = kMobileNorm, .activation = activation}));
    block_->push_back(ConvNormActivation(inner, inner,
                                         {.kernel = options.kernel,
                                          .stride = options.stride,
                                          .groups = inner,
                                          .norm = kMobileNorm,
                                          .activation = activation}));
    if (options.squeeze_excitation) {
      block_->push_back(
          SqueezeExcitation(inner, {.squeezed = RoundedChannels(inner / 4), .gate = Activation::kHardsigmoid}));
    }
    block_->push_back(ConvNormActivation(inner, options.out, {.norm = kMobileNorm, .activation = Activation::kNone}));
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

// MobileNetV3 is a stem, 11 (small) or 15 (large) blocks, a convolution, global average pooling and two linear layers:
// [B, C, L] -> [B, feature_dim]. The total stride is 32.
class MobileNetV3 : public torch::nn::Module {
 public:
  using Spec = spec::MobileNetV3;
  static const Spec& SpecIn(const spec::Model& model) { return model.mobilenet_v3(); }

  MobileNetV3(const Spec& spec, int leads) : feature_dim_(spec.feature_dim()) {
    const auto [blocks, hidden] = ArchitectureOf(spec.size());
    int channels = kStemWidth;
    features_->push_back(ConvNormActivation(
        leads, channels, {.kernel = 3, .stride = 2, .norm = kMobileNorm, .activation = Activation::kHardswish}));
    for (const InvertedResidual::Options& block : blocks) {
      features_->push_back(InvertedResidual(channels, block));
      channels = block.out;
    }
    features_->push_back(
        ConvNormActivation(channels, 6 * channels, {.norm = kMobileNorm, .activation = Activation::kHardswish}));
    register_module("features", features_);
    out_layer_ = register_module(
        "out_layer",
        torch::nn::Sequential(torch::nn::Linear(6 * channels, hidden), torch::nn::Functional(torch::hardswish),
                              torch::nn::Dropout(0.2), torch::nn::Linear(hidden, feature_dim_)));
    InitWeights();
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    return out_layer_->forward(features_->forward(signals).mean(/*dim=*/-1));
  }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return AtEachTime(out_layer_, features_->forward(signals)); }
  int sequence_dim() const { return feature_dim_; }

  int feature_dim() const { return feature_dim_; }

 private:
  static constexpr int kStemWidth = 16;

  // Architecture is the blocks and the outputs of the first linear layer.
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

  // InitWeights initialises convolutions by InitKaimingNormal, weights of linear layers from a normal distribution with
  // a standard deviation of 0.01, and biases with 0.
  void InitWeights() {
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

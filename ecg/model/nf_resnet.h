// nf_resnet.h
//
// Residual networks without batch norm: Brock, De and Smith 2021, "Characterizing signal propagation to close the
// performance gap in unnormalized ResNets", arXiv:2101.08692. Convolutions standardise their weights, which replaces
// batch norm. Convolutions are over time. State names and shapes are those of `seitalab/dnn_ecg_comparison`.
//
//   Classifier<NfResNet<NfBasicBlock>> network(spec.model(), /*leads=*/12, /*classes=*/71);
//
// Like the reference, it has only the standardised weights of the paper: the input of a block is not divided by its
// expected standard deviation (beta), nor its output multiplied by alpha, so that activations grow with each block;
// there are no gains for ReLU, no squeeze-and-excitation, and stochastic depth only if the spec asks for it. A linear
// layer maps the pooled features to `feature_dim`, as in our ResNet.

#ifndef ECG_MODEL_NF_RESNET_H_
#define ECG_MODEL_NF_RESNET_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <array>
#include <cmath>

#include "ecg/model/residual.h"
#include "ecg/nn/at_each_time.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ScaledStdConv1dImpl is a convolution without bias that standardises its weights in each forward pass:
// [B, `in`, L] -> [B, `out`, ceil(L / `stride`)].
class ScaledStdConv1dImpl : public torch::nn::Conv1dImpl {
 public:
  ScaledStdConv1dImpl(int in, int out, int kernel, int stride = 1)
      : Conv1dImpl(torch::nn::Conv1dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false)),
        gain_(register_parameter("gain", torch::ones({out, 1, 1}))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    return Convolve(x, StandardisedWeight(), /*bias=*/{},
                    {.stride = options.stride()->front(), .padding = weight.size(2) / 2});
  }

  // StandardisedWeight returns `weight` [out, in, kernel], standardised so that for each output channel the mean over
  // its n = in * kernel weights is 0 and the sum of squares gain^2 (n - 1) / n: the paper's Scaled Weight
  // Standardization.
  torch::Tensor StandardisedWeight() const {
    const torch::Tensor mean = weight.mean(torch::IntArrayRef({1, 2}), /*keepdim=*/true);
    const torch::Tensor deviation = weight.std(torch::IntArrayRef({1, 2}), /*unbiased=*/true, /*keepdim=*/true);
    const double scale = 1 / std::sqrt(weight.size(1) * weight.size(2));
    return scale * (weight - mean) / (deviation + kEpsilon) * gain_;
  }

 private:
  static constexpr double kEpsilon = 1e-5;

  torch::Tensor gain_;
};
TORCH_MODULE(ScaledStdConv1d);

// NfShortcut returns the shortcut of a residual block: a convolution where the block changes the shape, or else an
// empty holder, which means the identity.
inline torch::nn::Sequential NfShortcut(int in, int out, int stride) {
  if (!ChangesShape(in, out, stride)) return torch::nn::Sequential(nullptr);
  return torch::nn::Sequential(ScaledStdConv1d(in, out, 1, stride));
}

// NfBasicBlock is two convolutions of kernel size 3 with a residual connection:
// [B, `in`, L] -> [B, `width`, ceil(L / `stride`)].
class NfBasicBlock : public ResidualBlock {
 public:
  static constexpr int kExpansion = 1;

  NfBasicBlock(int in, int width, int stride)
      : conv1_(register_module("conv1", ScaledStdConv1d(in, width, 3, stride))),
        conv2_(register_module("conv2", ScaledStdConv1d(width, width, 3))),
        downsample_(NfShortcut(in, width * kExpansion, stride)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = Dropped(conv2_(conv1_(x).relu_()));
    out += downsample_ ? downsample_->forward(x) : x;
    return out.relu_();
  }

 private:
  ScaledStdConv1d conv1_;
  ScaledStdConv1d conv2_;
  torch::nn::Sequential downsample_;
};

// NfBottleneck is three convolutions of kernel sizes 1, 3 and 1 with a residual connection:
// [B, `in`, L] -> [B, 4 * `width`, ceil(L / `stride`)].
class NfBottleneck : public ResidualBlock {
 public:
  static constexpr int kExpansion = 4;

  NfBottleneck(int in, int width, int stride)
      : conv1_(register_module("conv1", ScaledStdConv1d(in, width, 1))),
        conv2_(register_module("conv2", ScaledStdConv1d(width, width, 3, stride))),
        conv3_(register_module("conv3", ScaledStdConv1d(width, width * kExpansion, 1))),
        downsample_(NfShortcut(in, width * kExpansion, stride)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = Dropped(conv3_(conv2_(conv1_(x).relu_()).relu_()));
    out += downsample_ ? downsample_->forward(x) : x;
    return out.relu_();
  }

 private:
  ScaledStdConv1d conv1_;
  ScaledStdConv1d conv2_;
  ScaledStdConv1d conv3_;
  torch::nn::Sequential downsample_;
};

// NfResNet is a stem, max pooling, four stages of width 64, 128, 256 and 512 with strides 1, 2, 2 and 2, global average
// pooling and a linear layer: [B, C, L] -> [B, feature_dim].
template <typename Block>
class NfResNet : public torch::nn::Module {
 public:
  using Spec = spec::NfResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.nf_resnet(); }

  NfResNet(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()), conv1_(register_module("conv1", ScaledStdConv1d(leads, kStemWidth, 7, 2))) {
    int channels = kStemWidth;
    layers_ = ResidualStages<Block>(*this, channels, BlocksOf(spec.depth()));
    SetStochasticDepth(*this, spec.stochastic_depth());
    fc_ = register_module("fc", torch::nn::Linear(channels, feature_dim_));
    InitKaimingNormal(*this);
  }

  torch::Tensor forward(const torch::Tensor& signals) { return fc_(Convolve(signals).mean(/*dim=*/-1)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return AtEachTime(fc_, Convolve(signals)); }
  int sequence_dim() const { return feature_dim_; }

  int feature_dim() const { return feature_dim_; }

 private:
  // Convolve returns what is pooled: [B, C, L] -> [B, width, T].
  torch::Tensor Convolve(const torch::Tensor& signals) {
    torch::Tensor x = conv1_(signals).relu_();
    x = HalvingMaxPool(x);
    for (auto& layer : layers_) x = layer->forward(x);
    return x;
  }

  // BlocksOf returns the number of blocks in each stage, the same as in ResNet.
  static std::array<int, kResidualStages> BlocksOf(Spec::Depth depth) {
    switch (depth) {
      case Spec::NF_RESNET_18:
        return BlocksOfResNet(18);
      case Spec::NF_RESNET_34:
        return BlocksOfResNet(34);
      case Spec::NF_RESNET_50:
        return BlocksOfResNet(50);
      case Spec::NF_RESNET_101:
        return BlocksOfResNet(101);
    }
    TORCH_CHECK(false, "NfResNet has no depth ", static_cast<int>(depth));
  }

  int feature_dim_;
  ScaledStdConv1d conv1_;
  std::array<torch::nn::Sequential, kResidualStages> layers_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace ecg

#endif  // ECG_MODEL_NF_RESNET_H_

// nf_resnet.h
//
// Residual networks without batch norm: Brock, De and Smith 2021, "Characterizing signal propagation to close the
// performance gap in unnormalized ResNets", arXiv:2101.08692. What batch norm does to activations, their convolutions
// do to their own weights, which are standardised before each use. Convolutions are one-dimensional, along time. Names
// and shapes of the weights are those of `seitalab/dnn_ecg_comparison`.
//
//   Classifier<NfResNet<NfBasicBlock>> network(spec.model(), /*leads=*/12, /*classes=*/71);
//
// The reference keeps of the paper the standardised weights only, and so do we: what enters a block is not divided by
// its expected deviation, nor what leaves it multiplied by alpha, so that activations grow by a factor with each block;
// there are no gains for the ReLU, no squeeze-and-excitation and no stochastic depth. As in our ResNet, the pooled
// features go through a linear layer to `feature_dim`.

#ifndef ECG_MODEL_NF_RESNET_H_
#define ECG_MODEL_NF_RESNET_H_

#include <torch/torch.h>

#include <array>
#include <cmath>

#include "ecg/model/residual.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ScaledStdConv1dImpl is a convolution without bias whose weights are standardised before each use. It is padded so
// that L samples become L / `stride` of them, rounded up: [B, `in`, L] -> [B, `out`, L / `stride`].
class ScaledStdConv1dImpl : public torch::nn::Conv1dImpl {
 public:
  ScaledStdConv1dImpl(int in, int out, int kernel, int stride = 1)
      : Conv1dImpl(torch::nn::Conv1dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false)),
        gain_(register_parameter("gain", torch::ones({out, 1, 1}))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    return Convolve(x, StandardisedWeight(), /*bias=*/{}, options.stride()->front(), /*padding=*/weight.size(2) / 2);
  }

  // StandardisedWeight returns `weight` [out, in, kernel] such that for each output its mean over its n = in * kernel
  // inputs is 0 and its sum of squares is gain^2 (n - 1) / n: the Scaled Weight Standardization of the paper.
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

// NfShortcut returns what the input of a block goes through before it is added to the block's output: a convolution
// where the shapes differ, or else an empty module, which means the input itself.
inline torch::nn::Sequential NfShortcut(int in, int out, int stride) {
  if (!ChangesShape(in, out, stride)) return torch::nn::Sequential(nullptr);
  return torch::nn::Sequential(ScaledStdConv1d(in, out, 1, stride));
}

// NfBasicBlock is two convolutions of width 3 around which the input is added: [B, `in`, L] -> [B, `width`, L /
// `stride`].
class NfBasicBlock : public torch::nn::Module {
 public:
  static constexpr int kExpansion = 1;

  NfBasicBlock(int in, int width, int stride)
      : conv1_(register_module("conv1", ScaledStdConv1d(in, width, 3, stride))),
        conv2_(register_module("conv2", ScaledStdConv1d(width, width, 3))),
        downsample_(NfShortcut(in, width * kExpansion, stride)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = conv2_(conv1_(x).relu_());
    out += downsample_ ? downsample_->forward(x) : x;
    return out.relu_();
  }

 private:
  ScaledStdConv1d conv1_;
  ScaledStdConv1d conv2_;
  torch::nn::Sequential downsample_;
};

// NfBottleneck is a convolution of width 3 between two of width 1, around which the input is added: [B, `in`, L] -> [B,
// 4 * `width`, L / `stride`].
class NfBottleneck : public torch::nn::Module {
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
    torch::Tensor out = conv3_(conv2_(conv1_(x).relu_()).relu_());
    out += downsample_ ? downsample_->forward(x) : x;
    return out.relu_();
  }

 private:
  ScaledStdConv1d conv1_;
  ScaledStdConv1d conv2_;
  ScaledStdConv1d conv3_;
  torch::nn::Sequential downsample_;
};

// NfResNet is a stem and four stages, 64, 128, 256 and 512 wide, each of which after the first halves the number of
// samples: [B, C, L] -> [B, feature_dim].
template <typename Block>
class NfResNet : public torch::nn::Module {
 public:
  using Spec = spec::NfResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.nf_resnet(); }

  NfResNet(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()), conv1_(register_module("conv1", ScaledStdConv1d(leads, kStemWidth, 7, 2))) {
    int channels = kStemWidth;
    layers_ = ResidualStages<Block>(*this, channels, BlocksOf(spec.depth()));
    fc_ = register_module("fc", torch::nn::Linear(channels, feature_dim_));
    InitKaimingNormal(*this);
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    torch::Tensor x = conv1_(signals).relu_();
    x = HalvingMaxPool(x);
    for (auto& layer : layers_) x = layer->forward(x);
    return fc_(x.mean(/*dim=*/-1));
  }

  int feature_dim() const { return feature_dim_; }

 private:
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

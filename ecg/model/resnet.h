// resnet.h
//
// Residual networks: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, and
// their form with grouped convolutions: Xie, Girshick, Dollár, Tu and He 2017, "Aggregated Residual Transformations for
// Deep Neural Networks", arXiv:1611.05431. Convolutions are one-dimensional, along time. Names and shapes of the
// weights are those of `seitalab/dnn_ecg_comparison`.
//
// It departs from the papers in the last layer: the pooled features go through a linear layer to `feature_dim`, from
// which the head goes on to the classes.
//
//   Classifier<ResNet<BasicBlock>> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_RESNET_H_
#define ECG_MODEL_RESNET_H_

#include <torch/torch.h>

#include <array>

#include "ecg/model/residual.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Grouping is how the middle convolution of a bottleneck is divided: into `groups` groups, each `width_per_group`
// channels wide where the block is 64 wide, and in proportion elsewhere.
struct Grouping {
  int groups = 1;
  int width_per_group = 64;
};

// BasicBlock is two convolutions around which the input is added, the first of width `kernel` and the second of half of
// it: by default 3 and 3. [B, `in`, L] -> [B, `width`, L / `stride`].
class BasicBlock : public torch::nn::Module {
 public:
  // How many times wider the output is than `width`.
  static constexpr int kExpansion = 1;

  BasicBlock(int in, int width, int stride, const Grouping& = {}, int kernel = 3)
      : conv1_(register_module("conv1", Convolution(in, width, kernel, stride))),
        bn1_(register_module("bn1", BatchNorm1d(width))),
        conv2_(register_module("conv2", Convolution(width, width, HalfKernel(kernel)))),
        bn2_(register_module("bn2", BatchNorm1d(width))),
        downsample_(Shortcut(in, width * kExpansion, stride)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = bn1_->NormRelu(conv1_(x));
    return bn2_->NormRelu(conv2_(out), downsample_ ? downsample_->forward(x) : x);
  }

 private:
  Conv1d conv1_;
  BatchNorm1d bn1_;
  Conv1d conv2_;
  BatchNorm1d bn2_;
  torch::nn::Sequential downsample_;
};

// Bottleneck is a convolution of width `kernel` between two of width 1, around which the input is added: [B, `in`, L]
// -> [B, 4 * `width`, L / `stride`].
class Bottleneck : public torch::nn::Module {
 public:
  static constexpr int kExpansion = 4;

  Bottleneck(int in, int width, int stride, const Grouping& grouping = {}, int kernel = 3)
      : Bottleneck(in, width, width * grouping.width_per_group / 64 * grouping.groups, stride, grouping.groups,
                   kernel) {}

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = bn1_->NormRelu(conv1_(x));
    out = bn2_->NormRelu(conv2_(out));
    return bn3_->NormRelu(conv3_(out), downsample_ ? downsample_->forward(x) : x);
  }

 private:
  Bottleneck(int in, int width, int inner, int stride, int groups, int kernel)
      : conv1_(register_module("conv1", Convolution(in, inner, 1))),
        bn1_(register_module("bn1", BatchNorm1d(inner))),
        conv2_(register_module("conv2", Convolution(inner, inner, kernel, stride, groups))),
        bn2_(register_module("bn2", BatchNorm1d(inner))),
        conv3_(register_module("conv3", Convolution(inner, width * kExpansion, 1))),
        bn3_(register_module("bn3", BatchNorm1d(width * kExpansion))),
        downsample_(Shortcut(in, width * kExpansion, stride)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  Conv1d conv1_;
  BatchNorm1d bn1_;
  Conv1d conv2_;
  BatchNorm1d bn2_;
  Conv1d conv3_;
  BatchNorm1d bn3_;
  torch::nn::Sequential downsample_;
};

// ResNet is a stem and four stages, 64, 128, 256 and 512 wide, each of which after the first halves the number of
// samples: [B, C, L] -> [B, feature_dim].
template <typename Block>
class ResNet : public torch::nn::Module {
 public:
  using Spec = spec::ResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.resnet(); }

  ResNet(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()),
        conv1_(register_module("conv1", Convolution(leads, kStemWidth, 7, 2))),
        bn1_(register_module("bn1", BatchNorm1d(kStemWidth))) {
    const auto [blocks, grouping] = StagesOf(spec.depth());
    int channels = kStemWidth;
    layers_ = ResidualStages<Block>(*this, channels, blocks, grouping);
    fc_ = register_module("fc", torch::nn::Linear(channels, feature_dim_));
    InitKaimingNormal(*this);
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    torch::Tensor x = bn1_->NormRelu(conv1_(signals));
    x = HalvingMaxPool(x);
    for (auto& layer : layers_) x = layer->forward(x);
    return fc_(x.mean(/*dim=*/-1));
  }

  int feature_dim() const { return feature_dim_; }

 private:
  // Stages are the numbers of blocks in each, and how their convolutions are divided.
  struct Stages {
    std::array<int, kResidualStages> blocks;
    Grouping grouping;
  };

  // Table 1 of each paper.
  static Stages StagesOf(Spec::Depth depth) {
    switch (depth) {
      case Spec::RESNET_18:
        return {BlocksOfResNet(18), {}};
      case Spec::RESNET_34:
        return {BlocksOfResNet(34), {}};
      case Spec::RESNET_50:
        return {BlocksOfResNet(50), {}};
      case Spec::RESNET_101:
        return {BlocksOfResNet(101), {}};
      case Spec::RESNET_152:
        return {BlocksOfResNet(152), {}};
      case Spec::RESNEXT_50_32X4D:
        return {BlocksOfResNet(50), {.groups = 32, .width_per_group = 4}};
      case Spec::RESNEXT_101_32X8D:
        return {BlocksOfResNet(101), {.groups = 32, .width_per_group = 8}};
    }
    TORCH_CHECK(false, "ResNet has no depth ", static_cast<int>(depth));
  }

  int feature_dim_;
  Conv1d conv1_;
  BatchNorm1d bn1_;
  std::array<torch::nn::Sequential, kResidualStages> layers_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace ecg

#endif  // ECG_MODEL_RESNET_H_

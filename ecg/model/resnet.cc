#include "ecg/model/resnet.h"

#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include "ecg/model/residual.h"
#include "ecg/nn/at_each_time.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

BasicBlock::BasicBlock(int in, int width, int stride, const Grouping&, int kernel)
    : conv1_(register_module("conv1", Convolution(in, width, kernel, stride))),
      bn1_(register_module("bn1", BatchNorm1d(width))),
      conv2_(register_module("conv2", Convolution(width, width, HalfKernel(kernel)))),
      bn2_(register_module("bn2", BatchNorm1d(width))),
      downsample_(Shortcut(in, width * kExpansion, stride)) {
  if (downsample_) register_module("downsample", downsample_);
}

torch::Tensor BasicBlock::forward(const torch::Tensor& x) {
  torch::Tensor out = bn1_->NormRelu(conv1_(x));
  return NormAddRelu(bn2_, conv2_(out), downsample_ ? downsample_->forward(x) : x);
}

Bottleneck::Bottleneck(int in, int width, int inner, int stride, int groups, int kernel)
    : conv1_(register_module("conv1", Convolution(in, inner, 1))),
      bn1_(register_module("bn1", BatchNorm1d(inner))),
      conv2_(register_module("conv2", Convolution(inner, inner, kernel, stride, groups))),
      bn2_(register_module("bn2", BatchNorm1d(inner))),
      conv3_(register_module("conv3", Convolution(inner, width * kExpansion, 1))),
      bn3_(register_module("bn3", BatchNorm1d(width * kExpansion))),
      downsample_(Shortcut(in, width * kExpansion, stride)) {
  if (downsample_) register_module("downsample", downsample_);
}

torch::Tensor Bottleneck::forward(const torch::Tensor& x) {
  torch::Tensor out = bn1_->NormRelu(conv1_(x));
  out = bn2_->NormRelu(conv2_(out));
  return NormAddRelu(bn3_, conv3_(out), downsample_ ? downsample_->forward(x) : x);
}

template <typename Block>
ResNet<Block>::ResNet(const Spec& spec, int leads)
    : feature_dim_(spec.feature_dim()),
      conv1_(register_module("conv1", Convolution(leads, kStemWidth, 7, 2))),
      bn1_(register_module("bn1", BatchNorm1d(kStemWidth))) {
  const auto [blocks, grouping] = StagesOf(spec.depth());
  int channels = kStemWidth;
  layers_ = ResidualStages<Block>(*this, channels, blocks, grouping);
  SetStochasticDepth(*this, spec.stochastic_depth());
  fc_ = register_module("fc", torch::nn::Linear(channels, feature_dim_));
  InitKaimingNormal(*this);
}

template <typename Block>
torch::Tensor ResNet<Block>::Convolve(const torch::Tensor& signals) {
  torch::Tensor x = bn1_->NormRelu(conv1_(signals));
  x = HalvingMaxPool(x);
  for (auto& layer : layers_) x = layer->forward(x);
  return x;
}

template <typename Block>
torch::Tensor ResNet<Block>::forward(const torch::Tensor& signals) {
  return fc_(Convolve(signals).mean(/*dim=*/-1));
}

template <typename Block>
torch::Tensor ResNet<Block>::Sequence(const torch::Tensor& signals) {
  return AtEachTime(fc_, Convolve(signals));
}

// Table 1 of each paper.
template <typename Block>
typename ResNet<Block>::Stages ResNet<Block>::StagesOf(Spec::Depth depth) {
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

template class ResNet<BasicBlock>;
template class ResNet<Bottleneck>;

}  // namespace ecg

// resnet.h
//
// Residual networks: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385, and
// their form with grouped convolutions: Xie, Girshick, Dollár, Tu and He 2017, "Aggregated Residual Transformations for
// Deep Neural Networks", arXiv:1611.05431. Convolutions are over time. State names and shapes are those of
// `seitalab/dnn_ecg_comparison`.
//
// It differs from the papers in the last layer: a linear layer maps the pooled features to `feature_dim`; the head
// follows.
//
//   Classifier<ResNet<BasicBlock>> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_RESNET_H_
#define ECG_MODEL_RESNET_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>

#include <array>

#include "ecg/model/residual.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Grouping is the groups of the middle convolution of a bottleneck. Each has `width_per_group` channels in a block of
// width 64, and proportionally more in wider blocks.
struct Grouping {
  int groups = 1;
  int width_per_group = 64;
};

// BasicBlock is two convolutions of kernel sizes `kernel` and HalfKernel(kernel), by default 3 and 3, with a residual
// connection: [B, `in`, L] -> [B, `width`, ceil(L / `stride`)].
class BasicBlock : public ResidualBlock {
 public:
  // Output channels, in units of `width`.
  static constexpr int kExpansion = 1;

  BasicBlock(int in, int width, int stride, const Grouping& = {}, int kernel = 3);

  torch::Tensor forward(const torch::Tensor& x);

 private:
  Conv1d conv1_;
  BatchNorm1d bn1_;
  Conv1d conv2_;
  BatchNorm1d bn2_;
  torch::nn::Sequential downsample_;
};

// Bottleneck is three convolutions of kernel sizes 1, `kernel` and 1 with a residual connection:
// [B, `in`, L] -> [B, 4 * `width`, ceil(L / `stride`)].
class Bottleneck : public ResidualBlock {
 public:
  static constexpr int kExpansion = 4;

  Bottleneck(int in, int width, int stride, const Grouping& grouping = {}, int kernel = 3)
      : Bottleneck(in, width, width * grouping.width_per_group / 64 * grouping.groups, stride, grouping.groups,
                   kernel) {}

  torch::Tensor forward(const torch::Tensor& x);

 private:
  Bottleneck(int in, int width, int inner, int stride, int groups, int kernel);

  Conv1d conv1_;
  BatchNorm1d bn1_;
  Conv1d conv2_;
  BatchNorm1d bn2_;
  Conv1d conv3_;
  BatchNorm1d bn3_;
  torch::nn::Sequential downsample_;
};

// ResNet is a stem, max pooling, four stages of width 64, 128, 256 and 512 with strides 1, 2, 2 and 2, global average
// pooling and a linear layer: [B, C, L] -> [B, feature_dim].
template <typename Block>
class ResNet : public torch::nn::Module {
 public:
  using Spec = spec::ResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.resnet(); }

  ResNet(const Spec& spec, int leads);

  torch::Tensor forward(const torch::Tensor& signals);

  int feature_dim() const { return feature_dim_; }

  // Sequence returns the features of each time, of which forward is the mean: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals);
  int sequence_dim() const { return feature_dim_; }

 private:
  // Convolve returns the output of the last stage: [B, C, L] -> [B, width, T].
  torch::Tensor Convolve(const torch::Tensor& signals);

  // Stages is the number of blocks in each stage, and the groups of their convolutions.
  struct Stages {
    std::array<int, kResidualStages> blocks;
    Grouping grouping;
  };

  static Stages StagesOf(Spec::Depth depth);

  int feature_dim_;
  Conv1d conv1_;
  BatchNorm1d bn1_;
  std::array<torch::nn::Sequential, kResidualStages> layers_;
  torch::nn::Linear fc_{nullptr};
};

// Compiled once, in resnet.cc, rather than in every program.
extern template class ResNet<BasicBlock>;
extern template class ResNet<Bottleneck>;

}  // namespace ecg

#endif  // ECG_MODEL_RESNET_H_

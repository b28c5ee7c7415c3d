// senet.h
//
// Squeeze-and-excitation networks: Hu, Shen and Sun 2018, "Squeeze-and-Excitation Networks", arXiv:1709.01507. They are
// residual networks of bottlenecks with squeeze-and-excitation. Convolutions are over time. State names and shapes are
// those of `seitalab/dnn_ecg_comparison`.
//
//   Classifier<SeNet> network(spec.model(), /*leads=*/12, /*classes=*/71);
//
// SENet-154 is fixed: the reference cannot run it, because the first convolution of its stem is two-dimensional by
// mistake. Ours is one-dimensional like all others: "layer0.conv1.weight" is [64, C, 3] instead of [64, C, 3, 3].
//
// Like the reference, it differs from the paper: the stem of SENet-154 has 12 channels instead of 128, and a linear
// layer maps the pooled features to `feature_dim`; the head follows.

#ifndef ECG_MODEL_SENET_H_
#define ECG_MODEL_SENET_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "ecg/model/residual.h"
#include "ecg/nn/at_each_time.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/squeeze_excitation.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// SeBottleneckShape is the hyperparameters of a block, which differ between the three families of networks.
struct SeBottleneckShape {
  // Output channels of the first and the second convolution, in units of the block's width.
  int first = 1;
  int second = 1;
  // Groups of the second convolution.
  int groups = 1;
  // Whether the first convolution has the stride, as in the authors' Caffe networks, or the second one.
  bool first_strides = false;
  // Kernel size of the shortcut's convolution where it has a stride.
  int shortcut_kernel = 1;
};

// SeBottleneck is three convolutions of kernel sizes 1, 3 and 1 and squeeze-and-excitation, with a residual connection:
// [B, `in`, L] -> [B, 4 * `width`, ceil(L / `stride`)].
class SeBottleneck : public ResidualBlock {
 public:
  static constexpr int kExpansion = 4;

  SeBottleneck(int in, int width, int stride, const SeBottleneckShape& shape)
      : SeBottleneck(in, width * shape.first, width * shape.second, width * kExpansion, stride, shape) {}

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = bn1_->NormRelu(conv1_(x));
    out = bn2_->NormRelu(conv2_(out));
    out = Dropped(se_module_->forward(bn3_(conv3_(out))));
    out += downsample_ ? downsample_->forward(x) : x;
    return out.relu_();
  }

 private:
  // The paper's reduction ratio r.
  static constexpr int kReduction = 16;

  SeBottleneck(int in, int first, int second, int out, int stride, const SeBottleneckShape& shape)
      : conv1_(register_module("conv1", Convolution(in, first, 1, shape.first_strides ? stride : 1))),
        bn1_(register_module("bn1", BatchNorm1d(first))),
        conv2_(register_module("conv2", Convolution(first, second, 3, shape.first_strides ? 1 : stride, shape.groups))),
        bn2_(register_module("bn2", BatchNorm1d(second))),
        conv3_(register_module("conv3", Convolution(second, out, 1))),
        bn3_(register_module("bn3", BatchNorm1d(out))),
        se_module_(register_module("se_module", std::make_shared<SqueezeExcitation>(
                                                    out, SqueezeExcitation::Options{.squeezed = out / kReduction}))),
        downsample_(Shortcut(in, out, stride, stride == 1 ? 1 : shape.shortcut_kernel)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  Conv1d conv1_;
  BatchNorm1d bn1_;
  Conv1d conv2_;
  BatchNorm1d bn2_;
  Conv1d conv3_;
  BatchNorm1d bn3_;
  std::shared_ptr<SqueezeExcitation> se_module_;
  torch::nn::Sequential downsample_;
};

// SeNet is a stem, max pooling, four stages of width 64, 128, 256 and 512 with strides 1, 2, 2 and 2, global average
// pooling, dropout and a linear layer: [B, C, L] -> [B, feature_dim].
class SeNet : public torch::nn::Module {
 public:
  using Spec = spec::SeNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.senet(); }

  SeNet(const Spec& spec, int leads) : feature_dim_(spec.feature_dim()) {
    const auto [stem, blocks, shape, dropout] = ArchitectureOf(spec.architecture());
    int channels = leads;
    for (const auto& [kernel, width] : stem) {
      const std::string number = std::to_string(layer0_->size() / 3 + 1);
      layer0_->push_back("conv" + number, Convolution(channels, width, kernel, layer0_->is_empty() ? 2 : 1));
      layer0_->push_back("bn" + number, BatchNorm1d(width));
      layer0_->push_back("relu" + number, torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
      channels = width;
    }
    register_module("layer0", layer0_);
    layers_ = ResidualStages<SeBottleneck>(*this, channels, blocks, shape);
    SetStochasticDepth(*this, spec.stochastic_depth());
    dropout_ = register_module("dropout", torch::nn::Dropout(dropout));
    fc_ = register_module("fc", torch::nn::Linear(channels, feature_dim_));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return fc_(dropout_(Convolve(signals).mean(/*dim=*/-1))); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return AtEachTime(fc_, dropout_(Convolve(signals))); }
  int sequence_dim() const { return feature_dim_; }

  int feature_dim() const { return feature_dim_; }

 private:
  // Convolve returns what is pooled: [B, C, L] -> [B, width, T].
  torch::Tensor Convolve(const torch::Tensor& signals) {
    torch::Tensor x = layer0_->forward(signals);
    // As in the authors' Caffe networks: no padding, and a last window that may reach beyond the end.
    x = MaxPool(x, {.kernel = 3, .stride = 2, .ceil_mode = true});
    for (auto& layer : layers_) x = layer->forward(x);
    return x;
  }

  // StemConvolution is a convolution of the stem, of which the first has stride 2.
  struct StemConvolution {
    int kernel;
    int width;
  };

  // Architecture is the hyperparameters of a network.
  struct Architecture {
    std::vector<StemConvolution> stem;
    std::array<int, kResidualStages> blocks;
    SeBottleneckShape shape;
    double dropout = 0;
  };

  // Table 1 and the appendix of the paper, with the stems of the reference. ResNeXt's first stage has 32 groups of 4
  // channels, twice ResNet's 64.
  static Architecture ArchitectureOf(Spec::Architecture architecture) {
    const std::vector<StemConvolution> stem = {{7, kStemWidth}};
    const SeBottleneckShape resnet = {.first_strides = true};
    const SeBottleneckShape resnext = {.first = 2, .second = 2, .groups = 32};
    switch (architecture) {
      case Spec::SE_RESNET_50:
        return {stem, BlocksOfResNet(50), resnet};
      case Spec::SE_RESNET_101:
        return {stem, BlocksOfResNet(101), resnet};
      case Spec::SE_RESNET_152:
        return {stem, BlocksOfResNet(152), resnet};
      case Spec::SE_RESNEXT_50_32X4D:
        return {stem, BlocksOfResNet(50), resnext};
      case Spec::SE_RESNEXT_101_32X4D:
        return {stem, BlocksOfResNet(101), resnext};
      case Spec::SENET_154:
        return {{{3, 64}, {3, 64}, {3, 12}},
                BlocksOfResNet(152),
                {.first = 2, .second = 4, .groups = 64, .shortcut_kernel = 3},
                0.2};
    }
    TORCH_CHECK(false, "SeNet has no architecture ", static_cast<int>(architecture));
  }

  int feature_dim_;
  torch::nn::Sequential layer0_;
  std::array<torch::nn::Sequential, kResidualStages> layers_;
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

}  // namespace ecg

#endif  // ECG_MODEL_SENET_H_

// efficientnet.h
//
// EfficientNet: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
// arXiv:1905.11946; the scale B8 is from Xie et al. 2020, arXiv:1911.09665. Convolutions are over
// time. State names and shapes are those of `seitalab/dnn_ecg_comparison`.
//
// Like the reference, it differs from the paper:
// - A linear layer maps the pooled features to `feature_dim`; the head follows.
// - The rate of drop-connect is that of dropout, 0.2 to 0.5; the paper's is 0.2 at every scale.
// - The padding of all convolutions of stride 2 depends on the length of the crop, TensorFlow's on the length of the
//   layer's input. This matters only where one is even and the other odd; see ConvolveSame.
//
//   Classifier<EfficientNet> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_EFFICIENTNET_H_
#define ECG_MODEL_EFFICIENTNET_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/model/mobile.h"
#include "ecg/model/residual.h"
#include "ecg/nn/activation.h"
#include "ecg/nn/at_each_time.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/same_convolution.h"
#include "ecg/nn/squeeze_excitation.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// MobileBottleneck is an inverted residual block (Sandler et al. 2018, arXiv:1801.04381) with squeeze-and-excitation
// (Hu et al. 2018, arXiv:1709.01507): expansion, depthwise convolution, squeeze-and-excitation and projection, with a
// residual connection where input and output have the same shape: [B, in, L] -> [B, out, L / stride].
class MobileBottleneck : public torch::nn::Module {
 public:
  struct Options {
    int in;
    int out;
    int kernel;
    int stride;
    // Channels of the depthwise convolution for each input channel.
    int expansion;
    // That of DropCrops.
    double drop_probability;
  };

  explicit MobileBottleneck(const Options& options) : options_(options) {
    const int inner = options.in * options.expansion, squeezed = std::max(1, options.in / 4);
    if (options.expansion != 1) {
      expand_conv_ = register_module("_expand_conv", Convolution(options.in, inner, 1));
      bn0_ = register_module("_bn0", BatchNorm1d(inner, kMobileNorm));
    }
    depthwise_conv_ =
        register_module("_depthwise_conv", Convolution(inner, inner, options.kernel, options.stride, inner));
    bn1_ = register_module("_bn1", BatchNorm1d(inner, kMobileNorm));
    // In the state its convolutions are those of the block itself.
    squeeze_excitation_ = std::make_shared<SqueezeExcitation>(inner, SqueezeExcitation::Options{
                                                                         .squeezed = squeezed,
                                                                         .activation = Activation::kSilu,
                                                                         .reduce = "_se_reduce",
                                                                         .expand = "_se_expand",
                                                                     });
    for (const auto& item : squeeze_excitation_->named_children()) register_module(item.key(), item.value());
    project_conv_ = register_module("_project_conv", Convolution(inner, options.out, 1));
    bn2_ = register_module("_bn2", BatchNorm1d(options.out, kMobileNorm));
  }

  // forward takes [B, in, L] and the length of the crops in samples.
  torch::Tensor forward(const torch::Tensor& input, int64_t samples) {
    torch::Tensor x = input;
    if (expand_conv_) x = torch::silu(bn0_(expand_conv_(x)));
    x = torch::silu(bn1_(ConvolveSame(depthwise_conv_, x, samples)));
    x = bn2_(project_conv_(squeeze_excitation_->forward(x)));
    if (options_.stride != 1 || options_.in != options_.out) return x;
    return DropCrops(x, options_.drop_probability, is_training()) + input;
  }

 private:
  Options options_;
  Conv1d expand_conv_{nullptr};
  BatchNorm1d bn0_{nullptr};
  Conv1d depthwise_conv_{nullptr};
  BatchNorm1d bn1_{nullptr};
  std::shared_ptr<SqueezeExcitation> squeeze_excitation_;
  Conv1d project_conv_{nullptr};
  BatchNorm1d bn2_{nullptr};
};

// EfficientNet is a stem, seven stages of blocks, a last convolution, global average pooling, dropout and a linear
// layer, with batch norm and swish throughout: [B, C, L] -> [B, feature_dim]. The total stride is 32.
class EfficientNet : public torch::nn::Module {
 public:
  using Spec = spec::EfficientNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.efficientnet(); }

  EfficientNet(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()), sequence_length_(spec.sequence_length()) {
    const Scaling scaling = ScalingOf(spec.scale());
    const auto width = [&](int channels) { return RoundedChannels(channels * scaling.width); };
    const auto depth = [&](int blocks) { return static_cast<int>(std::ceil(blocks * scaling.depth)); };
    int channels = width(kStemWidth);
    conv_stem_ = register_module("_conv_stem", Convolution(leads, channels, /*kernel=*/3, /*stride=*/2));
    bn0_ = register_module("_bn0", BatchNorm1d(channels, kMobileNorm));

    int count = 0;
    for (const Stage& stage : kStages) count += depth(stage.blocks);
    torch::nn::ModuleList blocks;
    for (const Stage& stage : kStages) {
      for (int block = 0; block < depth(stage.blocks); ++block) {
        // Grows linearly with depth.
        const double drop_probability = scaling.dropout * blocks_.size() / count;
        blocks_.push_back(
            std::make_shared<MobileBottleneck>(MobileBottleneck::Options{.in = channels,
                                                                         .out = width(stage.width),
                                                                         .kernel = stage.kernel,
                                                                         .stride = block == 0 ? stage.stride : 1,
                                                                         .expansion = stage.expansion,
                                                                         .drop_probability = drop_probability}));
        blocks->push_back(blocks_.back());
        channels = width(stage.width);
      }
    }
    register_module("_blocks", blocks);

    conv_head_ = register_module("_conv_head", Convolution(channels, width(kHeadWidth), 1));
    bn1_ = register_module("_bn1", BatchNorm1d(width(kHeadWidth), kMobileNorm));
    dropout_ = register_module("_dropout", torch::nn::Dropout(scaling.dropout));
    fc_ = register_module("fc", torch::nn::Linear(width(kHeadWidth), feature_dim_));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return fc_(dropout_(Convolve(signals).mean(/*dim=*/-1))); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return AtEachTime(fc_, dropout_(Convolve(signals))); }
  int sequence_dim() const { return feature_dim_; }

  // CheckSamples refuses crops that have another length than the spec's, if it has one, or are too short for the
  // deepest layers.
  absl::Status CheckSamples(int samples) const {
    if (sequence_length_ != 0 && samples != sequence_length_) {
      return absl::InvalidArgumentError(absl::StrCat("model.efficientnet.sequence_length is ", sequence_length_,
                                                     ", but the crops have ", samples, " samples; make it ", samples,
                                                     ", or leave it out, and the network takes crops of any length"));
    }
    // Five strides of 2 round down if the number of samples is even, and up if it is odd.
    if (samples % 2 == 0 && samples < kShortestEven) {
      return absl::InvalidArgumentError(absl::StrCat("the crops have ", samples, " samples, but EfficientNet needs ",
                                                     kShortestEven, " or more; make data.crop_seconds longer"));
    }
    return absl::OkStatus();
  }

  int feature_dim() const { return feature_dim_; }

 private:
  // Convolve returns what is pooled: [B, C, L] -> [B, width, T].
  torch::Tensor Convolve(const torch::Tensor& signals) {
    const int64_t samples = signals.size(-1);
    const absl::Status usable = CheckSamples(samples);
    TORCH_CHECK(usable.ok(), std::string(usable.message()));
    torch::Tensor x = torch::silu(bn0_(ConvolveSame(conv_stem_, signals, samples)));
    for (const auto& block : blocks_) x = block->forward(x, samples);
    return torch::silu(bn1_(conv_head_(x)));
  }

  static constexpr int kStemWidth = 32;
  static constexpr int kHeadWidth = 1280;
  static constexpr int kShortestEven = 32;

  struct Stage {
    int blocks;
    int kernel;
    // Of the first block; the others have stride 1.
    int stride;
    int expansion;
    int width;
  };

  // Table 1 of the paper.
  static constexpr Stage kStages[] = {
      {.blocks = 1, .kernel = 3, .stride = 1, .expansion = 1, .width = 16},
      {.blocks = 2, .kernel = 3, .stride = 2, .expansion = 6, .width = 24},
      {.blocks = 2, .kernel = 5, .stride = 2, .expansion = 6, .width = 40},
      {.blocks = 3, .kernel = 3, .stride = 2, .expansion = 6, .width = 80},
      {.blocks = 3, .kernel = 5, .stride = 1, .expansion = 6, .width = 112},
      {.blocks = 4, .kernel = 5, .stride = 2, .expansion = 6, .width = 192},
      {.blocks = 1, .kernel = 3, .stride = 1, .expansion = 6, .width = 320},
  };

  // Scaling is the factors of width and depth relative to B0, and the dropout before the last layer.
  struct Scaling {
    double width;
    double depth;
    double dropout;
  };

  // From the authors' code.
  static Scaling ScalingOf(Spec::Scale scale) {
    switch (scale) {
      case Spec::B0:
        return {1.0, 1.0, 0.2};
      case Spec::B1:
        return {1.0, 1.1, 0.2};
      case Spec::B2:
        return {1.1, 1.2, 0.3};
      case Spec::B3:
        return {1.2, 1.4, 0.3};
      case Spec::B4:
        return {1.4, 1.8, 0.4};
      case Spec::B5:
        return {1.6, 2.2, 0.4};
      case Spec::B6:
        return {1.8, 2.6, 0.5};
      case Spec::B7:
        return {2.0, 3.1, 0.5};
      case Spec::B8:
        return {2.2, 3.6, 0.5};
    }
    TORCH_CHECK(false, "EfficientNet has no scale ", static_cast<int>(scale));
  }

  int feature_dim_;
  int sequence_length_;
  Conv1d conv_stem_{nullptr};
  BatchNorm1d bn0_{nullptr};
  std::vector<std::shared_ptr<MobileBottleneck>> blocks_;
  Conv1d conv_head_{nullptr};
  BatchNorm1d bn1_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
  torch::nn::Linear fc_{nullptr};
};

}  // namespace ecg

#endif  // ECG_MODEL_EFFICIENTNET_H_

// efficientnet.h
//
// EfficientNet: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
// arXiv:1905.11946; the scale B8 is from Xie et al. 2020, arXiv:1911.09665. Convolutions are one-dimensional, along
// time. Names and shapes of the weights are those of `seitalab/dnn_ecg_comparison`.
//
// It departs from the paper as the reference does:
// - The pooled features go through a linear layer to `feature_dim`, from which the head goes on to the classes.
// - Drop-connect has the rate of the dropout, 0.2 to 0.5; the paper's is 0.2 at every scale.
// - Convolutions that halve the number of samples are all padded by what the samples of the whole crop call for, where
//   TensorFlow goes by those that reach the layer. It matters only whether that number is even or odd; see
//   efficientnet_internal::ConvolveSame.
//
//   Classifier<EfficientNet> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_EFFICIENTNET_H_
#define ECG_MODEL_EFFICIENTNET_H_

#include <torch/torch.h>

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
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "proto/experiment.pb.h"

namespace ecg {

namespace efficientnet_internal {

// ConvolveSame returns `convolution` of `x`, which is padded not as the convolution says but with as many zeros as
// TensorFlow's padding "SAME" has for a signal of `samples`: just those with which a stride of 2 leaves half of
// `samples`, rounded up. Half of the zeros come first, and of an odd number the one more comes last. Where an odd
// number of samples reaches a layer in a crop with an even one, half of them, rounded down, are left.
inline torch::Tensor ConvolveSame(const Conv1d& convolution, const torch::Tensor& x, int64_t samples) {
  const int64_t kernel = convolution->options.kernel_size()->at(0), stride = convolution->options.stride()->at(0);
  const int64_t beyond = samples % stride == 0 ? stride : samples % stride;
  const int64_t zeros = std::max<int64_t>(kernel - beyond, 0);
  return Convolve(zeros % 2 == 0 ? x : torch::constant_pad_nd(x, {0, 1}), convolution->weight, convolution->bias,
                  stride,
                  /*padding=*/zeros / 2, /*dilation=*/1, convolution->options.groups());
}

}  // namespace efficientnet_internal

// DropConnect silences each crop of `x` [B, C, L] with probability `rate` while training, and makes the others larger,
// so that the expectation stays: Huang et al. 2016, "Deep Networks with Stochastic Depth", arXiv:1603.09382.
inline torch::Tensor DropConnect(const torch::Tensor& x, double rate, bool training) {
  if (!training || rate == 0) return x;
  const double keep = 1 - rate;
  return x * x.new_empty({x.size(0), 1, 1}).bernoulli_(keep).div_(keep);
}

// MobileBottleneck is an inverted residual block (Sandler et al. 2018, arXiv:1801.04381) with squeeze-and-excitation
// (Hu et al. 2018, arXiv:1709.01507): [B, in, L] -> [B, out, L / stride]. It widens, convolves each channel by itself,
// weighs the channels by what the whole crop holds, and narrows. Around it the input is added where shapes allow.
class MobileBottleneck : public torch::nn::Module {
 public:
  struct Options {
    int in;
    int out;
    int kernel;
    int stride;
    // How many times wider the convolution is than the input.
    int expansion;
    // The rate of DropConnect.
    double drop_rate;
  };

  explicit MobileBottleneck(const Options& options) : options_(options) {
    const int inner = options.in * options.expansion, squeezed = std::max(1, options.in / 4);
    if (options.expansion != 1) {
      expand_conv_ = register_module("_expand_conv", Convolution(options.in, inner, 1));
      bn0_ = register_module("_bn0", MobileBatchNorm(inner));
    }
    depthwise_conv_ =
        register_module("_depthwise_conv", Convolution(inner, inner, options.kernel, options.stride, inner));
    bn1_ = register_module("_bn1", MobileBatchNorm(inner));
    se_reduce_ = register_module("_se_reduce", Conv1d(inner, squeezed, 1));
    se_expand_ = register_module("_se_expand", Conv1d(squeezed, inner, 1));
    project_conv_ = register_module("_project_conv", Convolution(inner, options.out, 1));
    bn2_ = register_module("_bn2", MobileBatchNorm(options.out));
  }

  // forward takes [B, in, L] of crops that had `samples` samples when they came in.
  torch::Tensor forward(const torch::Tensor& input, int64_t samples) {
    torch::Tensor x = input;
    if (expand_conv_) x = torch::silu(bn0_(expand_conv_(x)));
    x = torch::silu(bn1_(efficientnet_internal::ConvolveSame(depthwise_conv_, x, samples)));
    x = x * torch::sigmoid(se_expand_(torch::silu(se_reduce_(x.mean(/*dim=*/-1, /*keepdim=*/true)))));
    x = bn2_(project_conv_(x));
    if (options_.stride != 1 || options_.in != options_.out) return x;
    return DropConnect(x, options_.drop_rate, is_training()) + input;
  }

 private:
  Options options_;
  Conv1d expand_conv_{nullptr};
  BatchNorm1d bn0_{nullptr};
  Conv1d depthwise_conv_{nullptr};
  BatchNorm1d bn1_{nullptr};
  Conv1d se_reduce_{nullptr};
  Conv1d se_expand_{nullptr};
  Conv1d project_conv_{nullptr};
  BatchNorm1d bn2_{nullptr};
};

// EfficientNet is a stem, seven stages of blocks and a last convolution, with batch norm and swish throughout; its
// outputs are averaged over time: [B, C, L] -> [B, feature_dim]. L becomes about L / 32.
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
    bn0_ = register_module("_bn0", MobileBatchNorm(channels));

    int count = 0;
    for (const Stage& stage : kStages) count += depth(stage.blocks);
    torch::nn::ModuleList blocks;
    for (const Stage& stage : kStages) {
      for (int block = 0; block < depth(stage.blocks); ++block) {
        // The deeper the block, the more often it is dropped.
        const double drop_rate = scaling.dropout * blocks_.size() / count;
        blocks_.push_back(
            std::make_shared<MobileBottleneck>(MobileBottleneck::Options{.in = channels,
                                                                         .out = width(stage.width),
                                                                         .kernel = stage.kernel,
                                                                         .stride = block == 0 ? stage.stride : 1,
                                                                         .expansion = stage.expansion,
                                                                         .drop_rate = drop_rate}));
        blocks->push_back(blocks_.back());
        channels = width(stage.width);
      }
    }
    register_module("_blocks", blocks);

    conv_head_ = register_module("_conv_head", Convolution(channels, width(kHeadWidth), 1));
    bn1_ = register_module("_bn1", MobileBatchNorm(width(kHeadWidth)));
    dropout_ = register_module("_dropout", torch::nn::Dropout(scaling.dropout));
    fc_ = register_module("fc", torch::nn::Linear(width(kHeadWidth), feature_dim_));
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    const int64_t samples = signals.size(-1);
    const absl::Status usable = CheckSamples(samples);
    TORCH_CHECK(usable.ok(), std::string(usable.message()));
    torch::Tensor x = torch::silu(bn0_(efficientnet_internal::ConvolveSame(conv_stem_, signals, samples)));
    for (const auto& block : blocks_) x = block->forward(x, samples);
    x = torch::silu(bn1_(conv_head_(x)));
    return fc_(dropout_(x.mean(/*dim=*/-1)));
  }

  // CheckSamples refuses crops of another length than the spec's, if it names one, and those of which too little is
  // left in the deepest layers.
  absl::Status CheckSamples(int samples) const {
    if (sequence_length_ != 0 && samples != sequence_length_) {
      return absl::InvalidArgumentError(absl::StrCat("model.efficientnet.sequence_length is ", sequence_length_,
                                                     ", but the crops have ", samples, " samples; make it ", samples,
                                                     ", or leave it out, and the network takes crops of any length"));
    }
    // An even number is halved five times, rounded down; an odd one rounded up.
    if (samples % 2 == 0 && samples < kShortestEven) {
      return absl::InvalidArgumentError(absl::StrCat("the crops have ", samples, " samples, but EfficientNet needs ",
                                                     kShortestEven, " or more; make data.crop_seconds longer"));
    }
    return absl::OkStatus();
  }

  int feature_dim() const { return feature_dim_; }

 private:
  static constexpr int kStemWidth = 32;
  static constexpr int kHeadWidth = 1280;
  static constexpr int kShortestEven = 32;

  struct Stage {
    int blocks;
    int kernel;
    // Of the first block; the others have 1.
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

  // Scaling is by how much a network is wider and deeper than B0, and the probability with which one of its pooled
  // features is silenced in training.
  struct Scaling {
    double width;
    double depth;
    double dropout;
  };

  // The figures of the authors' code.
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

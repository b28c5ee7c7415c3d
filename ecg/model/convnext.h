// convnext.h
//
// Liu, Mao, Wu, Feichtenhofer, Darrell and Xie 2022, "A ConvNet for the 2020s" (ConvNeXt), arXiv:2201.03545, with
// convolutions over time. State names are those of `facebookresearch/ConvNeXt`, whose code gives the same numbers for
// images that are the same in every row and kernels with a single row that is not 0.
//
// It differs from the paper: patches, kernels and downsampling are of samples rather than pixels; the first stage has
// 32 channels by default, not 96, since a corpus of ECGs has a hundredth of ImageNet's records; the probability of
// stochastic depth is already above 0 in the first block; and initial weights are normal, of which those beyond a
// hundred standard deviations are not redrawn.
//
//   Classifier<ConvNext> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_CONVNEXT_H_
#define ECG_MODEL_CONVNEXT_H_

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>

#include <array>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/model/network.h"
#include "ecg/nn/at_each_time.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ConvNextNorm returns layer norm over so many channels, with the paper's epsilon.
inline torch::nn::LayerNorm ConvNextNorm(int channels) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(1e-6));
}

// ConvNextBlock is a depthwise convolution, layer norm, a linear layer to four times as many channels, GELU, a linear
// layer back and a factor for each channel, with a residual connection: [B, `width`, L] -> [B, `width`, L].
class ConvNextBlock : public ResidualBlock {
 public:
  ConvNextBlock(int width, int kernel, double layer_scale)
      : gamma_(register_parameter("gamma", torch::full({width}, layer_scale))),
        dwconv_(register_module(
            "dwconv", Conv1d(torch::nn::Conv1dOptions(width, width, kernel).padding(kernel / 2).groups(width)))),
        norm_(register_module("norm", ConvNextNorm(width))),
        pwconv1_(register_module("pwconv1", torch::nn::Linear(width, 4 * width))),
        pwconv2_(register_module("pwconv2", torch::nn::Linear(4 * width, width))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    // [B, L, width], which layer norm and linear layers need.
    const torch::Tensor y = dwconv_(x).transpose(1, 2);
    const torch::Tensor branch = gamma_ * pwconv2_(torch::gelu(pwconv1_(norm_(y))));
    return x + Dropped(branch.transpose(1, 2));
  }

 private:
  torch::Tensor gamma_;
  Conv1d dwconv_;
  torch::nn::LayerNorm norm_;
  torch::nn::Linear pwconv1_;
  torch::nn::Linear pwconv2_;
};

// ConvNext is a stem of patches, four stages of blocks with downsampling between them, the mean over time and layer
// norm: [B, C, L] -> [B, feature_dim]. Its own head is a linear layer.
class ConvNext : public torch::nn::Module {
 public:
  using Spec = spec::ConvNext;
  static const Spec& SpecIn(const spec::Model& model) { return model.convnext(); }

  ConvNext(const Spec& spec, int leads) : patch_(spec.patch_samples()), feature_dim_(spec.width() << (kStages - 1)) {
    const auto downsample = register_module("downsample_layers", std::make_shared<torch::nn::Module>());
    const auto stages = register_module("stages", torch::nn::ModuleList());
    const std::array<int, kStages> blocks = BlocksOf(spec.depth());
    int channels = leads;
    for (int stage = 0; stage < kStages; ++stage) {
      const int width = spec.width() << stage, stride = stage == 0 ? patch_ : kStride;
      const auto layer = downsample->register_module(std::to_string(stage), std::make_shared<torch::nn::Module>());
      // The norm follows the stem's convolution, but comes before the others.
      norms_[stage] = ConvNextNorm(stage == 0 ? width : channels);
      convs_[stage] = Conv1d(torch::nn::Conv1dOptions(channels, width, stride).stride(stride));
      layer->register_module(stage == 0 ? "1" : "0", norms_[stage]);
      layer->register_module(stage == 0 ? "0" : "1", convs_[stage]);
      for (int block = 0; block < blocks[stage]; ++block) {
        stages_[stage]->push_back(ConvNextBlock(width, spec.kernel_size(), spec.layer_scale()));
      }
      stages->push_back(stages_[stage]);
      channels = width;
    }
    norm_ = register_module("norm", ConvNextNorm(channels));
    SetStochasticDepth(*this, spec.stochastic_depth());
  }

  // InitWeights initialises the weights of all layers, those of an own head too, as the paper does.
  void InitWeights() {
    const auto init = [](auto& layer) {
      torch::nn::init::normal_(layer.weight, /*mean=*/0, /*std=*/0.02);
      torch::nn::init::zeros_(layer.bias);
    };
    for (const auto& part : modules(/*include_self=*/false)) {
      if (auto* convolution = part->as<torch::nn::Conv1d>()) init(*convolution);
      if (auto* linear = part->as<torch::nn::Linear>()) init(*linear);
    }
  }

  torch::nn::Linear AppendHead(int classes) {
    return register_module("head", torch::nn::Linear(feature_dim_, classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return norm_(Convolve(signals).mean(/*dim=*/-1)); }

  int feature_dim() const { return feature_dim_; }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return AtEachTime(norm_, Convolve(signals)); }
  int sequence_dim() const { return feature_dim_; }

  // CheckSamples refuses crops of which nothing is left for the last stage.
  absl::Status CheckSamples(int samples) const {
    const int least = patch_ << (kStages - 1);
    if (samples >= least) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the crops have ", samples, " samples, but ConvNeXt needs ", least,
                                                   " or more; make data.crop_seconds longer, or "
                                                   "model.convnext.patch_samples smaller"));
  }

 private:
  // The number of stages, and the stride between them.
  static constexpr int kStages = 4, kStride = 2;

  // Convolve returns the output of the last stage: [B, C, L] -> [B, feature_dim, T].
  torch::Tensor Convolve(const torch::Tensor& signals) {
    torch::Tensor x = signals;
    for (int stage = 0; stage < kStages; ++stage) {
      if (stage > 0) x = AtEachTime(norms_[stage], x);
      x = convs_[stage](x);
      if (stage == 0) x = AtEachTime(norms_[stage], x);
      x = stages_[stage]->forward(x);
    }
    return x;
  }

  // BlocksOf returns the number of blocks in each stage.
  static std::array<int, kStages> BlocksOf(Spec::Depth depth) {
    switch (depth) {
      case Spec::TINY:
        return {3, 3, 9, 3};
      case Spec::SMALL:
        return {3, 3, 27, 3};
    }
    TORCH_CHECK(false, "ConvNeXt has no depth ", static_cast<int>(depth));
  }

  const int patch_;
  const int feature_dim_;
  std::array<torch::nn::LayerNorm, kStages> norms_{nullptr, nullptr, nullptr, nullptr};
  std::array<Conv1d, kStages> convs_{nullptr, nullptr, nullptr, nullptr};
  std::array<torch::nn::Sequential, kStages> stages_;
  torch::nn::LayerNorm norm_{nullptr};
};

static_assert(HasSequence<ConvNext>);

}  // namespace ecg

#endif  // ECG_MODEL_CONVNEXT_H_

// squeezenet.h
//
// SqueezeNet: Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
// size", arXiv:1602.07360, and version 1.1 of the authors' repository. Convolutions are over time. State names and
// shapes are those of `seitalab/dnn_ecg_comparison`.
//
// Like the reference, it differs from the paper: the last convolution, which ReLU follows, has `feature_dim` outputs,
// and the head follows. Its weights are initialised from a normal distribution with a standard deviation of 0.01, those
// of the other convolutions Kaiming-uniform (He et al. 2015, arXiv:1502.01852).
//
//   Classifier<SqueezeNet> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_SQUEEZENET_H_
#define ECG_MODEL_SQUEEZENET_H_

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/functional.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/types.h>

#include <algorithm>
#include <array>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "ecg/nn/channels_last.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Fire is a convolution of kernel size 1 to `squeezed` channels, and two parallel convolutions of kernel sizes 1 and 3
// to four times as many each: [B, `in`, L] -> [B, 8 * `squeezed`, L].
class Fire : public torch::nn::Module {
 public:
  Fire(int in, int squeezed)
      : squeeze_(register_module("squeeze", Conv1d(in, squeezed, 1))),
        expand1x1_(register_module("expand1x1", Conv1d(squeezed, 4 * squeezed, 1))),
        expand3x3_(
            register_module("expand3x3", Conv1d(torch::nn::Conv1dOptions(squeezed, 4 * squeezed, 3).padding(1)))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor squeezed = squeeze_(x).relu_();
    return Concatenate({expand1x1_(squeezed), expand3x3_(squeezed)}).relu_();
  }

 private:
  Conv1d squeeze_;
  Conv1d expand1x1_;
  Conv1d expand3x3_;
};

// SqueezeNet is a convolution, eight fire modules with three max poolings, dropout, a last convolution and global
// average pooling, without batch norm: [B, C, L] -> [B, feature_dim]. The total stride is 16.
class SqueezeNet : public torch::nn::Module {
 public:
  using Spec = spec::SqueezeNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.squeezenet(); }

  SqueezeNet(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()), architecture_(ArchitectureOf(spec.version())) {
    const auto& [stem_width, stem_kernel, pooled] = architecture_;
    features_->push_back(Conv1d(torch::nn::Conv1dOptions(leads, stem_width, stem_kernel).stride(2)));
    features_->push_back(torch::nn::Functional(torch::relu));
    int channels = stem_width;
    for (int fire = 0; fire < kFires; ++fire) {
      if (std::ranges::find(pooled, fire) != pooled.end()) {
        features_->push_back(MaxPoolLayer({.kernel = 3, .stride = 2, .ceil_mode = true}));
      }
      const int squeezed = 16 * (fire / 2 + 1);
      features_->push_back(Fire(channels, squeezed));
      channels = 8 * squeezed;
    }
    register_module("features", features_);
    Conv1d last(channels, feature_dim_, 1);
    classifier_ = register_module(
        "classifier", torch::nn::Sequential(torch::nn::Dropout(0.5), last, torch::nn::Functional(torch::relu)));

    for (const auto& part : modules(/*include_self=*/false)) {
      if (auto* convolution = part->as<torch::nn::Conv1d>()) {
        torch::nn::init::kaiming_uniform_(convolution->weight);
        torch::nn::init::zeros_(convolution->bias);
      }
    }
    torch::nn::init::normal_(last->weight, /*mean=*/0, /*std=*/0.01);
  }

  torch::Tensor forward(const torch::Tensor& signals) { return Sequence(signals).mean(/*dim=*/-1); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return classifier_->forward(features_->forward(signals)); }
  int sequence_dim() const { return feature_dim_; }

  // CheckSamples refuses crops that are too short for the last pooling.
  absl::Status CheckSamples(int samples) const {
    // Without padding, the convolution returns 8 samples of this minimum, the poolings 4, 2 and 1.
    const int least = 14 + architecture_.stem_kernel;
    if (samples >= least) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the crops have ", samples, " samples, but SqueezeNet needs ", least,
                                                   " or more; make data.crop_seconds longer"));
  }

  int feature_dim() const { return feature_dim_; }

 private:
  static constexpr int kFires = 8;

  struct Architecture {
    int stem_width;
    int stem_kernel;
    // The fire modules with max pooling before them, counted from 0.
    std::array<int, 3> pooled;
  };

  // Table 1 of the paper, and the authors' repository.
  static Architecture ArchitectureOf(Spec::Version version) {
    switch (version) {
      case Spec::V1_0:
        return {96, 7, {0, 3, 7}};
      case Spec::V1_1:
        return {64, 3, {0, 2, 4}};
    }
    TORCH_CHECK(false, "SqueezeNet has no version ", static_cast<int>(version));
  }

  int feature_dim_;
  Architecture architecture_;
  torch::nn::Sequential features_;
  torch::nn::Sequential classifier_{nullptr};
};

}  // namespace ecg

#endif  // ECG_MODEL_SQUEEZENET_H_

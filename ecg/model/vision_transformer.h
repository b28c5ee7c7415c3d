// vision_transformer.h
//
// A vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929) over patches of time, as Weimann and Conrad 2025,
// "Self-supervised pre-training with joint-embedding predictive architecture boosts ECG classification performance",
// arXiv:2410.13867, train it on electrocardiograms. State names and shapes are those of `kweimann/ECG-JEPA`: no layer
// has a bias, norms come before attention and before the feed-forward layers, and registers, learned positions without
// a patch (Darcet et al. 2024, arXiv:2309.16588), stand before the patches.
//
//   VisionTransformer backbone(spec.model().vision_transformer(), /*leads=*/12);
//   const torch::Tensor patches = backbone.Embed(signals);                // [B, 12, L] -> [B, L / 25, 192]
//   const torch::Tensor features = backbone.Encode(patches.slice(1, 10));  // without the first ten
//   backbone.forward(signals);                                            // [B, 192], of the first register
//
// Initial weights are normal, and not truncated as in the published code, where the limits of +-2 are a hundred
// standard deviations away.

#ifndef ECG_MODEL_VISION_TRANSFORMER_H_
#define ECG_MODEL_VISION_TRANSFORMER_H_

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "ecg/model/chunks.h"
#include "ecg/model/network.h"
#include "ecg/model/undecayed.h"
#include "ecg/nn/attention.h"
#include "ecg/nn/convolution.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ScaleNorm is layer norm over the last D dimensions of [..., D] with a weight and without a bias, which LibTorch's
// layer has no option for.
class ScaleNorm : public torch::nn::Module {
 public:
  explicit ScaleNorm(int dim) : weight_(register_parameter("weight", torch::ones(dim))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    return torch::layer_norm(x, weight_.sizes(), weight_, /*bias=*/{}, /*eps=*/1e-6);
  }

 private:
  torch::Tensor weight_;
};

// VisionAttention is multi-head self-attention between positions: [B, S, D] -> [B, S, D].
class VisionAttention : public torch::nn::Module {
 public:
  VisionAttention(int dim, int heads)
      : heads_(heads),
        qkv_(register_module("qkv", torch::nn::Linear(torch::nn::LinearOptions(dim, 3 * dim).bias(false)))),
        proj_(register_module("proj", torch::nn::Linear(torch::nn::LinearOptions(dim, dim).bias(false)))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    // Queries, keys and values, each [B, heads, S, D / heads].
    const std::vector<torch::Tensor> projected =
        qkv_(x).view({x.size(0), x.size(1), 3, heads_, x.size(2) / heads_}).permute({2, 0, 3, 1, 4}).unbind();
    const torch::Tensor attended = Attend(projected[0], projected[1], projected[2], /*dropout=*/0, is_training());
    return proj_(attended.transpose(1, 2).flatten(2));
  }

 private:
  const int heads_;
  torch::nn::Linear qkv_, proj_;
};

// FeedForward is a linear layer to `hidden` units, GELU and a linear layer back: [B, S, D] -> [B, S, D].
class FeedForward : public torch::nn::Module {
 public:
  FeedForward(int dim, int hidden, double dropout)
      : dropout_(dropout),
        fc1_(register_module("fc1", torch::nn::Linear(torch::nn::LinearOptions(dim, hidden).bias(false)))),
        fc2_(register_module("fc2", torch::nn::Linear(torch::nn::LinearOptions(hidden, dim).bias(false)))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    return fc2_(torch::dropout(torch::gelu(fc1_(x)), dropout_, is_training()));
  }

 private:
  const double dropout_;
  torch::nn::Linear fc1_, fc2_;
};

// VisionBlock is attention and feed-forward layers with residual connections, each after a norm: [B, S, D] ->
// [B, S, D]. The feed-forward layers have four times as many hidden units.
class VisionBlock : public torch::nn::Module {
 public:
  VisionBlock(int dim, int heads, double dropout)
      : dropout_(dropout),
        norm1_(register_module("norm1", std::make_shared<ScaleNorm>(dim))),
        attn_(register_module("attn", std::make_shared<VisionAttention>(dim, heads))),
        norm2_(register_module("norm2", std::make_shared<ScaleNorm>(dim))),
        mlp_(register_module("mlp", std::make_shared<FeedForward>(dim, 4 * dim, dropout))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor attended = x + Dropped(attn_->forward(norm1_->forward(x)));
    return attended + Dropped(mlp_->forward(norm2_->forward(attended)));
  }

 private:
  torch::Tensor Dropped(const torch::Tensor& x) { return torch::dropout(x, dropout_, is_training()); }

  const double dropout_;
  std::shared_ptr<ScaleNorm> norm1_;
  std::shared_ptr<VisionAttention> attn_;
  std::shared_ptr<ScaleNorm> norm2_;
  std::shared_ptr<FeedForward> mlp_;
};

// VisionBlocks are `count` blocks and a norm, in a module that owns them as `blocks` and `norm`: [B, S, D] ->
// [B, S, D].
class VisionBlocks {
 public:
  VisionBlocks(torch::nn::Module& owner, int count, int dim, int heads, double dropout) {
    const auto blocks = owner.register_module("blocks", std::make_shared<torch::nn::Module>());
    for (int i = 0; i < count; ++i) {
      blocks_.push_back(blocks->register_module(std::to_string(i), std::make_shared<VisionBlock>(dim, heads, dropout)));
    }
    norm_ = owner.register_module("norm", std::make_shared<ScaleNorm>(dim));
  }

  torch::Tensor forward(torch::Tensor x) {
    for (const std::shared_ptr<VisionBlock>& block : blocks_) x = block->forward(x);
    return norm_->forward(x);
  }

 private:
  std::vector<std::shared_ptr<VisionBlock>> blocks_;
  std::shared_ptr<ScaleNorm> norm_;
};

// InitVisionWeights initialises the weights of `network`, which has `layers` blocks, as the published code does. What
// is added to a residual connection starts smaller, the more of them there are.
inline void InitVisionWeights(torch::nn::Module& network, int layers) {
  for (const auto& part : network.named_modules(/*name_prefix=*/"", /*include_self=*/false)) {
    const bool is_added = absl::EndsWith(part.key(), "mlp.fc2") || absl::EndsWith(part.key(), "attn.proj");
    const double std = is_added ? 0.02 / std::sqrt(2 * layers) : 0.02;
    if (auto* convolution = part.value()->as<torch::nn::Conv1d>()) {
      torch::nn::init::normal_(convolution->weight, /*mean=*/0, std);
    }
    if (auto* linear = part.value()->as<torch::nn::Linear>()) {
      torch::nn::init::normal_(linear->weight, /*mean=*/0, std);
      if (linear->bias.defined()) torch::nn::init::zeros_(linear->bias);
    }
  }
}

// VisionTransformer is the backbone: [B, C, L] -> [B, feature_dim]. Its own head is a linear layer without a bias.
class VisionTransformer : public torch::nn::Module, public Undecayed {
 public:
  using Spec = spec::VisionTransformer;
  static const Spec& SpecIn(const spec::Model& model) { return model.vision_transformer(); }

  VisionTransformer(const Spec& spec, int leads)
      : spec_(spec),
        registers_(register_parameter("registers", 0.02 * torch::randn({1, spec.registers(), spec.model_dim()}))),
        patches_(Conv1d(torch::nn::Conv1dOptions(leads, spec.model_dim(), spec.patch_samples())
                            .stride(spec.patch_samples())
                            .bias(false))),
        positions_(spec.model_dim()),
        blocks_(*this, spec.layers(), spec.model_dim(), spec.heads(), spec.dropout()) {
    register_module("patch_embed", std::make_shared<torch::nn::Module>())->register_module("proj", patches_);
  }

  void InitWeights() { InitVisionWeights(*this, spec_.layers()); }

  torch::nn::Linear AppendHead(int classes) {
    return register_module("fc", torch::nn::Linear(torch::nn::LinearOptions(spec_.model_dim(), classes).bias(false)));
  }

  // Embed turns each patch into a vector that also tells its position: [B, C, L] -> [B, patches, D].
  torch::Tensor Embed(const torch::Tensor& signals) {
    const torch::Tensor patches = patches_(signals).transpose(1, 2);
    return patches + positions_.Rows(patches.size(1), patches.device());
  }

  // Encode returns the features of the registers, and then those of `patches`, which may be some of Embed's: [B, S, D]
  // -> [B, registers + S, D].
  torch::Tensor Encode(const torch::Tensor& patches) {
    std::vector<torch::Tensor> all;
    for (int i = 0; i < registers(); ++i) {
      all.push_back(registers_.slice(1, i, i + 1).expand_as(patches.slice(1, 0, 1)));
    }
    all.push_back(patches);
    return blocks_.forward(torch::cat(all, 1));
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    const torch::Tensor features = Encode(Embed(signals));
    if (spec_.pooling() == Spec::REGISTER) return features.select(1, 0);
    return features.slice(1, registers()).mean(/*dim=*/1);
  }

  // Sequence returns the features of each patch: [B, C, L] -> [B, sequence_dim, patches].
  torch::Tensor Sequence(const torch::Tensor& signals) {
    return Encode(Embed(signals)).slice(1, registers()).transpose(1, 2);
  }
  int sequence_dim() const { return feature_dim(); }

  // CheckSamples refuses crops that patches do not fill.
  absl::Status CheckSamples(int samples) const {
    return ChunksOf("model.vision_transformer.patch_samples", spec_.patch_samples(), samples).status();
  }

  int feature_dim() const { return spec_.model_dim(); }
  int registers() const { return spec_.registers(); }
  int patch_samples() const { return spec_.patch_samples(); }

  // They are no weights, though they have three dimensions.
  std::vector<torch::Tensor> undecayed() const override { return {registers_}; }

 private:
  const Spec spec_;
  torch::Tensor registers_;
  Conv1d patches_;
  PositionTable positions_;
  VisionBlocks blocks_;
};

static_assert(HasSequence<VisionTransformer> && Backbone<VisionTransformer>);

}  // namespace ecg

#endif  // ECG_MODEL_VISION_TRANSFORMER_H_

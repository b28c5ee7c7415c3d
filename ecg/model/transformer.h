// transformer.h
//
// Transformer encoder over chunks of a crop: Vaswani et al. 2017, "Attention Is All You Need", arXiv:1706.03762. State
// names and shapes are those of `seitalab/dnn_ecg_comparison`.
//
// That reference passes [batch, time] to an encoder that expects [time, batch]: attention and positional encoding run
// along the batch, so that a chunk does not attend to the other chunks of its crop, and logits depend on the other
// crops of the batch. The reference's published results include this fault, and the spec's default, `attention_along:
// BATCH`, reproduces it. `attention_along: TIME` is the paper's encoder: the prediction for a crop depends on that crop
// only.
//
// Further differences from the paper: embeddings are not scaled before the positional encoding is added, and, as in the
// reference, all layers are initialised with the same weights. There are no activations between the six convolutions
// of ConvolutionalEmbedding, so that together they are linear.
//
//   Classifier<Transformer<LinearEmbedding>> network(spec.model(), /*leads=*/12, /*classes=*/71);
//   ECG_RETURN_IF_ERROR(network.CheckSamples(1250));

#ifndef ECG_MODEL_TRANSFORMER_H_
#define ECG_MODEL_TRANSFORMER_H_

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/model/chunks.h"
#include "ecg/nn/attention.h"
#include "ecg/nn/convolution.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// LinearEmbedding is a linear layer on chunks of `chunk_samples` samples of all leads:
// [B, C, L] -> [B, L / chunk_samples, model_dim].
class LinearEmbedding : public torch::nn::Module {
 public:
  LinearEmbedding(const spec::Transformer& spec, int leads)
      : chunk_samples_(spec.chunk_samples()),
        embed_(register_module("embed", torch::nn::Linear(leads * chunk_samples_, spec.model_dim()))) {}

  torch::Tensor forward(const torch::Tensor& signals) {
    const torch::Tensor chunks = signals.reshape({signals.size(0), signals.size(1), -1, chunk_samples_});
    return embed_(chunks.transpose(1, 2).flatten(2));
  }

  // ChunksOf returns the number of embeddings of a crop of `samples` samples, or an error if it cannot be embedded.
  absl::StatusOr<int> ChunksOf(int samples) const {
    return ecg::ChunksOf("model.transformer.chunk_samples", chunk_samples_, samples);
  }

 private:
  int chunk_samples_;
  torch::nn::Linear embed_;
};

// ConvolutionalEmbedding is six convolutions, without activations, and a linear layer:
// [B, C, L] -> [B, (L - 940) / 36 + 1, model_dim].
class ConvolutionalEmbedding : public torch::nn::Module {
 public:
  ConvolutionalEmbedding(const spec::Transformer& spec, int leads) {
    const auto add = [this](int in, int out, int kernel, int stride, int padding) {
      convolutions_.push_back(
          register_module(absl::StrCat("conv", convolutions_.size() + 1),
                          Conv1d(torch::nn::Conv1dOptions(in, out, kernel).stride(stride).padding(padding))));
    };
    add(leads, 128, 14, 3, 2);
    add(128, 256, 14, 3, 0);
    add(256, 256, 10, 2, 0);
    add(256, 256, 10, 2, 0);
    add(256, 256, 10, 1, 0);
    add(256, 256, 10, 1, 0);
    dense_ = register_module("dense", torch::nn::Linear(256, spec.model_dim()));
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    torch::Tensor x = signals;
    for (auto& convolution : convolutions_) x = convolution(x);
    return dense_(x.transpose(1, 2));
  }

  // ChunksOf returns the number of embeddings of a crop of `samples` samples, or an error if it cannot be embedded.
  absl::StatusOr<int> ChunksOf(int samples) const {
    // Kernel sizes, strides and padding amount to a receptive field of 940 samples and a stride of 36.
    if (samples >= 940) return (samples - 940) / 36 + 1;
    return absl::InvalidArgumentError(
        absl::StrCat("the convolutions of model.transformer need crops of at least 940 samples; make data.crop_seconds "
                     "longer, or choose `embedding: LINEAR`"));
  }

 private:
  std::vector<Conv1d> convolutions_;
  torch::nn::Linear dense_{nullptr};
};

// PositionalEncoding adds sinusoidal positional encodings, then applies dropout: [S, N, D] -> [S, N, D], S at most
// kPositions. (Vaswani et al. 2017, section 3.5.)
class PositionalEncoding : public torch::nn::Module {
 public:
  static constexpr int kPositions = 5000;

  PositionalEncoding(int model_dim, double dropout) : dropout_(dropout) {
    const torch::Tensor waves = SinusoidalPositions(kPositions, model_dim);
    pe_ = register_buffer("pe", waves.unsqueeze(1).contiguous());  // [kPositions, 1, D]
  }

  torch::Tensor forward(const torch::Tensor& x) {
    TORCH_CHECK(x.size(0) <= kPositions, "attention runs along ", x.size(0), " positions; the transformer has ",
                kPositions);
    return torch::dropout(x + pe_.slice(0, 0, x.size(0)), dropout_, is_training());
  }

 private:
  double dropout_;
  torch::Tensor pe_;
};

// SelfAttention is multi-head self-attention: [S, N, D] -> [S, N, D], for N sequences of length S. (Vaswani et al.
// 2017, section 3.2.) LibTorch's own layer compares its three inputs in each call, which synchronises with the device.
class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(int model_dim, int heads, double dropout)
      : heads_(heads),
        dropout_(dropout),
        in_proj_weight_(register_parameter("in_proj_weight", torch::empty({3 * model_dim, model_dim}))),
        in_proj_bias_(register_parameter("in_proj_bias", torch::zeros(3 * model_dim))),
        out_proj_(register_module("out_proj", torch::nn::Linear(model_dim, model_dim))) {
    torch::nn::init::xavier_uniform_(in_proj_weight_);
    torch::nn::init::zeros_(out_proj_->bias);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const int64_t length = x.size(0), sequences = x.size(1), head_dim = x.size(2) / heads_;
    // Queries, keys and values, each [N, heads, S, D / heads].
    const std::vector<torch::Tensor> projected = torch::linear(x, in_proj_weight_, in_proj_bias_)
                                                     .view({length, sequences, 3, heads_, head_dim})
                                                     .permute({2, 1, 3, 0, 4})
                                                     .unbind();
    const torch::Tensor attended = Attend(projected[0], projected[1], projected[2], dropout_, is_training());
    return out_proj_(attended.permute({2, 0, 1, 3}).flatten(2));
  }

 private:
  int heads_;
  double dropout_;
  torch::Tensor in_proj_weight_;
  torch::Tensor in_proj_bias_;
  torch::nn::Linear out_proj_;
};

// EncoderLayer is self-attention and a feed-forward network of two linear layers, each with a residual connection
// followed by layer norm: [S, N, D] -> [S, N, D].
class EncoderLayer : public torch::nn::Module {
 public:
  EncoderLayer(const spec::Transformer& spec, double dropout)
      : self_attn_(
            register_module("self_attn", std::make_shared<SelfAttention>(spec.model_dim(), spec.heads(), dropout))),
        linear1_(register_module("linear1", torch::nn::Linear(spec.model_dim(), spec.feed_forward_dim()))),
        linear2_(register_module("linear2", torch::nn::Linear(spec.feed_forward_dim(), spec.model_dim()))),
        norm1_(register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({spec.model_dim()})))),
        norm2_(register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({spec.model_dim()})))),
        dropout_(dropout) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const auto drop = [this](const torch::Tensor& y) { return torch::dropout(y, dropout_, is_training()); };
    const torch::Tensor attended = norm1_(x + drop(self_attn_->forward(x)));
    return norm2_(attended + drop(linear2_(drop(linear1_(attended).relu()))));
  }

 private:
  std::shared_ptr<SelfAttention> self_attn_;
  torch::nn::Linear linear1_;
  torch::nn::Linear linear2_;
  torch::nn::LayerNorm norm1_;
  torch::nn::LayerNorm norm2_;
  double dropout_;
};

// Transformer is an embedding of chunks, positional encoding, encoder layers, the mean over time and a linear layer:
// [B, C, L] -> [B, feature_dim].
template <typename Embedding>
class Transformer : public torch::nn::Module {
 public:
  using Spec = spec::Transformer;
  static const Spec& SpecIn(const spec::Model& model) { return model.transformer(); }

  Transformer(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()),
        along_time_(spec.attention_along() == Spec::TIME),
        embed_(register_module("embed", std::make_shared<Embedding>(spec, leads))),
        pos_encoder_(register_module("pos_encoder", std::make_shared<PositionalEncoding>(spec.model_dim(), kDropout))),
        fc_(register_module("fc", torch::nn::Linear(spec.model_dim(), feature_dim_))) {
    TORCH_CHECK(spec.model_dim() % spec.heads() == 0, "model.transformer.heads is ", spec.heads(),
                "; it must divide model_dim, which is ", spec.model_dim());
    register_module("transformer_encoder", std::make_shared<torch::nn::Module>())->register_module("layers", layers_);
    const torch::NoGradGuard no_grad;
    for (int i = 0; i < spec.layers(); ++i) {
      layers_->push_back(EncoderLayer(spec, kDropout));
      // The reference copies its first layer.
      const auto first = layers_[0]->parameters(), copy = layers_[i]->parameters();
      for (size_t k = 0; k < copy.size(); ++k) torch::Tensor(copy[k]).copy_(first[k]);
    }
  }

  torch::Tensor forward(const torch::Tensor& signals) { return fc_(Encode(signals).mean(along_time_ ? 0 : 1)); }

  // Sequence returns the features of each chunk: [B, C, L] -> [B, sequence_dim, chunks].
  torch::Tensor Sequence(const torch::Tensor& signals) {
    const torch::Tensor features = fc_(Encode(signals));
    return along_time_ ? features.permute({1, 2, 0}) : features.transpose(1, 2);
  }
  int sequence_dim() const { return feature_dim_; }

  // CheckSamples refuses crops that cannot be embedded, and those of more chunks than there are positional encodings.
  absl::Status CheckSamples(int samples) const {
    ECG_ASSIGN_OR_RETURN(const int chunks, embed_->ChunksOf(samples));
    if (!along_time_ || chunks <= PositionalEncoding::kPositions) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("model.transformer divides a crop into ", chunks,
                                                   " chunks, but has positional encodings for ",
                                                   PositionalEncoding::kPositions, "; make chunk_samples larger"));
  }

  // DependsOnBatch is true where crops of a batch attend to one another.
  bool DependsOnBatch() const { return !along_time_; }

  int feature_dim() const { return feature_dim_; }

 private:
  // Encode returns the output of the last layer: [B, C, L] -> [chunks, B, D], or [B, chunks, D] along the batch.
  torch::Tensor Encode(const torch::Tensor& signals) {
    torch::Tensor x = embed_->forward(signals);  // [B, chunks, D]
    if (along_time_) x = x.transpose(0, 1);
    return layers_->forward(pos_encoder_->forward(x));
  }

  // As in the paper's base model and the reference.
  static constexpr double kDropout = 0.1;

  int feature_dim_;
  bool along_time_;
  std::shared_ptr<Embedding> embed_;
  std::shared_ptr<PositionalEncoding> pos_encoder_;
  torch::nn::Sequential layers_;
  torch::nn::Linear fc_;
};

}  // namespace ecg

#endif  // ECG_MODEL_TRANSFORMER_H_

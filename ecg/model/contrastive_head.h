// contrastive_head.h
//
// Contrastive predictive coding (van den Oord, Li and Vinyals 2018, arXiv:1807.03748, equation 4), which trains a
// backbone without labels: the context at each sample of the encoding must tell the encoding some steps later from
// others of the same crop.
//
//   const ContrastOptions options = {.steps = 14, .negatives = 128};
//   const torch::Tensor negatives = DrawNegatives(/*crops=*/64, /*samples=*/500, options, device);
//   const ContrastiveResult result = Contrast(predicted, encoding, negatives, /*steps=*/14);
//
// With this head a Classifier is a network whose output for a crop is its loss and its score, as SelfSupervised
// (ecg/train/self_supervised.h) takes them:
//
//   Classifier<S4Cpc, ContrastiveHead> network(spec.model(), /*leads=*/12, /*classes=*/2);
//   network.forward(signals);  // [B, C, L] -> [B, 2]

#ifndef ECG_MODEL_CONTRASTIVE_HEAD_H_
#define ECG_MODEL_CONTRASTIVE_HEAD_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "ecg/model/classifier.h"
#include "ecg/model/head.h"
#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ContrastOptions are how far ahead is predicted, in samples of the encoding, and the negatives of each prediction.
struct ContrastOptions {
  int64_t steps = 14;
  int64_t negatives = 128;
};

// DrawNegatives returns for each of `crops` crops and each prediction at t, of the encoding at t + steps, samples of
// the same crop's encoding, uniform among all but t + steps: int64 [crops, samples - steps, negatives], on `device`.
// The numbers are LibTorch's.
torch::Tensor DrawNegatives(int64_t crops, int64_t samples, const ContrastOptions& options,
                            const torch::Device& device);

// FixedNegatives returns the same for one crop, [1, samples - steps, negatives] on the CPU, and always the same
// numbers.
torch::Tensor FixedNegatives(int64_t samples, const ContrastOptions& options);

// ContrastiveResult is float32 [B] each: the loss of a crop, cross-entropy summed over its predictions, and the share
// of its predictions whose dot product with the right sample is larger than with every negative. A tie is not right, as
// between samples whose encoding is 0, so that an encoding that is the same everywhere has a score of 0.
struct ContrastiveResult {
  torch::Tensor loss, accuracy;
};

// Contrast compares `predicted` [B, T, F] at each t but the last `steps` with `encoding` [B, T, F] at t + steps and at
// `negatives`, int64 [B or 1, T - steps, N]. It computes the dot products with all samples by one matrix product, and
// takes those it needs: the candidates themselves would be N times the memory of the encoding.
ContrastiveResult Contrast(const torch::Tensor& predicted, const torch::Tensor& encoding,
                           const torch::Tensor& negatives, int64_t steps);

// ContrastiveHead predicts the encoding from the context: [B, T, feature_dim] -> [B, T, encoding_dim].
class ContrastiveHead : public torch::nn::Module {
 public:
  using Spec = spec::ContrastiveHead;

  ContrastiveHead(const Spec& spec, int feature_dim, int encoding_dim);

  torch::Tensor forward(const torch::Tensor& context);

  // Outputs returns the loss and the score of each crop: [B, 2], float32. In evaluation mode the negatives are always
  // the same.
  torch::Tensor Outputs(const torch::Tensor& context, const torch::Tensor& encoding);

 private:
  torch::Tensor Negatives(const torch::Tensor& encoding);

  const ContrastOptions options_;
  torch::nn::Linear projection_;
  std::mutex mutex_;
  std::map<int64_t, torch::Tensor> fixed_;  // by number of samples, where they were needed last
};

static_assert(HeadLayers<ContrastiveHead>);

// SequenceBackbone is a backbone whose features are the mean over time of a context, which is computed from an encoding
// of the signals.
template <typename B>
concept SequenceBackbone = Backbone<B> && requires(B backbone, const torch::Tensor& x) {
  { backbone.Encode(x) } -> std::same_as<torch::Tensor>;   // [B, C, L] -> [B, T, encoding_dim]
  { backbone.Context(x) } -> std::same_as<torch::Tensor>;  // [B, T, encoding_dim] -> [B, T, feature_dim]
  { backbone.encoding_dim() } -> std::convertible_to<int>;
};

// Classifier of a ContrastiveHead maps signals [B, C, L] to the loss and the score of each crop, [B, 2]. The backbone's
// names in the state are those that it has in a Classifier with classes.
template <SequenceBackbone B>
class Classifier<B, ContrastiveHead> : public BackboneNetwork<B> {
 public:
  Classifier(const spec::Model& spec, int leads, int /*classes*/) : BackboneNetwork<B>(spec, leads) {
    this->register_module("backbone", this->backbone_);
    InitWeights(*this->backbone_);
    head_ = this->register_module(
        "prediction_heads", std::make_shared<ContrastiveHead>(spec.contrastive_head(), this->backbone_->feature_dim(),
                                                              this->backbone_->encoding_dim()));
  }

  torch::Tensor forward(const torch::Tensor& signals) override {
    const torch::Tensor encoding = this->backbone_->Encode(signals);
    return head_->Outputs(this->backbone_->Context(encoding), encoding);
  }

 private:
  std::shared_ptr<ContrastiveHead> head_;
};

}  // namespace ecg

#endif  // ECG_MODEL_CONTRASTIVE_HEAD_H_

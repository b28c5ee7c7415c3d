// attention_head.h
//
// Attention pooling: a head that weights the features of each time by how much they matter, where other heads take what
// the backbone has pooled, such as the mean. A statement may show in one beat of ten seconds.
//
// The weights are those of gated attention: Ilse, Tomczak and Welling 2018, "Attention-based Deep Multiple Instance
// Learning", arXiv:1802.04712, equations 7 to 9. With features h_t at T times and trained V, U and w,
//
//   a_t = softmax over t of w^T (tanh(V h_t) * sigmoid(U h_t)),   z = sum over t of a_t h_t
//
// As in the paper's code, V and U have biases. With several `heads`, which share V and U and have a w each, the z of
// all are concatenated.
//
//   Classifier<ResNet<BasicBlock>, AttentionHead> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_ATTENTION_HEAD_H_
#define ECG_MODEL_ATTENTION_HEAD_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <memory>

#include "ecg/model/classifier.h"
#include "ecg/model/head.h"
#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

namespace ecg {

// AttentionHead is gated attention over time, dropout and a linear layer: [B, F, T] -> [B, classes], F being the
// backbone's sequence_dim.
class AttentionHead : public torch::nn::Module {
 public:
  using Spec = spec::AttentionHead;

  AttentionHead(const Spec& spec, int sequence_dim, int classes);

  torch::Tensor forward(const torch::Tensor& sequence);

  // Weights returns a_t of each head, which sum to 1 over time: [B, F, T] -> [B, heads, T].
  torch::Tensor Weights(const torch::Tensor& sequence);

 private:
  torch::nn::Linear value_;  // V
  torch::nn::Linear gate_;   // U; empty without a gate
  torch::nn::Linear score_;  // w
  torch::nn::Dropout drop_;
  torch::nn::Linear fc_;
};

static_assert(HeadLayers<AttentionHead>);

// Classifier of an AttentionHead takes the backbone's features of each time instead of the pooled ones.
template <Backbone B>
class Classifier<B, AttentionHead> : public BackboneNetwork<B> {
 public:
  static_assert(HasSequence<B>,
                "model.attention_head needs the features of each time: the backbone lacks Sequence(signals) or "
                "sequence_dim(), see HasSequence in ecg/model/network.h");

  Classifier(const spec::Model& spec, int leads, int classes) : BackboneNetwork<B>(spec, leads) {
    this->register_module("backbone", this->backbone_);
    InitWeights(*this->backbone_);
    head_ = this->register_module(
        "prediction_heads",
        std::make_shared<AttentionHead>(spec.attention_head(), this->backbone_->sequence_dim(), classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) override {
    return head_->forward(this->backbone_->Sequence(signals));
  }

 private:
  std::shared_ptr<AttentionHead> head_;
};

}  // namespace ecg

#endif  // ECG_MODEL_ATTENTION_HEAD_H_

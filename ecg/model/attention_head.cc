#include "ecg/model/attention_head.h"

namespace ecg {

AttentionHead::AttentionHead(const Spec& spec, int sequence_dim, int classes)
    : value_(register_module("value", torch::nn::Linear(sequence_dim, spec.hidden_dim()))),
      gate_(spec.gated() ? register_module("gate", torch::nn::Linear(sequence_dim, spec.hidden_dim())) : nullptr),
      // Without a bias, which the softmax would cancel.
      score_(register_module("score",
                             torch::nn::Linear(torch::nn::LinearOptions(spec.hidden_dim(), spec.heads()).bias(false)))),
      drop_(register_module("drop", torch::nn::Dropout(spec.dropout()))),
      fc_(register_module("fc", torch::nn::Linear(spec.heads() * sequence_dim, classes))) {}

torch::Tensor AttentionHead::Weights(const torch::Tensor& sequence) {
  const torch::Tensor x = sequence.transpose(1, 2);
  torch::Tensor hidden = value_(x).tanh();
  if (gate_) hidden = hidden * gate_(x).sigmoid();
  return score_(hidden).transpose(1, 2).softmax(/*dim=*/-1);
}

torch::Tensor AttentionHead::forward(const torch::Tensor& sequence) {
  const torch::Tensor pooled = torch::matmul(Weights(sequence), sequence.transpose(1, 2));  // [B, heads, F]
  return fc_(drop_(pooled.flatten(1)));
}

}  // namespace ecg

// self_supervised.h
//
// The objective of pre-training without labels: the network computes a loss and a score of each crop by itself, such as
// with a ContrastiveHead (ecg/model/contrastive_head.h).
//
//   const torch::Tensor outputs = network->forward(signals);   // [B, 2]: the loss and the score of each crop
//   SelfSupervised::Loss(outputs, /*targets=*/{}).backward();

#ifndef ECG_TRAIN_SELF_SUPERVISED_H_
#define ECG_TRAIN_SELF_SUPERVISED_H_

#include <torch/types.h>

#include "ecg/score/named_score.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace ecg {

// SelfSupervised is the objective. What others call logits and probabilities are here both the losses and the scores.
struct SelfSupervised : PretextScore {
  using Spec = spec::SelfSupervised;
  explicit SelfSupervised(const Spec& = {}) {}

  // Loss is the mean over the batch of the losses in `outputs` [B, 2]: float32 [].
  static torch::Tensor Loss(const torch::Tensor& outputs, const torch::Tensor& /*targets*/) {
    return outputs.select(/*dim=*/1, /*index=*/0).mean();
  }
  static bool is_mean() { return true; }

  static torch::Tensor Probabilities(const torch::Tensor& outputs) { return outputs; }
};

static_assert(Objective<SelfSupervised>);

}  // namespace ecg

#endif  // ECG_TRAIN_SELF_SUPERVISED_H_

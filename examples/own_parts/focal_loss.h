// focal_loss.h
//
// An objective: the focal loss (Lin et al. 2017, arXiv:1708.02002), binary cross-entropy in which the loss of a
// well-classified label is reduced by the factor (1 - p)^gamma.

#ifndef EXAMPLES_OWN_PARTS_FOCAL_LOSS_H_
#define EXAMPLES_OWN_PARTS_FOCAL_LOSS_H_

#include <torch/torch.h>

#include "ecg/score/named_score.h"
#include "ecg/spec/own_values.h"
#include "ecg/train/objective.h"
#include "proto/experiment.pb.h"

namespace my {

class FocalLoss : public ecg::MacroRocAucScore {
 public:
  using Spec = ecg::spec::Own;
  explicit FocalLoss(const Spec& spec) : gamma_(ecg::OwnValues(spec, {{"gamma", 2}}).Number("gamma", 0, 10)) {}

  torch::Tensor Loss(const torch::Tensor& logits, const torch::Tensor& targets) const {
    const torch::Tensor signed_logits = logits * (2 * targets - 1);  // log p of what is true is their log sigmoid
    return -(torch::sigmoid(-signed_logits).pow(gamma_) * torch::log_sigmoid(signed_logits)).sum();
  }
  torch::Tensor Probabilities(const torch::Tensor& logits) const { return torch::sigmoid(logits); }

 private:
  double gamma_;
};

static_assert(ecg::Objective<FocalLoss>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_FOCAL_LOSS_H_

// output_bias.h
//
// The bias of the layer that gives a network's logits, and its initialisation by how frequent the classes are.
//
// Most statements are rare. A network whose first probabilities are all about a half spends its first epochs learning
// that, and little else; one that starts at the frequencies of the classes learns the signals from the first step (Lin
// et al. 2017, arXiv:1708.02002, section 4.1).
//
//   ECG_RETURN_IF_ERROR(SetOutputBias(*network, torch::logit(ClassFrequencies(positives, records))));

#ifndef ECG_MODEL_OUTPUT_BIAS_H_
#define ECG_MODEL_OUTPUT_BIAS_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace ecg {

// ClassFrequencies returns the share of records with each class, float32 [K], of the counts `positives` among so many
// records. With half a record more of each kind none is 0 or 1.
inline torch::Tensor ClassFrequencies(const std::vector<int64_t>& positives, int64_t records) {
  const torch::Tensor counts = torch::tensor(positives, torch::kFloat64);
  return ((counts + 0.5) / (static_cast<double>(records) + 1)).to(torch::kFloat32);
}

// SetOutputBias makes `logits`, [K], the bias of the network's last layer: the last of its parameters that has this
// shape. A network without one is refused.
inline absl::Status SetOutputBias(const torch::nn::Module& network, const torch::Tensor& logits) {
  torch::Tensor bias;
  for (const torch::Tensor& parameter : network.parameters()) {
    if (parameter.sizes() == logits.sizes()) bias = parameter;
  }
  if (!bias.defined()) {
    return absl::InvalidArgumentError(absl::StrCat("the network has no bias of ", logits.size(0),
                                                   " classes, so training.prior_bias has no effect; leave it out"));
  }
  const torch::NoGradGuard no_grad;
  bias.copy_(logits);
  return absl::OkStatus();
}

}  // namespace ecg

#endif  // ECG_MODEL_OUTPUT_BIAS_H_

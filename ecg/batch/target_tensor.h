// target_tensor.h
//
// The targets of a part as a tensor.

#ifndef ECG_BATCH_TARGET_TENSOR_H_
#define ECG_BATCH_TARGET_TENSOR_H_

#include <torch/types.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ecg/batch/split_part.h"

namespace ecg {

// TargetTensor returns the targets of `part`, float32 [size, K].
inline torch::Tensor TargetTensor(const SplitPart& part) {
  const std::vector<uint8_t> targets = part.Targets();
  return torch::tensor(targets, torch::kUInt8).reshape({part.size(), part.classes()}).to(torch::kFloat32);
}

// TrainingTargetTensor returns what a network is trained on: the likelihoods of the labels, where they are used.
inline torch::Tensor TrainingTargetTensor(const SplitPart& part) {
  torch::Tensor targets = torch::empty({part.size(), part.classes()});
  float* next = targets.data_ptr<float>();
  for (const int row : part.rows) next = std::ranges::copy(part.labels->training_targets(row), next).out;
  return targets;
}

}  // namespace ecg

#endif  // ECG_BATCH_TARGET_TENSOR_H_

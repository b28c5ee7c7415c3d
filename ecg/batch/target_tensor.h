// target_tensor.h
//
// The targets of a part as a tensor.

#ifndef ECG_BATCH_TARGET_TENSOR_H_
#define ECG_BATCH_TARGET_TENSOR_H_

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "ecg/batch/split_part.h"

namespace ecg {

// TargetTensor returns the targets of `part`, float32 [size, K].
inline torch::Tensor TargetTensor(const SplitPart& part) {
  const std::vector<uint8_t> targets = part.Targets();
  return torch::tensor(targets, torch::kUInt8).reshape({part.size(), part.classes()}).to(torch::kFloat32);
}

}  // namespace ecg

#endif  // ECG_BATCH_TARGET_TENSOR_H_

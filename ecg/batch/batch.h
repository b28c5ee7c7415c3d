// batch.h
//
// What a network is trained on in one step.

#ifndef ECG_BATCH_BATCH_H_
#define ECG_BATCH_BATCH_H_

#include <torch/torch.h>

namespace ecg {

// Batch is the input of one training step.
struct Batch {
  // Standardised crops, float32 [B, C, L].
  torch::Tensor signals;
  // 1 where the crop's record has the class, else 0; float32 [B, K].
  torch::Tensor targets;
};

}  // namespace ecg

#endif  // ECG_BATCH_BATCH_H_

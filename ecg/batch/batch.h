// batch.h
//
// A batch, for training and for evaluation.

#ifndef ECG_BATCH_BATCH_H_
#define ECG_BATCH_BATCH_H_

#include <ATen/ATen.h>

namespace ecg {

// Batch is B segments of records: crops or windows.
struct Batch {
  // Standardised signals, float32 [B, C, L].
  at::Tensor signals;
  // 1 where the segment's record has the class, else 0, or between where labels are likelihoods or crops are mixed;
  // float32 [B, K].
  at::Tensor targets;
  // The row, in the part of the split, that each segment comes from; int64 [B].
  at::Tensor rows;
  // Random numbers in [0, 1) for the augmentations, from (seed, epoch, record); float32 [B, N].
  at::Tensor uniform;
  // What is known of each segment's patient (Demographics::ToNumbers), float32 [B, 8]; undefined where the network does
  // not read it.
  at::Tensor demographics = {};
};

}  // namespace ecg

#endif  // ECG_BATCH_BATCH_H_

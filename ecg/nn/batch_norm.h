// batch_norm.h
//
// Batch norm, and the addition and ReLU that follow it in residual networks: Ioffe and Szegedy 2015, "Batch
// Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift", arXiv:1502.03167.
//
//   torch::Tensor out = bn1_->NormRelu(conv1_(x));
//   return bn2_->NormRelu(conv2_(out), /*shortcut=*/x);

#ifndef ECG_NN_BATCH_NORM_H_
#define ECG_NN_BATCH_NORM_H_

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>

#include "ecg/nn/sum_over_processes.h"

namespace ecg {

// BatchNormOptions has LibTorch's defaults.
struct BatchNormOptions {
  // The part of the batch's statistics in the new running statistics.
  double momentum = 0.1;
  // Added to variances.
  double epsilon = 1e-5;
};

// BatchNorm1dImpl is LibTorch's layer, with the same state, for both layouts; its output has the layout of its input.
// For signals that are channels last on a CPU, normalisation, the addition of a shortcut and ReLU are one pass over the
// memory, and results do not depend on the number of threads.
class BatchNorm1dImpl : public torch::nn::Module {
 public:
  explicit BatchNorm1dImpl(int64_t channels, const BatchNormOptions& options = {});

  // forward returns the normalised x [B, C, L] or [B, C].
  torch::Tensor forward(const torch::Tensor& x);

  // NormRelu returns ReLU(forward(x)), x [B, C, L].
  torch::Tensor NormRelu(const torch::Tensor& x);

  // NormRelu returns ReLU(forward(x) + shortcut), both [B, C, L].
  torch::Tensor NormRelu(const torch::Tensor& x, const torch::Tensor& shortcut);

  // LibTorch's names.
  BatchNormOptions options;
  torch::Tensor weight, bias, running_mean, running_var, num_batches_tracked;

  // Where set, the statistics in training are of the batches of all processes together.
  SumOverProcesses sum_over_processes;

 private:
  bool IsSynchronised() const { return is_training() && sum_over_processes != nullptr; }
  torch::Tensor Synchronised(const torch::Tensor& x);
  bool IsFused(const torch::Tensor& x) const;
  torch::Tensor Plain(const torch::Tensor& x);
  torch::Tensor Fused(const torch::Tensor& x, const torch::Tensor& shortcut, bool relu);
};
TORCH_MODULE(BatchNorm1d);

}  // namespace ecg

#endif  // ECG_NN_BATCH_NORM_H_

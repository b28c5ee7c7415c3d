// stochastic_depth.h
//
// Stochastic depth: Huang, Sun, Liu, Sedra and Weinberger 2016, "Deep Networks with Stochastic Depth",
// arXiv:1603.09382. In training the branch of a residual block is skipped at random, so that a crop passes through a
// network of fewer blocks; in evaluation through all of them.
//
// It differs from the paper: each crop of a batch is drawn for itself, and what is not skipped is divided by its
// probability in training, rather than multiplied by it in evaluation. The expectation is the same.
//
//   class Block : public ResidualBlock {
//     torch::Tensor forward(const torch::Tensor& x) { return x + Dropped(convolution_(x)); }
//     ...
//   };
//   SetStochasticDepth(network, /*last=*/0.2);

#ifndef ECG_NN_STOCHASTIC_DEPTH_H_
#define ECG_NN_STOCHASTIC_DEPTH_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include "ecg/nn/batch_norm.h"

namespace ecg {

// DropCrops sets whole crops of `x` [B, ...] to 0 at random, with `probability`, and divides the others by
// 1 - probability; it returns `x` itself in evaluation. The random numbers are LibTorch's, as those of dropout.
torch::Tensor DropCrops(const torch::Tensor& x, double probability, bool is_training);

// ResidualBlock is a base class of residual blocks with stochastic depth.
class ResidualBlock : public torch::nn::Module {
 public:
  // The probability that a crop skips the branch in training, below 1. It is no part of the state.
  double drop_probability() const { return drop_probability_; }
  void set_drop_probability(double probability) { drop_probability_ = probability; }

 protected:
  // Dropped returns the output `branch` of the block's branch, [B, C, L], without that of the crops that skip it.
  torch::Tensor Dropped(const torch::Tensor& branch) const;

  // NormAddRelu returns ReLU(Dropped(norm(branch)) + shortcut), both [B, C, L], and in one pass where no crop skips.
  torch::Tensor NormAddRelu(BatchNorm1d& norm, const torch::Tensor& branch, const torch::Tensor& shortcut) const;

 private:
  double drop_probability_ = 0;
};

// SetStochasticDepth gives the l-th of the L ResidualBlocks in `network`, in the order of their registration and from
// 1, the paper's probability l / L * `last`: it rises linearly from 0 at the input.
void SetStochasticDepth(torch::nn::Module& network, double last);

}  // namespace ecg

#endif  // ECG_NN_STOCHASTIC_DEPTH_H_

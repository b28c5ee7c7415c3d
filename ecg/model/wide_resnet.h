// wide_resnet.h
//
// Residual networks with batch norm and ReLU before each convolution: Zagoruyko and Komodakis 2016, "Wide Residual
// Networks", arXiv:1605.07146, in the form of `helme/ecg_ptbxl_benchmarking` (Strodthoff et al. 2021,
// arXiv:2004.13701), with its state names and shapes.
//
// Like the benchmark, it differs from the paper: it is not wide, but has 16 channels throughout; the output of a
// block's convolutions is scaled by 0.2 and added to its input after batch norm and ReLU; the convolution of a shortcut
// with a stride has a kernel size above 1; and the head, which pools by maximum and mean and has a hidden layer,
// follows the last block directly, without batch norm and ReLU. Where the benchmark gives that shortcut an even kernel
// size (2 for 3, or 4 for 7), with which it fails for some lengths, ours is the next odd one.
//
//   Classifier<WideResNet> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_WIDE_RESNET_H_
#define ECG_MODEL_WIDE_RESNET_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/pooled_head.h"
#include "ecg/model/residual.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// WideBlock is batch norm, ReLU and convolution, twice, with a residual connection from the first ReLU:
// [B, `width`, L] -> [B, `width`, ceil(L / `stride`)].
class WideBlock : public ResidualBlock {
 public:
  WideBlock(int width, int stride, int kernel)
      : bn_(register_module("bn", BatchNorm1d(width))),
        conv1_(register_module("conv1", Convolution(width, width, kernel, stride))),
        conv2_(register_module("conv2", torch::nn::Sequential(BatchNorm1d(width),
                                                              torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true)),
                                                              Convolution(width, width, kernel)))) {
    if (stride > 1) shortcut_ = register_module("shortcut", Convolution(width, width, HalfKernel(kernel), stride));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor activated = bn_->NormRelu(x);
    torch::Tensor out = Dropped(conv2_->forward(conv1_(activated)).mul_(kScale));
    return out.add_(shortcut_ ? shortcut_(activated) : activated);
  }

 private:
  // Factor of the convolutions' output.
  static constexpr double kScale = 0.2;

  BatchNorm1d bn_;
  Conv1d conv1_;
  torch::nn::Sequential conv2_;
  Conv1d shortcut_{nullptr};
};

// WideResNet is a convolution and stages of blocks, pooled: [B, C, L] -> [B, feature_dim]. Its own head is PooledHead.
class WideResNet : public torch::nn::Module {
 public:
  using Spec = spec::WideResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.wide_resnet(); }

  WideResNet(const Spec& spec, int leads)
      : spec_(spec), stem_(register_module("0", Convolution(leads, spec.width(), 3))) {
    for (int block = 0; block < spec.stages() * spec.blocks(); ++block) {
      const int stride = block > 0 && block % spec.blocks() == 0 ? 2 : 1;
      blocks_.push_back(register_module(std::to_string(block + 1),
                                        std::make_shared<WideBlock>(spec.width(), stride, spec.kernel_size())));
    }
    SetStochasticDepth(*this, spec.stochastic_depth());
  }

  int feature_dim() const { return 2 * spec_.width(); }
  void InitWeights() { InitAsBenchmark(*this); }

  std::shared_ptr<PooledHead> AppendHead(int classes) {
    return register_module(std::to_string(blocks_.size() + 1),
                           std::make_shared<PooledHead>(spec_.head(), feature_dim(), classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return MaxAndMean(Sequence(signals)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) {
    torch::Tensor x = stem_(signals);
    for (const auto& block : blocks_) x = block->forward(x);
    return x;
  }
  int sequence_dim() const { return spec_.width(); }

 private:
  Spec spec_;
  Conv1d stem_;
  std::vector<std::shared_ptr<WideBlock>> blocks_;
};

}  // namespace ecg

#endif  // ECG_MODEL_WIDE_RESNET_H_

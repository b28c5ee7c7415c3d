// wang_resnet.h
//
// The residual networks of `helme/ecg_ptbxl_benchmarking` (Strodthoff et al. 2021, arXiv:2004.13701), whose stages all
// have the same width: that of Wang, Yan and Oates 2017, "Time Series Classification from Scratch with Deep Neural
// Networks: A Strong Baseline", arXiv:1611.06455, and those of He et al. 2016, arXiv:1512.03385. State names and shapes
// are the benchmark's.
//
// Like the benchmark, they differ from the papers. Blocks of Wang et al. have three convolutions of kernel sizes 8, 5
// and 3 and stride 1; here a block has two, of kernel sizes 5 and 3, and stages after the first have stride 2. In a
// longer stage only the first block has the larger kernels. The head pools by maximum and mean, and has a hidden layer.
// Where the benchmark gives the second convolution an even kernel size (2 for 3, or 4 for 7), with which it cannot run,
// ours is the next odd one.
//
//   Classifier<WangResNet<BasicBlock>> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_WANG_RESNET_H_
#define ECG_MODEL_WANG_RESNET_H_

#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/pooled_head.h"
#include "ecg/model/residual.h"
#include "ecg/model/resnet.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// WangResNet is a stem and stages of `Block` (BasicBlock or Bottleneck), pooled: [B, C, L] -> [B, feature_dim]. Its own
// head is PooledHead.
template <typename Block>
class WangResNet : public torch::nn::Module {
 public:
  using Spec = spec::WangResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.wang_resnet(); }

  WangResNet(const Spec& spec, int leads) : spec_(spec) {
    stem_has_stride_1_ = spec.depth() == spec::WangResNet::WANG;
    int channels = spec.width();
    conv1_ = register_module("0", stem_has_stride_1_ ? Convolution(leads, channels, 7)
                                                     : Convolution(leads, channels, spec.kernel_size(), 2));
    bn1_ = register_module("1", BatchNorm1d(channels));
    // State names are positions: convolution, batch norm, ReLU, pooling if any, the stages, the head.
    position_ = stem_has_stride_1_ ? 3 : 4;
    for (const int blocks : BlocksOf(spec.depth())) {
      torch::nn::Sequential stage =
          ResidualStage<Block>(channels, spec.width(), 1, stages_.empty() ? 1 : 2, Grouping{}, spec.kernel_size());
      stage->extend(*ResidualStage<Block>(channels, spec.width(), blocks - 1, 1));
      stages_.push_back(register_module(std::to_string(position_++), stage));
    }
    SetStochasticDepth(*this, spec.stochastic_depth());
    feature_dim_ = 2 * channels;
  }

  int feature_dim() const { return feature_dim_; }
  void InitWeights() { InitAsBenchmark(*this); }

  std::shared_ptr<PooledHead> AppendHead(int classes) {
    return register_module(std::to_string(position_),
                           std::make_shared<PooledHead>(spec_.head(), feature_dim_, classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return MaxAndMean(Sequence(signals)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) {
    torch::Tensor x = bn1_->NormRelu(conv1_(signals));
    if (!stem_has_stride_1_) x = HalvingMaxPool(x);
    for (torch::nn::Sequential& stage : stages_) x = stage->forward(x);
    return x;
  }
  int sequence_dim() const { return feature_dim_ / 2; }

 private:
  // BlocksOf returns the number of blocks in each stage.
  static std::vector<int> BlocksOf(spec::WangResNet::Depth depth) {
    switch (depth) {
      case spec::WangResNet::WANG:
        return {1, 1, 1};
      case spec::WangResNet::RESNET_18:
        return {2, 2, 2, 2};
      case spec::WangResNet::RESNET_34:
      case spec::WangResNet::RESNET_50:
        return {3, 4, 6, 3};
      case spec::WangResNet::RESNET_101:
        return {3, 4, 23, 3};
      case spec::WangResNet::RESNET_152:
        return {3, 8, 36, 3};
    }
    TORCH_CHECK(false, "WangResNet has no depth ", static_cast<int>(depth));
  }

  Spec spec_;
  // Whether the stem has stride 1, rather than 4 with its pooling.
  bool stem_has_stride_1_;
  Conv1d conv1_{nullptr};
  BatchNorm1d bn1_{nullptr};
  std::vector<torch::nn::Sequential> stages_;
  // The head's.
  int position_;
  int feature_dim_;
};

}  // namespace ecg

#endif  // ECG_MODEL_WANG_RESNET_H_

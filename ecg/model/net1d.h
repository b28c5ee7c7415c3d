// net1d.h
//
// Net1D, a residual network of grouped convolutions for signals: Hong et al. 2020, "HOLMES: Health OnLine Model
// Ensemble Serving for Deep Learning Models in Intensive Care Units", arXiv:2008.04063, in the form of
// `hsd1503/resnet1d`, whose state names and shapes it has. Blocks have batch norm and SiLU before each convolution,
// squeeze-and-excitation, and shortcuts without weights: max pooling over time, and channels of zeros where the width
// grows.
//
// The published class takes lists of widths and numbers of blocks; ours has those of its examples. The published first
// block has a batch norm that it does not use: here its tensors are in the state, but are not trained.
//
//   Classifier<Net1D> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_NET1D_H_
#define ECG_MODEL_NET1D_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/types.h>

#include <memory>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/same_convolution.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// UntrainedState holds the tensors of another module as buffers. It has no forward.
class UntrainedState : public torch::nn::Module {
 public:
  explicit UntrainedState(const torch::nn::Module& module) {
    for (const auto& item : module.named_parameters()) register_buffer(item.key(), item.value().detach());
    for (const auto& item : module.named_buffers()) register_buffer(item.key(), item.value());
  }
};

// Net1DBlock is convolutions of kernel sizes 1, `kernel` and 1, each after batch norm, SiLU and dropout, then
// squeeze-and-excitation, with a residual connection: [B, `in`, L] -> [B, `out`, ceil(L / `stride`)].
class Net1DBlock : public ResidualBlock {
 public:
  struct Options {
    // 1 or 2.
    int stride = 1;
    int kernel = 16;
    double dropout = 0.5;
    // Whether it follows the stem, so that the first convolution is not after batch norm, SiLU and dropout.
    bool is_first = false;
  };

  Net1DBlock(int in, int out, const Options& options);

  torch::Tensor forward(const torch::Tensor& x);

 private:
  // Channels in each group of the middle convolution.
  static constexpr int kGroupWidth = 16;

  // Shortcut returns what the output of the convolutions is added to.
  torch::Tensor Shortcut(const torch::Tensor& x) const;

  const int in_, out_, stride_;
  const double dropout_;
  BatchNorm1d bn1_{nullptr};  // of the first block: empty
  std::shared_ptr<SameConvolution> conv1_;
  BatchNorm1d bn2_{nullptr};
  std::shared_ptr<SameConvolution> conv2_;
  BatchNorm1d bn3_{nullptr};
  std::shared_ptr<SameConvolution> conv3_;
  torch::nn::Linear se_fc1_{nullptr};
  torch::nn::Linear se_fc2_{nullptr};
};

// Net1D is a stem of stride 2, seven stages of blocks with a stride of 2 each, and the mean over time:
// [B, C, L] -> [B, feature_dim]. Its own head is a linear layer.
class Net1D : public torch::nn::Module {
 public:
  using Spec = spec::Net1D;
  static const Spec& SpecIn(const spec::Model& model) { return model.net1d(); }

  Net1D(const Spec& spec, int leads);

  torch::nn::Linear AppendHead(int classes) {
    return register_module("dense", torch::nn::Linear(feature_dim_, classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return Sequence(signals).mean(/*dim=*/-1); }

  int feature_dim() const { return feature_dim_; }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals);
  int sequence_dim() const { return feature_dim_; }

 private:
  // Stage is the width and the number of blocks of a stage.
  struct Stage {
    int width;
    int blocks;
  };

  static std::vector<Stage> StagesOf(Spec::Depth depth);

  // Channels of the stem.
  static constexpr int kStemWidth = 64;

  int feature_dim_;
  std::shared_ptr<SameConvolution> first_conv_;
  BatchNorm1d first_bn_;
  std::vector<std::shared_ptr<Net1DBlock>> blocks_;
};

static_assert(HasSequence<Net1D>);

}  // namespace ecg

#endif  // ECG_MODEL_NET1D_H_

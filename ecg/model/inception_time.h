// inception_time.h
//
// Ismail Fawaz et al. 2020, "InceptionTime: Finding AlexNet for Time Series Classification", arXiv:1909.04939: blocks
// of parallel convolutions of several kernel sizes. The form is that of `helme/ecg_ptbxl_benchmarking` (Strodthoff et
// al. 2021, arXiv:2004.13701), with its state names and shapes.
//
// Like the benchmark, it differs from the paper: the head pools by maximum and mean and has a hidden layer, kernel
// sizes are odd, and it is one network where the paper averages five.
//
//   Classifier<InceptionTime> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_INCEPTION_TIME_H_
#define ECG_MODEL_INCEPTION_TIME_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <memory>
#include <utility>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/pooled_head.h"
#include "ecg/model/residual.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/channels_last.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "proto/experiment.pb.h"

namespace ecg {

// InceptionBlock concatenates four paths: three convolutions of a common bottleneck, of different kernel sizes, and a
// convolution after max pooling; then batch norm and ReLU. [B, `in`, L] -> [B, 4 * filters, L].
class InceptionBlock : public torch::nn::Module {
 public:
  // Number of paths.
  static constexpr int kPaths = 4;

  InceptionBlock(int in, const spec::InceptionTime& spec)
      : bottleneck_(register_module("bottleneck", Convolution(in, spec.bottleneck(), 1))),
        pool_(
            register_module("conv_bottle", torch::nn::Sequential(MaxPoolLayer({.kernel = 3, .stride = 1, .padding = 1}),
                                                                 Convolution(in, spec.filters(), 1)))),
        norm_(register_module("bn_relu",
                              torch::nn::Sequential(BatchNorm1d(kPaths * spec.filters()),
                                                    torch::nn::ReLU(torch::nn::ReLUOptions(/*inplace=*/true))))) {
    const auto convs = register_module("convs", torch::nn::ModuleList());
    for (const int part : {1, 2, 4}) {
      // An even kernel size becomes the next smaller odd one, which keeps the number of samples.
      const int kernel = (spec.kernel_size() / part - 1) | 1;
      convs_.push_back(Convolution(spec.bottleneck(), spec.filters(), kernel));
      convs->push_back(convs_.back());
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor narrow = bottleneck_(x);
    std::vector<torch::Tensor> paths;
    for (Conv1d& conv : convs_) paths.push_back(conv(narrow));
    paths.push_back(pool_->forward(x));
    return norm_->forward(Concatenate(std::move(paths)));
  }

 private:
  Conv1d bottleneck_;
  std::vector<Conv1d> convs_;
  torch::nn::Sequential pool_;
  torch::nn::Sequential norm_;
};

// InceptionStack is blocks with a residual connection around each group of three: [B, C, L] -> [B, 4 * filters, L].
class InceptionStack : public torch::nn::Module {
 public:
  InceptionStack(const spec::InceptionTime& spec, int leads) {
    const int width = InceptionBlock::kPaths * spec.filters();
    const auto blocks = register_module("im", torch::nn::ModuleList());
    const auto shortcuts = register_module("sk", torch::nn::ModuleList());
    for (int block = 0; block < spec.residual_groups() * kGroup; ++block) {
      blocks_.push_back(std::make_shared<InceptionBlock>(block == 0 ? leads : width, spec));
      blocks->push_back(blocks_.back());
    }
    for (int group = 0; group < spec.residual_groups(); ++group) {
      shortcuts_.push_back(torch::nn::Sequential(
          {{"conv", Convolution(group == 0 ? leads : width, width, 1)}, {"bn", BatchNorm1d(width)}}));
      shortcuts->push_back(shortcuts_.back());
    }
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    torch::Tensor x = signals, group_input = signals;
    for (size_t block = 0; block < blocks_.size(); ++block) {
      x = blocks_[block]->forward(x);
      if ((block + 1) % kGroup == 0) {
        x = (x + shortcuts_[block / kGroup]->forward(group_input)).relu_();
        group_input = x;
      }
    }
    return x;
  }

 private:
  // Blocks for each residual connection.
  static constexpr int kGroup = 3;

  std::vector<std::shared_ptr<InceptionBlock>> blocks_;
  std::vector<torch::nn::Sequential> shortcuts_;
};

// InceptionTime is an InceptionStack, pooled: [B, C, L] -> [B, feature_dim]. Its own head is PooledHead.
class InceptionTime : public torch::nn::Module {
 public:
  using Spec = spec::InceptionTime;
  static const Spec& SpecIn(const spec::Model& model) { return model.inception_time(); }

  InceptionTime(const Spec& spec, int leads)
      : spec_(spec),
        stack_(std::make_shared<InceptionStack>(spec, leads)),
        layers_(register_module("layers", torch::nn::ModuleList(stack_))) {}

  int feature_dim() const { return 2 * InceptionBlock::kPaths * spec_.filters(); }
  void InitWeights() { InitAsBenchmark(*this); }

  std::shared_ptr<PooledHead> AppendHead(int classes) {
    const auto head = std::make_shared<PooledHead>(spec_.head(), feature_dim(), classes);
    layers_->push_back(head);
    return head;
  }

  torch::Tensor forward(const torch::Tensor& signals) { return MaxAndMean(stack_->forward(signals)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return stack_->forward(signals); }
  int sequence_dim() const { return feature_dim() / 2; }

 private:
  Spec spec_;
  std::shared_ptr<InceptionStack> stack_;
  torch::nn::ModuleList layers_;
};

}  // namespace ecg

#endif  // ECG_MODEL_INCEPTION_TIME_H_

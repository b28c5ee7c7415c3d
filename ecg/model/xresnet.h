// xresnet.h
//
// Residual networks with the tricks of He, Zhang, Zhang, Zhang, Xie and Li 2019, "Bag of Tricks for Image
// Classification with Convolutional Neural Networks", arXiv:1812.01187: a stem of three convolutions, bottlenecks with
// the stride in the middle convolution, and average pooling in shortcuts. The forms, with convolutions over time, are
// those of `helme/ecg_ptbxl_benchmarking` (Strodthoff, Wagner, Schaeffter and Samek 2021, "Deep Learning for ECG
// Analysis: Benchmarks and Insights from PTB-XL", arXiv:2004.13701), with its state names and shapes.
//
// Like the benchmark, it differs from He et al.: all stages have width 64, and those after the fourth 32; the kernel
// size is 5; the head pools by maximum and mean and has a hidden layer. The weight of a block's last batch norm is
// initialised with one, not zero, unless the spec says so (`zero_init_residual`).
//
// Squeeze-and-excitation (Hu, Shen and Sun 2018, arXiv:1709.01507) is where fastai's `xse_resnet` has it: behind the
// last batch norm of a block, before the shortcut is added, with reduction 16 and a multiple of 8 squeezed channels.
// fastai's bottlenecks with it are also wider inside, two and four times; ours are not.
//
//   Classifier<XResNet> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_XRESNET_H_
#define ECG_MODEL_XRESNET_H_

#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/pooling.h>
#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/pooled_head.h"
#include "ecg/model/residual.h"
#include "ecg/nn/activation.h"
#include "ecg/nn/conv_norm_activation.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/squeeze_excitation.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// SecondName holds the state of another module under a second name. It has no forward, and its tensors are buffers, so
// that each is a parameter only once.
class SecondName : public torch::nn::Module {
 public:
  explicit SecondName(const torch::nn::Module& module) {
    for (const auto& item : module.named_parameters(/*recurse=*/false)) register_buffer(item.key(), item.value());
    for (const auto& item : module.named_buffers(/*recurse=*/false)) register_buffer(item.key(), item.value());
    for (const auto& item : module.named_children()) {
      register_module(item.key(), std::make_shared<SecondName>(*item.value()));
    }
  }
};

// XResNetOptions are those of all blocks of a network.
struct XResNetOptions {
  // Kernel size of the convolutions over time.
  int kernel = 5;
  // Whether the weight of the last batch norm starts at 0, so that a block starts as its shortcut.
  bool zero_init_residual = false;
  // Whether the output of the convolutions passes through squeeze-and-excitation.
  bool squeeze_excitation = false;
};

// XResNetBlock is a residual block: for `expansion` 1 two convolutions of kernel size `kernel`, for `expansion` 4 three
// of kernel sizes 1, `kernel` and 1. [B, `in`, L] -> [B, `width` * `expansion`, ceil(L / `stride`)].
template <int expansion>
class XResNetBlock : public ResidualBlock {
 public:
  // Output channels, in units of `width`.
  static constexpr int kExpansion = expansion;

  XResNetBlock(int in, int width, int stride, const XResNetOptions& options) {
    const int out = width * kExpansion, kernel = options.kernel;
    if constexpr (kExpansion == 1) {
      convs_->push_back(ConvNormActivation(in, width, {.kernel = kernel, .stride = stride}));
      convs_->push_back(ConvNormActivation(width, out, {.kernel = kernel, .activation = Activation::kNone}));
    } else {
      convs_->push_back(ConvNormActivation(in, width, {}));
      convs_->push_back(ConvNormActivation(width, width, {.kernel = kernel, .stride = stride}));
      convs_->push_back(ConvNormActivation(width, out, {.activation = Activation::kNone}));
    }
    if (options.zero_init_residual) torch::nn::init::zeros_(convs_->children().back()->named_parameters()["1.weight"]);
    register_module("convs", convs_);
    // The benchmark's module holds the convolutions under two names, and so does its state.
    register_module("convpath", torch::nn::ModuleList(std::make_shared<SecondName>(*convs_)));
    if (options.squeeze_excitation) {
      se_module_ = register_module("se_module", std::make_shared<SqueezeExcitation>(
                                                    out, SqueezeExcitation::Options{.squeezed = SqueezedOf(out)}));
    }

    if (stride != 1) idpath_->push_back(torch::nn::AvgPool1d(torch::nn::AvgPool1dOptions(2).ceil_mode(true)));
    if (in != out) idpath_->push_back(ConvNormActivation(in, out, {.activation = Activation::kNone}));
    register_module("idpath", idpath_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = convs_->forward(x);
    if (se_module_) out = se_module_->forward(out);
    out = Dropped(out);
    out += idpath_->is_empty() ? x : idpath_->forward(x);
    return out.relu_();
  }

 private:
  // SqueezedOf returns fastai's number of squeezed channels: those of a reduction by 16, rounded up to a multiple of 8.
  static constexpr int64_t SqueezedOf(int channels) { return (channels / 16 + 7) / 8 * 8; }

  torch::nn::Sequential convs_;
  torch::nn::Sequential idpath_;
  std::shared_ptr<SqueezeExcitation> se_module_;
};

// XResNet is a stem, and four, six or eight stages, pooled: [B, C, L] -> [B, feature_dim]. Its own head is PooledHead.
class XResNet : public torch::nn::Module {
 public:
  using Spec = spec::XResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.xresnet(); }

  XResNet(const Spec& spec, int leads) : spec_(spec) {
    int channels = leads;
    for (const int width : {32, 32, 64}) {
      const ConvNormActivation::Options options{.kernel = spec.kernel_size(), .stride = stem_.empty() ? 2 : 1};
      stem_.push_back(register_module(std::to_string(stem_.size()),
                                      std::make_shared<ConvNormActivation>(channels, width, options)));
      channels = width;
    }
    const auto [blocks, is_bottleneck] = StagesOf(spec.depth());
    const XResNetOptions options = {.kernel = spec.kernel_size(),
                                    .zero_init_residual = spec.zero_init_residual(),
                                    .squeeze_excitation = spec.squeeze_excitation()};
    for (size_t stage = 0; stage < blocks.size(); ++stage) {
      const auto make = is_bottleneck ? &ResidualStage<XResNetBlock<4>, XResNetOptions>
                                      : &ResidualStage<XResNetBlock<1>, XResNetOptions>;
      const int width = stage < 4 ? 64 : 32, stride = stage == 0 ? 1 : 2;
      stages_.push_back(
          register_module(std::to_string(kFirstStage + stage), make(channels, width, blocks[stage], stride, options)));
    }
    SetStochasticDepth(*this, spec.stochastic_depth());
    feature_dim_ = 2 * channels;
  }

  int feature_dim() const { return feature_dim_; }
  void InitWeights() { InitAsBenchmark(*this); }

  std::shared_ptr<PooledHead> AppendHead(int classes) {
    return register_module(std::to_string(kFirstStage + stages_.size()),
                           std::make_shared<PooledHead>(spec_.head(), feature_dim_, classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return MaxAndMean(Sequence(signals)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) {
    torch::Tensor x = signals;
    for (const auto& layer : stem_) x = layer->forward(x);
    x = HalvingMaxPool(x);
    for (torch::nn::Sequential& stage : stages_) x = stage->forward(x);
    return x;
  }
  int sequence_dim() const { return feature_dim_ / 2; }

 private:
  // State names are positions: three layers of the stem, pooling, the stages, the head.
  static constexpr int kFirstStage = 4;

  // Stages is the number of blocks in each stage, and whether these are bottlenecks.
  struct Stages {
    std::vector<int> blocks;
    bool is_bottleneck;
  };

  static Stages StagesOf(spec::XResNet::Depth depth) {
    switch (depth) {
      case spec::XResNet::XRESNET_18:
        return {{2, 2, 2, 2}, false};
      case spec::XResNet::XRESNET_34:
        return {{3, 4, 6, 3}, false};
      case spec::XResNet::XRESNET_50:
        return {{3, 4, 6, 3}, true};
      case spec::XResNet::XRESNET_101:
        return {{3, 4, 23, 3}, true};
      case spec::XResNet::XRESNET_152:
        return {{3, 8, 36, 3}, true};
      case spec::XResNet::XRESNET_18_DEEP:
        return {{2, 2, 2, 2, 1, 1}, false};
      case spec::XResNet::XRESNET_34_DEEP:
        return {{3, 4, 6, 3, 1, 1}, false};
      case spec::XResNet::XRESNET_50_DEEP:
        return {{3, 4, 6, 3, 1, 1}, true};
      case spec::XResNet::XRESNET_18_DEEPER:
        return {{2, 2, 1, 1, 1, 1, 1, 1}, false};
      case spec::XResNet::XRESNET_34_DEEPER:
        return {{3, 4, 6, 3, 1, 1, 1, 1}, false};
      case spec::XResNet::XRESNET_50_DEEPER:
        return {{3, 4, 6, 3, 1, 1, 1, 1}, true};
    }
    TORCH_CHECK(false, "XResNet has no depth ", static_cast<int>(depth));
  }

  std::vector<std::shared_ptr<ConvNormActivation>> stem_;
  std::vector<torch::nn::Sequential> stages_;
  Spec spec_;
  int feature_dim_;
};

}  // namespace ecg

#endif  // ECG_MODEL_XRESNET_H_

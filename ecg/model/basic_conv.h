// basic_conv.h
//
// Plain stacks of convolutions over time, in the forms of `helme/ecg_ptbxl_benchmarking` (Strodthoff, Wagner,
// Schaeffter and Samek 2021, "Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL", arXiv:2004.13701),
// with its state names and shapes. Architectures:
//
//   FCN_WANG       Wang, Yan and Oates 2017, "Time Series Classification from Scratch with Deep Neural Networks: A
//                  Strong Baseline", arXiv:1611.06455.
//   SCHIRRMEISTER  Schirrmeister et al. 2017, "Deep learning with convolutional neural networks for EEG decoding and
//                  visualization", arXiv:1703.05051.
//   SEN            The benchmark's, with squeeze-and-excitation as in Karim et al. 2019, "Multivariate LSTM-FCNs for
//                  Time Series Classification", arXiv:1801.04503.
//   BASIC_1D, Fcn  The benchmark's.
//
// Like the benchmark, these networks differ from the papers: all but Fcn have the benchmark's head instead of one
// linear layer, and Schirrmeister's has ReLU instead of ELU, and pooling of stride 1. A convolution of an even kernel
// size K has a padding of K / 2 - 1, so that its output is one sample shorter.
//
//   Classifier<BasicConv> network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_BASIC_CONV_H_
#define ECG_MODEL_BASIC_CONV_H_

#include <torch/nn/init.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/types.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/pooled_head.h"
#include "ecg/nn/activation.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/conv_norm_activation.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/squeeze_excitation.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ConvolutionForm is the hyperparameters of a ConvolutionStack.
struct ConvolutionForm {
  // Output channels and kernel size of each layer.
  std::vector<int> channels;
  std::vector<int> kernels;
  int stride = 1;
  // Kernel size of the max pooling after each layer but the last; 0 means none.
  int pool = 0;
  int pool_stride = 1;
  // The first layer has stride 1, and a second convolution, of kernel size 1, before its ReLU.
  bool split_first = false;
  // The last layer has neither batch norm nor ReLU.
  bool bare_last = false;
  // Reduction ratio of the squeeze-and-excitation at the end of each layer; 0 means none.
  int reduction = 0;
  // Dropout on the input of each layer but the first.
  double dropout = 0;
};

// ConvolutionStack is a sequence of convolutional layers: [B, C, L] -> [B, features, L'].
class ConvolutionStack : public torch::nn::Module {
 public:
  ConvolutionStack(const ConvolutionForm& form, int leads) {
    int in = leads;
    for (size_t i = 0; i < form.channels.size(); ++i) {
      const bool is_last = i + 1 == form.channels.size();
      const bool is_split = form.split_first && i == 0, is_bare = form.bare_last && is_last;
      const int out = form.channels[i];
      torch::nn::Sequential layer;
      layer->push_back(ConvNormActivation(in, out,
                                          {.kernel = form.kernels[i],
                                           .stride = is_split ? 1 : form.stride,
                                           .dropout = i == 0 ? 0 : form.dropout,
                                           .norm = is_bare ? std::nullopt : std::optional(BatchNormOptions{}),
                                           .activation = is_bare || is_split ? Activation::kNone : Activation::kRelu}));
      if (is_split) layer->push_back(ConvNormActivation(out, out, {.kernel = 1}));
      if (form.pool > 0 && !is_last) {
        layer->push_back(
            MaxPoolLayer({.kernel = form.pool, .stride = form.pool_stride, .padding = (form.pool - 1) / 2}));
      }
      if (form.reduction > 0) layer->push_back(Excitation(out, form.reduction));
      layers_.push_back(register_module(std::to_string(i), layer));
      in = out;
    }
  }

  torch::Tensor Convolve(torch::Tensor x) {
    for (torch::nn::Sequential& layer : layers_) x = layer->forward(x);
    return x;
  }

 private:
  // Excitation returns squeeze-and-excitation. Its initial weights have variances of 2 over the rows of w1 and 1 over
  // the columns of w2: this is what the benchmark intends, where its own lines for them fail.
  static SqueezeExcitation Excitation(int channels, int reduction) {
    SqueezeExcitation layer(channels,
                            {.squeezed = channels / reduction, .reduce = "w1", .expand = "w2", .matrices = true});
    auto weights = layer.named_parameters();
    torch::nn::init::normal_(weights["w1"], 0, std::sqrt(2. / weights["w1"].size(1)));
    torch::nn::init::normal_(weights["w2"], 0, std::sqrt(1. / weights["w2"].size(2)));
    return layer;
  }

  std::vector<torch::nn::Sequential> layers_;
};

// BasicConv is a ConvolutionStack, pooled: [B, C, L] -> [B, feature_dim]. Its own head is PooledHead.
class BasicConv : public ConvolutionStack {
 public:
  using Spec = spec::BasicConv;
  static const Spec& SpecIn(const spec::Model& model) { return model.basic_conv(); }

  BasicConv(const Spec& spec, int leads) : BasicConv(spec, FormOf(spec.architecture()), leads) {}

  int feature_dim() const { return 2 * form_.channels.back(); }
  void InitWeights() { InitAsBenchmark(*this); }

  std::shared_ptr<PooledHead> AppendHead(int classes) {
    return register_module(std::to_string(form_.channels.size()),
                           std::make_shared<PooledHead>(spec_.head(), feature_dim(), classes));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return MaxAndMean(Convolve(signals)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return Convolve(signals); }
  int sequence_dim() const { return static_cast<int>(form_.channels.back()); }

 private:
  BasicConv(const Spec& spec, const ConvolutionForm& form, int leads)
      : ConvolutionStack(form, leads), spec_(spec), form_(form) {}

  static ConvolutionForm FormOf(spec::BasicConv::Architecture architecture) {
    switch (architecture) {
      case spec::BasicConv::FCN_WANG:
        return {.channels = {128, 256, 128}, .kernels = {8, 5, 3}};
      case spec::BasicConv::SCHIRRMEISTER:
        return {.channels = {25, 50, 100, 200},
                .kernels = {10, 10, 10, 10},
                .stride = 3,
                .pool = 3,
                .split_first = true,
                .dropout = 0.5};
      case spec::BasicConv::SEN:
        return {.channels = {128, 128, 128, 128, 128}, .kernels = {3, 3, 3, 3, 3}, .stride = 2, .reduction = 16};
      case spec::BasicConv::BASIC_1D:
        return {.channels = {128, 128, 128, 128, 128}, .kernels = {5, 5, 5, 5, 5}, .stride = 2};
    }
    TORCH_CHECK(false, "BasicConv has no architecture ", static_cast<int>(architecture));
  }

  Spec spec_;
  ConvolutionForm form_;
};

// Fcn is a ConvolutionStack whose last layer has a channel for each class. The logits are the means over time:
// [B, C, L] -> [B, classes].
class Fcn : public Network {
 public:
  Fcn(const spec::Model& model, int leads, int classes)
      : stack_(std::make_shared<ConvolutionStack>(FormOf(model.fcn(), classes), leads)) {
    for (const auto& layer : stack_->named_children()) register_module(layer.key(), layer.value());
    InitAsBenchmark(*this);
  }

  torch::Tensor forward(const torch::Tensor& signals) override { return stack_->Convolve(signals).mean(/*dim=*/-1); }

 private:
  static ConvolutionForm FormOf(const spec::Fcn& spec, int classes) {
    std::vector<int> channels(spec.layers(), spec.width());
    channels.push_back(classes);
    return {.channels = channels,
            .kernels = std::vector<int>(channels.size(), 3),
            .pool = 2,
            .pool_stride = 2,
            .bare_last = true};
  }

  std::shared_ptr<ConvolutionStack> stack_;
};

}  // namespace ecg

#endif  // ECG_MODEL_BASIC_CONV_H_

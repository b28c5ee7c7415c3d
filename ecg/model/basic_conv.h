// basic_conv.h
//
// Plain stacks of convolutions along time, in the forms of `helme/ecg_ptbxl_benchmarking` (Strodthoff, Wagner,
// Schaeffter and Samek 2021, "Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL", arXiv:2004.13701).
// Names and shapes of the weights are those of that project. Where they come from:
//
//   FCN_WANG       Wang, Yan and Oates 2017, "Time Series Classification from Scratch with Deep Neural Networks: A
//                  Strong Baseline", arXiv:1611.06455.
//   SCHIRRMEISTER  Schirrmeister et al. 2017, "Deep learning with convolutional neural networks for EEG decoding and
//                  visualization", arXiv:1703.05051.
//   SEN            The benchmark's, with squeeze-and-excitation as in Karim et al. 2019, "Multivariate LSTM-FCNs for
//                  Time Series Classification", arXiv:1801.04503.
//   BASIC_1D, Fcn  The benchmark's.
//
// The benchmark departs from the papers, and these networks with it: all but Fcn have its head in place of one linear
// layer, and Schirrmeister's has ReLU for ELU and pools by a stride of 1. A convolution of an even width K is padded by
// only K / 2 - 1 samples at either end, so that one sample is lost.
//
//   BasicConv network(spec.model(), /*leads=*/12, /*classes=*/71);

#ifndef ECG_MODEL_BASIC_CONV_H_
#define ECG_MODEL_BASIC_CONV_H_

#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "ecg/model/network.h"
#include "ecg/model/pooled_head.h"
#include "ecg/nn/convolution_unit.h"
#include "ecg/nn/max_pool.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ChannelWeights multiplies each channel by a number from 0 to 1, found from the means of all channels (squeeze and
// excitation): [B, `channels`, L] -> [B, `channels`, L].
class ChannelWeights : public torch::nn::Module {
 public:
  // The means go through `channels` / `reduction` numbers. The first weights have variances of 2 over the rows of w1
  // and 1 over the columns of w2: so one reads the benchmark's training, whose lines for them cannot run.
  ChannelWeights(int channels, int reduction)
      : w1_(register_parameter("w1", torch::empty({1, channels / reduction, channels}))),
        w2_(register_parameter("w2", torch::empty({1, channels, channels / reduction}))) {
    torch::nn::init::normal_(w1_, 0, std::sqrt(2. / w1_.size(1)));
    torch::nn::init::normal_(w2_, 0, std::sqrt(1. / w2_.size(2)));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor squeezed = torch::matmul(w1_, x.mean(/*dim=*/2, /*keepdim=*/true)).relu_();
    return x * torch::matmul(w2_, squeezed).sigmoid();
  }

 private:
  torch::Tensor w1_;
  torch::Tensor w2_;
};

// ConvolutionStack is layers of convolutions, one after the other: [B, C, L] -> [B, features, L'].
class ConvolutionStack : public Network {
 protected:
  // Form is the numbers that tell one stack from another.
  struct Form {
    // Channels of each layer, and samples that its convolution spans.
    std::vector<int> channels;
    std::vector<int> kernels;
    int stride = 1;
    // The largest of so many samples is taken after each layer but the last; 0 leaves that out.
    int pool = 0;
    int pool_stride = 1;
    // The first layer keeps every sample, and has a second convolution, of one sample, before its ReLU.
    bool split_first = false;
    // The last layer is a convolution only.
    bool bare_last = false;
    // ChannelWeights of this reduction end each layer; 0 leaves them out.
    int reduction = 0;
    // Probability with which an input of a layer after the first is silenced in training.
    double dropout = 0;
  };

  ConvolutionStack(const Form& form, int leads) {
    int in = leads;
    for (size_t i = 0; i < form.channels.size(); ++i) {
      const bool is_last = i + 1 == form.channels.size();
      const bool is_split = form.split_first && i == 0, is_bare = form.bare_last && is_last;
      const int out = form.channels[i];
      torch::nn::Sequential layer;
      layer->push_back(ConvolutionUnit(in, out,
                                       {.kernel = form.kernels[i],
                                        .stride = is_split ? 1 : form.stride,
                                        .dropout = i == 0 ? 0 : form.dropout,
                                        .batch_norm = !is_bare,
                                        .relu = !is_bare && !is_split}));
      if (is_split) layer->push_back(ConvolutionUnit(out, out, {.kernel = 1}));
      if (form.pool > 0 && !is_last) {
        layer->push_back(
            MaxPoolLayer({.kernel = form.pool, .stride = form.pool_stride, .padding = (form.pool - 1) / 2}));
      }
      if (form.reduction > 0) layer->push_back(ChannelWeights(out, form.reduction));
      layers_.push_back(register_module(std::to_string(i), layer));
      in = out;
    }
  }

  torch::Tensor Convolve(torch::Tensor x) {
    for (torch::nn::Sequential& layer : layers_) x = layer->forward(x);
    return x;
  }

 private:
  std::vector<torch::nn::Sequential> layers_;
};

// BasicConv is a stack of convolutions and the benchmark's head: [B, C, L] -> [B, classes].
class BasicConv : public ConvolutionStack {
 public:
  BasicConv(const spec::Model& model, int leads, int classes)
      : BasicConv(model.basic_conv(), FormOf(model.basic_conv().architecture()), leads, classes) {}

  torch::Tensor forward(const torch::Tensor& signals) override { return head_->forward(MaxAndMean(Convolve(signals))); }

 private:
  BasicConv(const spec::BasicConv& spec, const Form& form, int leads, int classes)
      : ConvolutionStack(form, leads),
        head_(register_module(std::to_string(form.channels.size()),
                              std::make_shared<PooledHead>(spec.head(), 2 * form.channels.back(), classes))) {
    StartAsBenchmark(*this);
  }

  static Form FormOf(spec::BasicConv::Architecture architecture) {
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

  std::shared_ptr<PooledHead> head_;
};

// Fcn is a stack of convolutions, the last of which has a channel for each class; the mean of a channel over time is
// the logit: [B, C, L] -> [B, classes].
class Fcn : public ConvolutionStack {
 public:
  Fcn(const spec::Model& model, int leads, int classes) : ConvolutionStack(FormOf(model.fcn(), classes), leads) {
    StartAsBenchmark(*this);
  }

  torch::Tensor forward(const torch::Tensor& signals) override { return Convolve(signals).mean(/*dim=*/-1); }

 private:
  static Form FormOf(const spec::Fcn& spec, int classes) {
    std::vector<int> channels(spec.layers(), spec.width());
    channels.push_back(classes);
    return {.channels = channels,
            .kernels = std::vector<int>(channels.size(), 3),
            .pool = 2,
            .pool_stride = 2,
            .bare_last = true};
  }
};

}  // namespace ecg

#endif  // ECG_MODEL_BASIC_CONV_H_

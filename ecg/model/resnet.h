// resnet.h
//
// Residual networks: He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385,
// with one-dimensional convolutions along time. Names and shapes of the weights are those of
// `seitalab/dnn_ecg_comparison`.
//
// It departs from the paper in the last layer: the pooled features go through a linear layer to `feature_dim`, from
// which the head goes on to the classes.

#ifndef ECG_MODEL_RESNET_H_
#define ECG_MODEL_RESNET_H_

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "ecg/model/network.h"
#include "proto/experiment.pb.h"

namespace ecg {

// BasicBlock is two convolutions of width 3 around which the input is added: [B, `in`, L] -> [B, `width`, L /
// `stride`].
class BasicBlock : public torch::nn::Module {
 public:
  // How many times wider the output is than `width`.
  static constexpr int kExpansion = 1;

  BasicBlock(int in, int width, int stride)
      : conv1_(Register("conv1", Convolution(in, width, 3, stride))),
        bn1_(register_module("bn1", torch::nn::BatchNorm1d(width))),
        conv2_(Register("conv2", Convolution(width, width, 3, 1))),
        bn2_(register_module("bn2", torch::nn::BatchNorm1d(width))) {
    if (stride != 1 || in != width * kExpansion) {
      downsample_ = register_module("downsample", torch::nn::Sequential(Convolution(in, width * kExpansion, 1, stride),
                                                                        torch::nn::BatchNorm1d(width * kExpansion)));
    }
  }

  torch::Tensor forward(const torch::Tensor& x) {
    torch::Tensor out = bn1_(conv1_(x)).relu_();
    out = bn2_(conv2_(out));
    out += downsample_.is_empty() ? x : downsample_->forward(x);
    return out.relu_();
  }

  // Convolution returns a convolution without bias whose output has L / `stride` samples.
  static torch::nn::Conv1d Convolution(int in, int out, int kernel, int stride) {
    return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
  }

 private:
  torch::nn::Conv1d Register(const std::string& name, torch::nn::Conv1d convolution) {
    return register_module(name, convolution);
  }

  torch::nn::Conv1d conv1_;
  torch::nn::BatchNorm1d bn1_;
  torch::nn::Conv1d conv2_;
  torch::nn::BatchNorm1d bn2_;
  torch::nn::Sequential downsample_{nullptr};
};

// ResNet is four stages of kBlocks blocks each, 64, 128, 256 and 512 wide; each stage after the first halves the number
// of samples. [B, C, L] -> [B, feature_dim].
template <typename Block, int... kBlocks>
class ResNet : public torch::nn::Module {
  static_assert(sizeof...(kBlocks) == 4, "a ResNet has four stages: ResNet<Block, n1, n2, n3, n4>");

 public:
  using Spec = spec::ResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.resnet(); }

  ResNet(const Spec& spec, int leads) : feature_dim_(spec.feature_dim()) {
    conv1_ = register_module("conv1", Block::Convolution(leads, kStemWidth, 7, 2));
    bn1_ = register_module("bn1", torch::nn::BatchNorm1d(kStemWidth));
    int in = kStemWidth;
    int stage = 0;
    for (const int blocks : {kBlocks...}) {
      const int width = kStemWidth << stage;
      torch::nn::Sequential layer;
      for (int block = 0; block < blocks; ++block) {
        layer->push_back(Block(in, width, /*stride=*/block == 0 && stage > 0 ? 2 : 1));
        in = width * Block::kExpansion;
      }
      layers_[stage] = register_module("layer" + std::to_string(stage + 1), layer);
      ++stage;
    }
    fc_ = register_module("fc", torch::nn::Linear(in, feature_dim_));

    for (const auto& module : modules(/*include_self=*/false)) {
      if (auto* convolution = module->as<torch::nn::Conv1d>()) {
        torch::nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
      }
    }
  }

  torch::Tensor forward(const torch::Tensor& signals) {
    torch::Tensor x = bn1_(conv1_(signals)).relu_();
    x = torch::max_pool1d(x, /*kernel_size=*/3, /*stride=*/2, /*padding=*/1);
    for (auto& layer : layers_) x = layer->forward(x);
    return fc_(x.mean(/*dim=*/-1));
  }

  int feature_dim() const { return feature_dim_; }

 private:
  static constexpr int kStemWidth = 64;

  const int feature_dim_;
  torch::nn::Conv1d conv1_{nullptr};
  torch::nn::BatchNorm1d bn1_{nullptr};
  std::array<torch::nn::Sequential, 4> layers_{nullptr, nullptr, nullptr, nullptr};
  torch::nn::Linear fc_{nullptr};
};

}  // namespace ecg

#endif  // ECG_MODEL_RESNET_H_

// lambda_resnet.h
//
// Lambda networks: Bello 2021, "LambdaNetworks: Modeling Long-Range Interactions Without Attention", arXiv:2102.08602.
// They are residual networks of bottlenecks with a lambda layer instead of the middle convolution. Convolutions and
// lambda layers are over time. State names and shapes are those of `seitalab/dnn_ecg_comparison`.
//
//   Classifier<LambdaResNet> network(spec.model(), /*leads=*/12, /*classes=*/71);
//
// LambdaResNet-50 and deeper are fixed. A lambda layer multiplies queries by values, both linear in its input, so that
// the output of a block is quadratic in its input. Batch norm hides this in training, but in evaluation, on signals of
// a larger amplitude than those of the running statistics, activations grow like x, x^2, x^4, ... through the blocks of
// a stage, until they overflow. The reference clamps activations to [-20, 20] between stages. This is enough for
// LambdaResNet-18, which has two blocks in a stage; deeper networks give NaN on the weights of the parity test, and
// LambdaResNet-101 after ten steps of training, on signals of five times the amplitude. Ours clamps after every second
// block of a stage as well: LambdaResNet-18 is identical to the reference's, and deeper networks are bounded in the
// same way. For the same reason gradients about double with each block towards the input, up to 1e8 in the first layers
// of LambdaResNet-101 after initialisation; Adam, which rescales gradients, copes with that.
//
// Like the reference, it differs from the paper: in the arrangement of the values (see LambdaLayer), in that
// LambdaResNet-18 has bottlenecks too, in the bias of the shortcut's convolution, and in the last layer, which is
// dropout of 0.3 and a linear layer to `feature_dim`.

#ifndef ECG_MODEL_LAMBDA_RESNET_H_
#define ECG_MODEL_LAMBDA_RESNET_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pooling.h>
#include <torch/types.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "ecg/model/residual.h"
#include "ecg/nn/at_each_time.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/stochastic_depth.h"
#include "proto/experiment.pb.h"

namespace ecg {

// LambdaLayer computes at each sample n a linear function of its context, the lambda [K, V], and applies it to the
// sample's H queries [K]: [B, `in`, L] -> [B, `out`, L], out = H V. In the notation of the paper, with intra-depth U,
//
//   lambda(n) = lambda_c + lambda_p(n)
//   lambda_c = sum over u, m of softmax(keys)[:, u, m] values[:, u, m]^T      content, over the whole crop
//   lambda_p(n) = sum over u, m of embedding[:, u, m] values[:, u, n + m]^T   positions, up to 3 samples away
//
// Like the reference, it differs from the paper: channel c of the values is (v, u) = (c / U, c mod U) in lambda_c, but
// (u, v) = (c / V, c mod V) in lambda_p, so that the two parts of a lambda use different channels. The order of the
// computation is the reference's: outputs are sums of large terms that cancel, and adding the two lambdas first changes
// logits by 1e-4.
class LambdaLayer : public torch::nn::Module {
 public:
  LambdaLayer(int in, int out)
      : value_dim_(out / kHeads),
        to_queries_(register_module(
            "to_queries", torch::nn::Sequential(Convolution(in, kKeyDim * kHeads, 1), BatchNorm1d(kKeyDim * kHeads)))),
        to_keys_(register_module("to_keys", torch::nn::Sequential(Convolution(in, kKeyDim * kDepth, 1)))),
        to_values_(register_module("to_values", torch::nn::Sequential(Convolution(in, value_dim_ * kDepth, 1),
                                                                      BatchNorm1d(value_dim_ * kDepth)))),
        embedding_(register_parameter("embedding", torch::randn({kKeyDim, kDepth, 1, kReach}))) {}

  torch::Tensor forward(const torch::Tensor& x) {
    const int64_t batch = x.size(0), samples = x.size(2);
    const torch::Tensor queries = to_queries_->forward(x).view({batch, kHeads, kKeyDim, samples});
    const torch::Tensor keys = to_keys_->forward(x).view({batch, kKeyDim, kDepth, samples}).softmax(/*dim=*/-1);
    const torch::Tensor values = to_values_->forward(x);
    const torch::Tensor lambda_c =
        torch::einsum("bkum,bvum->bkv", {keys, values.view({batch, value_dim_, kDepth, samples})});
    const torch::Tensor lambda_p =  // [B, K, V, L]
        torch::conv2d(values.view({batch, kDepth, value_dim_, samples}), embedding_, /*bias=*/{}, /*stride=*/1,
                      /*padding=*/torch::IntArrayRef({0, kReach / 2}));
    torch::Tensor out = torch::einsum("bhkn,bkv->bhvn", {queries, lambda_c});
    out += torch::einsum("bhkn,bkvn->bhvn", {queries, lambda_p});
    return out.reshape({batch, kHeads * value_dim_, samples});
  }

 private:
  // The paper's H, K, U and number of positions.
  static constexpr int kHeads = 4, kKeyDim = 16, kDepth = 4, kReach = 7;

  int value_dim_;  // V
  torch::nn::Sequential to_queries_;
  torch::nn::Sequential to_keys_;
  torch::nn::Sequential to_values_;
  torch::Tensor embedding_;
};

// LambdaBottleneck is a lambda layer between two convolutions of kernel size 1, with a residual connection: [B, `in`,
// L] -> [B, 4 * `width`, ceil(L / `stride`)]. Where the shape changes, average pooling of kernel size 3 follows the
// lambda layer, and the shortcut's convolution has a bias.
class LambdaBottleneck : public ResidualBlock {
 public:
  static constexpr int kExpansion = 4;

  LambdaBottleneck(int in, int width, int stride)
      : conv1_(register_module("conv1", Convolution(in, width, 1))),
        bn1_(register_module("bn1", BatchNorm1d(width))),
        conv3_(register_module("conv3", Convolution(width, width * kExpansion, 1))),
        bn3_(register_module("bn3", BatchNorm1d(width * kExpansion))) {
    conv2_->push_back(LambdaLayer(width, width));
    if (ChangesShape(in, width * kExpansion, stride)) {
      conv2_->push_back(torch::nn::AvgPool1d(torch::nn::AvgPool1dOptions(3).stride(stride).padding(1)));
      shortcut_ = register_module(
          "shortcut", torch::nn::Sequential(Conv1d(torch::nn::Conv1dOptions(in, width * kExpansion, 1).stride(stride)),
                                            BatchNorm1d(width * kExpansion)));
    }
    conv2_->push_back(BatchNorm1d(width));
    conv2_->push_back(torch::nn::ReLU());
    register_module("conv2", conv2_);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor out = conv2_->forward(bn1_->NormRelu(conv1_(x)));
    return NormAddRelu(bn3_, conv3_(out), shortcut_ ? shortcut_->forward(x) : x);
  }

 private:
  Conv1d conv1_;
  BatchNorm1d bn1_;
  torch::nn::Sequential conv2_;
  Conv1d conv3_;
  BatchNorm1d bn3_;
  torch::nn::Sequential shortcut_{nullptr};
};

// LambdaResNet is a stem, max pooling, four stages of width 64, 128, 256 and 512 with strides 1, 2, 2 and 2, global
// average pooling, dropout and a linear layer: [B, C, L] -> [B, feature_dim].
class LambdaResNet : public torch::nn::Module {
 public:
  using Spec = spec::LambdaResNet;
  static const Spec& SpecIn(const spec::Model& model) { return model.lambda_resnet(); }

  LambdaResNet(const Spec& spec, int leads)
      : feature_dim_(spec.feature_dim()),
        conv1_(register_module("conv1", Convolution(leads, kStemWidth, 7, 2))),
        bn1_(register_module("bn1", BatchNorm1d(kStemWidth))) {
    int channels = kStemWidth;
    layers_ = ResidualStages<LambdaBottleneck>(*this, channels, BlocksOf(spec.depth()));
    SetStochasticDepth(*this, spec.stochastic_depth());
    fc_ = register_module("fc",
                          torch::nn::Sequential(torch::nn::Dropout(0.3), torch::nn::Linear(channels, feature_dim_)));
  }

  torch::Tensor forward(const torch::Tensor& signals) { return fc_->forward(Convolve(signals).mean(/*dim=*/-1)); }

  // Sequence returns the features of each time: [B, C, L] -> [B, sequence_dim, T].
  torch::Tensor Sequence(const torch::Tensor& signals) { return AtEachTime(fc_, Convolve(signals)); }
  int sequence_dim() const { return feature_dim_; }

  int feature_dim() const { return feature_dim_; }

 private:
  // Convolve returns what is pooled: [B, C, L] -> [B, width, T].
  torch::Tensor Convolve(const torch::Tensor& signals) {
    torch::Tensor x = bn1_->NormRelu(conv1_(Clamped(signals)));
    x = HalvingMaxPool(x);
    for (size_t stage = 0; stage < layers_.size(); ++stage) {
      for (size_t block = 0; block < layers_[stage]->size(); ++block) {
        // Not before the first block, as in the reference.
        if (block % 2 == 0 && stage + block > 0) x = Clamped(x);
        x = (layers_[stage]->begin() + block)->forward(x);
      }
    }
    return x;
  }

  // Clamped returns `x` clamped to [-20, 20].
  static torch::Tensor Clamped(const torch::Tensor& x) { return x.clamp(-20, 20); }

  // BlocksOf returns the number of blocks in each stage.
  static std::array<int, kResidualStages> BlocksOf(Spec::Depth depth) {
    switch (depth) {
      case Spec::LAMBDA_RESNET_18:
        return BlocksOfResNet(18);
      case Spec::LAMBDA_RESNET_50:
        return BlocksOfResNet(50);
      case Spec::LAMBDA_RESNET_101:
        return BlocksOfResNet(101);
      case Spec::LAMBDA_RESNET_152:
        return BlocksOfResNet(152);
    }
    TORCH_CHECK(false, "LambdaResNet has no depth ", static_cast<int>(depth));
  }

  int feature_dim_;
  Conv1d conv1_;
  BatchNorm1d bn1_;
  std::array<torch::nn::Sequential, kResidualStages> layers_;
  torch::nn::Sequential fc_{nullptr};
};

}  // namespace ecg

#endif  // ECG_MODEL_LAMBDA_RESNET_H_

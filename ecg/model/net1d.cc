#include "ecg/model/net1d.h"

#include <torch/nn/modules/container/modulelist.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "ecg/nn/batch_norm.h"
#include "ecg/nn/max_pool.h"
#include "ecg/nn/same_convolution.h"
#include "ecg/nn/stochastic_depth.h"

namespace ecg {

Net1DBlock::Net1DBlock(int in, int out, const Options& options)
    : in_(in), out_(out), stride_(options.stride), dropout_(options.dropout) {
  if (options.is_first) {
    register_module("bn1", std::make_shared<UntrainedState>(*BatchNorm1d(in)));
  } else {
    bn1_ = register_module("bn1", BatchNorm1d(in));
  }
  const auto convolution = [&](const char* name, int inputs, const SameConvolution::Options& form) {
    return register_module(name, std::make_shared<SameConvolution>(inputs, out, form));
  };
  conv1_ = convolution("conv1", in, {});
  bn2_ = register_module("bn2", BatchNorm1d(out));
  conv2_ = convolution("conv2", out, {.kernel = options.kernel, .stride = options.stride, .groups = out / kGroupWidth});
  bn3_ = register_module("bn3", BatchNorm1d(out));
  conv3_ = convolution("conv3", out, {});
  se_fc1_ = register_module("se_fc1", torch::nn::Linear(out, out / 2));
  se_fc2_ = register_module("se_fc2", torch::nn::Linear(out / 2, out));
}

torch::Tensor Net1DBlock::forward(const torch::Tensor& x) {
  const auto activated = [this](BatchNorm1d& norm, const torch::Tensor& y) {
    return torch::dropout(torch::silu(norm(y)), dropout_, is_training());
  };
  torch::Tensor out = conv1_->forward(bn1_ ? activated(bn1_, x) : x);
  out = conv2_->forward(activated(bn2_, out));
  out = conv3_->forward(activated(bn3_, out));
  const torch::Tensor gate = torch::sigmoid(se_fc2_(torch::silu(se_fc1_(out.mean(/*dim=*/-1)))));  // [B, out]
  return Dropped(out * gate.unsqueeze(-1)) + Shortcut(x);
}

torch::Tensor Net1DBlock::Shortcut(const torch::Tensor& x) const {
  torch::Tensor shortcut = x;
  // Of an odd number of samples the last one is pooled with a zero.
  if (stride_ == 2) shortcut = MaxPool(x.size(-1) % 2 == 0 ? x : PadTime(x, 0, 1), {.kernel = 2, .stride = 2});
  if (in_ == out_) return shortcut;
  const int64_t before = (out_ - in_) / 2;
  return PadChannels(shortcut, before, out_ - in_ - before);
}

Net1D::Net1D(const Spec& spec, int leads)
    : first_conv_(register_module(
          "first_conv", std::make_shared<SameConvolution>(
                            leads, kStemWidth, SameConvolution::Options{.kernel = spec.kernel_size(), .stride = 2}))),
      first_bn_(register_module("first_bn", BatchNorm1d(kStemWidth))) {
  const auto stages = register_module("stage_list", torch::nn::ModuleList());
  int channels = kStemWidth;
  for (const auto& [width, count] : StagesOf(spec.depth())) {
    const auto stage = std::make_shared<torch::nn::Module>();
    const auto blocks = stage->register_module("block_list", torch::nn::ModuleList());
    for (int block = 0; block < count; ++block) {
      const Net1DBlock::Options options = {.stride = block == 0 ? 2 : 1,
                                           .kernel = spec.kernel_size(),
                                           .dropout = spec.dropout(),
                                           .is_first = blocks_.empty()};
      blocks_.push_back(std::make_shared<Net1DBlock>(channels, width, options));
      blocks->push_back(blocks_.back());
      channels = width;
    }
    stages->push_back(stage);
  }
  feature_dim_ = channels;
  SetStochasticDepth(*this, spec.stochastic_depth());
}

std::vector<Net1D::Stage> Net1D::StagesOf(Spec::Depth depth) {
  switch (depth) {
    case Spec::NET1D_44:
      return {{64, 2}, {128, 2}, {128, 2}, {256, 2}, {256, 2}, {512, 2}, {512, 2}};
    case Spec::NET1D_62:
      return {{64, 2}, {160, 2}, {160, 2}, {400, 3}, {400, 3}, {1024, 4}, {1024, 4}};
  }
  TORCH_CHECK(false, "Net1D has no depth ", static_cast<int>(depth));
}

torch::Tensor Net1D::Sequence(const torch::Tensor& signals) {
  torch::Tensor x = torch::silu(first_bn_(first_conv_->forward(signals)));
  for (const auto& block : blocks_) x = block->forward(x);
  return x;
}

}  // namespace ecg

// residual.h
//
// What residual networks share, whatever their blocks are: stages of blocks, and the shortcut around a block that
// changes the shape.
//
//   int channels = 64;
//   torch::nn::Sequential layer2 = ResidualStage<BasicBlock>(channels, /*width=*/128, /*blocks=*/2, /*stride=*/2);

#ifndef ECG_MODEL_RESIDUAL_H_
#define ECG_MODEL_RESIDUAL_H_

#include <torch/torch.h>

#include <array>
#include <string>

#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"

namespace ecg {

// Convolution returns a convolution without bias, padded so that L samples become L / `stride` of them, rounded up.
inline Conv1d Convolution(int in, int out, int kernel, int stride = 1, int groups = 1) {
  return Conv1d(
      torch::nn::Conv1dOptions(in, out, kernel).stride(stride).padding(kernel / 2).groups(groups).bias(false));
}

// HalfKernel returns half of an odd `kernel`, rounded up to an odd number: 1, 3, 3, 5, 5 for 1, 3, 5, 7, 9.
constexpr int HalfKernel(int kernel) { return (kernel / 2 + 1) | 1; }

// ChangesShape tells whether a block's output differs in shape from its input, so that one cannot be added to the
// other.
inline bool ChangesShape(int in, int out, int stride) { return in != out || stride != 1; }

// Shortcut returns what the input of a block goes through before it is added to the block's output: a convolution and
// batch norm where the shapes differ, or else an empty module, which means the input itself.
inline torch::nn::Sequential Shortcut(int in, int out, int stride, int kernel = 1) {
  if (!ChangesShape(in, out, stride)) return torch::nn::Sequential(nullptr);
  return torch::nn::Sequential(Convolution(in, out, kernel, stride), BatchNorm1d(out));
}

// ResidualStage returns `blocks` blocks, the first of which divides the number of samples by `stride`:
// [B, `channels`, L] -> [B, `width` * Block::kExpansion, L / `stride`]. It sets `channels` to what it gives. A block is
// made from the channels that it gets, `width`, its stride and `options`.
template <typename Block, typename... Options>
torch::nn::Sequential ResidualStage(int& channels, int width, int blocks, int stride, const Options&... options) {
  torch::nn::Sequential stage;
  for (int block = 0; block < blocks; ++block) {
    stage->push_back(Block(channels, width, block == 0 ? stride : 1, options...));
    channels = width * Block::kExpansion;
  }
  return stage;
}

// kResidualStages is how many stages a residual network has, and kStemWidth how wide the first of them is.
inline constexpr int kResidualStages = 4, kStemWidth = 64;

// BlocksOfResNet returns the number of blocks in each stage of a residual network of 18, 34, 50, 101 or 152 layers (He
// et al. 2016, arXiv:1512.03385, table 1).
inline std::array<int, kResidualStages> BlocksOfResNet(int layers) {
  switch (layers) {
    case 18:
      return {2, 2, 2, 2};
    case 34:
    case 50:
      return {3, 4, 6, 3};
    case 101:
      return {3, 4, 23, 3};
    case 152:
      return {3, 8, 36, 3};
  }
  TORCH_CHECK(false, "there is no residual network of ", layers, " layers");
}

// ResidualStages gives `network` its stages, "layer1" to "layer4", which are 64, 128, 256 and 512 wide and of which
// each but the first halves the number of samples. `channels` goes in as what the first one gets, and out as what the
// last one gives: [B, `channels`, L] -> [B, 512 * Block::kExpansion, L / 8].
template <typename Block, typename... Options>
std::array<torch::nn::Sequential, kResidualStages> ResidualStages(torch::nn::Module& network, int& channels,
                                                                  const std::array<int, kResidualStages>& blocks,
                                                                  const Options&... options) {
  std::array<torch::nn::Sequential, kResidualStages> stages;
  for (int stage = 0; stage < kResidualStages; ++stage) {
    stages[stage] = network.register_module(
        "layer" + std::to_string(stage + 1),
        ResidualStage<Block>(channels, kStemWidth << stage, blocks[stage], stage == 0 ? 1 : 2, options...));
  }
  return stages;
}

// InitKaimingNormal draws the weights of all convolutions in `module` from a normal distribution whose variance is 2
// over their number of outputs (He et al. 2015, arXiv:1502.01852).
inline void InitKaimingNormal(torch::nn::Module& module) {
  for (const auto& part : module.modules(/*include_self=*/false)) {
    if (auto* convolution = part->as<torch::nn::Conv1d>()) {
      torch::nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
    }
  }
}

}  // namespace ecg

#endif  // ECG_MODEL_RESIDUAL_H_

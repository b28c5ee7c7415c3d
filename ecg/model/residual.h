// residual.h
//
// What residual networks share: stages of blocks, the shortcut of a block, and the initialisation of weights.
//
//   int channels = 64;
//   torch::nn::Sequential layer2 = ResidualStage<BasicBlock>(channels, /*width=*/128, /*blocks=*/2, /*stride=*/2);

#ifndef ECG_MODEL_RESIDUAL_H_
#define ECG_MODEL_RESIDUAL_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>

#include <array>
#include <string>

#include "ecg/nn/convolution.h"

namespace ecg {

// Convolution returns a convolution without bias, with the padding that gives [B, `in`, L] ->
// [B, `out`, ceil(L / `stride`)] for an odd kernel size.
Conv1d Convolution(int in, int out, int kernel, int stride = 1, int groups = 1);

// HalfKernel returns half of an odd kernel size, rounded up to an odd number: 1, 3, 3, 5, 5 for 1, 3, 5, 7, 9.
constexpr int HalfKernel(int kernel) { return (kernel / 2 + 1) | 1; }

// ChangesShape tells whether a block's output differs in shape from its input, so that the shortcut needs a
// convolution.
inline bool ChangesShape(int in, int out, int stride) { return in != out || stride != 1; }

// Shortcut returns the shortcut of a residual block: a convolution and batch norm where the block changes the shape, or
// else an empty holder, which means the identity.
torch::nn::Sequential Shortcut(int in, int out, int stride, int kernel = 1);

// ResidualStage returns `blocks` blocks, the first of which has stride `stride`: [B, `channels`, L] -> [B, `width` *
// Block::kExpansion, ceil(L / `stride`)]. It sets `channels` to the number of output channels. Blocks are constructed
// from input channels, `width`, stride and `options`.
template <typename Block, typename... Options>
torch::nn::Sequential ResidualStage(int& channels, int width, int blocks, int stride, const Options&... options) {
  torch::nn::Sequential stage;
  for (int block = 0; block < blocks; ++block) {
    stage->push_back(Block(channels, width, block == 0 ? stride : 1, options...));
    channels = width * Block::kExpansion;
  }
  return stage;
}

// kResidualStages is the number of stages of a residual network, and kStemWidth the width of stem and first stage.
inline constexpr int kResidualStages = 4, kStemWidth = 64;

// BlocksOfResNet returns the number of blocks in each stage of a ResNet of 18, 34, 50, 101 or 152 layers (He et al.
// 2016, arXiv:1512.03385, table 1).
std::array<int, kResidualStages> BlocksOfResNet(int layers);

// ResidualStages registers the stages "layer1" to "layer4" in `network`, of width 64, 128, 256 and 512 and with strides
// 1, 2, 2 and 2: [B, `channels`, L] -> [B, 512 * Block::kExpansion, ceil(L / 8)]. It sets `channels` to the number of
// output channels.
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

// InitKaimingNormal initialises the weights of all convolutions in `module` Kaiming-normal, fan-out, for ReLU (He et
// al. 2015, arXiv:1502.01852).
void InitKaimingNormal(torch::nn::Module& module);

}  // namespace ecg

#endif  // ECG_MODEL_RESIDUAL_H_

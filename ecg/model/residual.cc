#include "ecg/model/residual.h"

#include <torch/nn/init.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <array>

#include "ecg/nn/batch_norm.h"
#include "ecg/nn/convolution.h"

namespace ecg {

Conv1d Convolution(int in, int out, int kernel, int stride, int groups) {
  return Conv1d(
      torch::nn::Conv1dOptions(in, out, kernel).stride(stride).padding(kernel / 2).groups(groups).bias(false));
}

torch::nn::Sequential Shortcut(int in, int out, int stride, int kernel) {
  if (!ChangesShape(in, out, stride)) return torch::nn::Sequential(nullptr);
  return torch::nn::Sequential(Convolution(in, out, kernel, stride), BatchNorm1d(out));
}

std::array<int, kResidualStages> BlocksOfResNet(int layers) {
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

void InitKaimingNormal(torch::nn::Module& module) {
  for (const auto& part : module.modules(/*include_self=*/false)) {
    if (auto* convolution = part->as<torch::nn::Conv1d>()) {
      torch::nn::init::kaiming_normal_(convolution->weight, 0, torch::kFanOut, torch::kReLU);
    }
  }
}

}  // namespace ecg

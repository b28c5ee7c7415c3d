#include "ecg/nn/stochastic_depth.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ecg/nn/batch_norm.h"

namespace ecg {

torch::Tensor DropCrops(const torch::Tensor& x, double probability, bool is_training) {
  if (!is_training || probability == 0) return x;
  std::vector<int64_t> shape(x.dim(), 1);
  shape[0] = x.size(0);
  const double keep = 1 - probability;
  return x * x.new_empty(shape).bernoulli_(keep).div_(keep);
}

torch::Tensor ResidualBlock::Dropped(const torch::Tensor& branch) const {
  return DropCrops(branch, drop_probability_, is_training());
}

torch::Tensor ResidualBlock::NormAddRelu(BatchNorm1d& norm, const torch::Tensor& branch,
                                         const torch::Tensor& shortcut) const {
  if (!is_training() || drop_probability_ == 0) return norm->NormRelu(branch, shortcut);
  return (Dropped(norm(branch)) + shortcut).relu_();
}

void SetStochasticDepth(torch::nn::Module& network, double last) {
  std::vector<ResidualBlock*> blocks;
  for (const auto& part : network.modules(/*include_self=*/false)) {
    if (auto* block = dynamic_cast<ResidualBlock*>(part.get())) blocks.push_back(block);
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    blocks[i]->set_drop_probability(last * static_cast<double>(i + 1) / static_cast<double>(blocks.size()));
  }
}

}  // namespace ecg

// norm_statistics.h
//
// Estimates the running statistics of batch norm again, for weights that no training step has led to, such as an
// average of weights (Izmailov et al. 2018, arXiv:1803.05407, section 3.2).
//
//   const torch::NoGradGuard no_grad;
//   NormStatistics statistics(*network);
//   for (const torch::Tensor& signals : batches) {
//     statistics.NextBatch();
//     network->forward(signals);
//   }

#ifndef ECG_TRAIN_NORM_STATISTICS_H_
#define ECG_TRAIN_NORM_STATISTICS_H_

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>

#include <functional>
#include <memory>
#include <vector>

#include "ecg/nn/batch_norm.h"

namespace ecg {

// NormStatistics makes the running statistics of every batch norm of a network the mean over the batches that the
// network sees, in training mode, as long as it lives. Then they move with each batch as before.
class NormStatistics {
 public:
  // AnyIn returns whether `network` has a batch norm.
  static bool AnyIn(const torch::nn::Module& network) {
    bool any = false;
    ForEachNorm(network, [&any](auto*) { any = true; });
    return any;
  }

  // `network` must outlive it.
  explicit NormStatistics(torch::nn::Module& network) {
    network.train();
    ForEachNorm(network, [this](auto* norm) { Add(norm); });
  }
  NormStatistics(const NormStatistics&) = delete;
  NormStatistics& operator=(const NormStatistics&) = delete;
  ~NormStatistics() {
    for (const Norm& norm : norms_) norm.set_momentum(norm.momentum);
  }

  // NextBatch makes the statistics of the next batch count as much as those of each batch before. Nothing is left of
  // what they were before the first.
  void NextBatch() {
    ++batches_;
    for (const Norm& norm : norms_) norm.set_momentum(1.0 / batches_);
  }

 private:
  struct Norm {
    std::function<void(double)> set_momentum;
    double momentum;  // as it was
  };

  // ForEachNorm calls `visit` with each batch norm of `network`, of this project's type or LibTorch's.
  template <typename Visit>
  static void ForEachNorm(const torch::nn::Module& network, const Visit& visit) {
    for (const std::shared_ptr<torch::nn::Module>& module : network.modules(/*include_self=*/false)) {
      if (auto* ours = module->as<BatchNorm1dImpl>()) {
        visit(ours);
      } else if (auto* norm1d = module->as<torch::nn::BatchNorm1dImpl>()) {
        visit(norm1d);
      } else if (auto* norm2d = module->as<torch::nn::BatchNorm2dImpl>()) {
        visit(norm2d);
      }
    }
  }

  void Add(BatchNorm1dImpl* norm) {
    norms_.push_back({[norm](double share) { norm->options.momentum = share; }, norm->options.momentum});
  }

  template <typename LibTorchNorm>
  void Add(LibTorchNorm* norm) {
    if (const auto momentum = norm->options.momentum()) {
      norms_.push_back({[norm](double share) { norm->options.momentum(share); }, *momentum});
    } else {
      // Without one, LibTorch keeps the mean over all batches itself.
      norm->reset_running_stats();
    }
  }

  int batches_ = 0;
  std::vector<Norm> norms_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_NORM_STATISTICS_H_

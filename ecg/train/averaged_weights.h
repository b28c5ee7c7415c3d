// averaged_weights.h
//
// An average of a network's weights, with an average of batch norm's statistics of its own: an exponential moving
// average over steps (Polyak and Juditsky 1992, doi:10.1137/0330046), or the mean over the last epochs (stochastic
// weight averaging, Izmailov et al. 2018, arXiv:1803.05407).
//
//   AveragedWeights average(*network);
//   average.Update(AveragedWeights::ShareOfStep(optimizer.step(), /*decay=*/0.999));  // after each step
//   average.Swap();  // the network has the averaged weights, until the next Swap

#ifndef ECG_TRAIN_AVERAGED_WEIGHTS_H_
#define ECG_TRAIN_AVERAGED_WEIGHTS_H_

#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>

#include "ecg/model/weights.h"

namespace ecg {

// AveragedWeights holds the average, on the network's device.
class AveragedWeights {
 public:
  // The average begins as the weights that `network`, which must outlive it, has now.
  explicit AveragedWeights(const torch::nn::Module& network) {
    for (const auto& [name, weight] : StateOf(network)) {
      // A tensor with two names, such as the convolutions of xResNet's blocks have, is swapped once, and has one
      // average.
      const auto same = std::ranges::find_if(weights_, [&weight = weight](const auto& other) {
        return other.second.data_ptr() == weight.data_ptr() && other.second.sizes() == weight.sizes();
      });
      const bool is_new = same == weights_.end();
      average_.emplace(name, is_new ? weight.clone() : average_.at(same->first));
      if (is_new) weights_.emplace(name, weight);
    }
  }

  // ShareOfStep returns what part of an exponential moving average are the weights after step number `step`, float32 []
  // from 1: 1 - d, with d the smaller of the decay and (1 + step) / (10 + step), so that random first weights are soon
  // forgotten. It does not wait for the device.
  static torch::Tensor ShareOfStep(const torch::Tensor& step, double decay) {
    const torch::NoGradGuard no_grad;
    return 1 - ((step + 1) / (step + 10)).clamp_max(decay);
  }

  // Update takes in the weights that the network has now: average = (1 - share) average + share weights, `share`
  // float32 [] on the device. Counters are copied. The n-th of several with share 1 / n makes it their mean.
  void Update(const torch::Tensor& share) {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, weight] : weights_) {
      torch::Tensor& average = average_.at(name);
      if (average.is_floating_point()) {
        average.lerp_(weight, share.to(average.dtype()));
      } else {
        average.copy_(weight);
      }
    }
  }

  // Swap gives the network the averaged weights, and keeps its own until the next Swap.
  void Swap() {
    const torch::NoGradGuard no_grad;
    for (const auto& [name, weight] : weights_) {
      const torch::Tensor own = weight.clone();
      weight.copy_(average_.at(name));
      average_.at(name).copy_(own);
    }
  }

  // state returns the average, by name; the tensors can be written into.
  const NamedTensors& state() const { return average_; }

 private:
  NamedTensors weights_;  // each tensor once
  NamedTensors average_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_AVERAGED_WEIGHTS_H_

// averaged_weights.h
//
// An exponential moving average of a network's weights (Polyak and Juditsky 1992, doi:10.1137/0330046), with an average
// of batch norm's statistics of its own.
//
//   AveragedWeights average(*network, /*decay=*/0.999);
//   average.Update(optimizer.step());      // after each step
//   average.Swap();                        // the network has the averaged weights, until the next Swap

#ifndef ECG_TRAIN_AVERAGED_WEIGHTS_H_
#define ECG_TRAIN_AVERAGED_WEIGHTS_H_

#include <torch/torch.h>

#include "ecg/model/weights.h"

namespace ecg {

// AveragedWeights holds the average, on the network's device.
class AveragedWeights {
 public:
  // The average begins as the weights that `network`, which must outlive it, has now.
  AveragedWeights(const torch::nn::Module& network, double decay) : decay_(decay), weights_(StateOf(network)) {
    for (const auto& [name, weight] : weights_) average_.emplace(name, weight.clone());
  }

  // Update takes in the weights after step number `step`, float32 [] from 1, on the device: average = d average +
  // (1 - d) weights with d the smaller of the decay and (1 + step) / (10 + step), so that random first weights are soon
  // forgotten. Counters are copied. It does not wait for the device.
  void Update(const torch::Tensor& step) {
    const torch::NoGradGuard no_grad;
    const torch::Tensor share = 1 - ((step + 1) / (step + 10)).clamp_max(decay_);
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
  const double decay_;
  const NamedTensors weights_;
  NamedTensors average_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_AVERAGED_WEIGHTS_H_

// training_step.h
//
// One change of a network's weights: take a batch, compute the loss and its gradients, and let the optimizer act on
// them.
//
//   TrainingStep<MultiLabel> step(network, optimizer, feed, device);
//   feed.StartEpoch(1);
//   for (...) step();

#ifndef ECG_TRAIN_TRAINING_STEP_H_
#define ECG_TRAIN_TRAINING_STEP_H_

#include <torch/torch.h>

#include "ecg/batch/batch.h"
#include "ecg/device/autocast.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/model/network.h"
#include "ecg/train/batch_source.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"

namespace ecg {

// TrainingStep is that step, done as often as it is called. It never waits for the device.
template <Objective O>
class TrainingStep {
 public:
  // All of these must outlive the step.
  TrainingStep(Network& network, Optimizer& optimizer, BatchSource& feed, const Device& device)
      : network_(network),
        optimizer_(optimizer),
        feed_(feed),
        device_(device),
        on_device_(device.torch, device.graphs, [this] { OnDevice(); }) {}
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  void operator()() {
    feed_.Fetch();
    on_device_();
  }

  // loss returns that of the last step, summed over the batch: float32 []. The next step overwrites it.
  const torch::Tensor& loss() const { return loss_; }

  // logits returns those of the last step, float32 [B, K]. The next step overwrites them.
  const torch::Tensor& logits() const { return logits_; }

 private:
  void OnDevice() {
    const Batch batch = feed_.Take();
    optimizer_.ZeroGradients();
    torch::Tensor logits;
    {
      const Autocast autocast(device_);
      logits = network_.forward(ToDeviceLayout(batch.signals, device_)).to(torch::kFloat32);
    }
    const torch::Tensor loss = O::Loss(logits, batch.targets);
    loss.backward();
    optimizer_.Step();
    loss_ = loss.detach();
    logits_ = logits.detach();
  }

  Network& network_;
  Optimizer& optimizer_;
  BatchSource& feed_;
  const Device device_;
  torch::Tensor loss_, logits_;
  GraphedStep on_device_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_TRAINING_STEP_H_

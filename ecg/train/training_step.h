// training_step.h
//
// One change of a network's weights: take a batch, augment it, compute the loss and its gradients, and let the
// optimizer act on them. With accumulation the gradients of several batches are added first.
//
//   TrainingStep step(network, optimizer, objective, source, device, options);
//   source.Start(crops);
//   for (int i = 0; i < steps; ++i) step();

#ifndef ECG_TRAIN_TRAINING_STEP_H_
#define ECG_TRAIN_TRAINING_STEP_H_

#include <torch/types.h>

#include <vector>

#include "ecg/batch/augmentation.h"
#include "ecg/batch/batch.h"
#include "ecg/batch/batch_source.h"
#include "ecg/device/autocast.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/distributed/gradient_sums.h"
#include "ecg/model/deep_ensemble.h"
#include "ecg/model/network.h"
#include "ecg/train/averaged_weights.h"
#include "ecg/train/objective.h"
#include "ecg/train/optimizer.h"

namespace ecg {

// StepOptions is what a step does beside the plain update. What it points to must outlive the step.
struct StepOptions {
  const AugmentationList* augmentations = nullptr;
  // Batches whose gradients are added before the weights change.
  int accumulate_batches = 1;
  // The largest L2 norm of all gradients; 0 for any.
  double clip_gradient_norm = 0;
  // An exponential moving average of the weights over all steps, of this decay.
  AveragedWeights* average = nullptr;
  double average_decay = 0;
  // Sums the gradients over the processes that train together; `share` is this one's part of each batch.
  GradientSums* gradient_sums = nullptr;
  double share = 1;
};

// TrainingStep is that step, done as often as it is called. It never waits for the device, and is recorded as CUDA
// graphs where `device.graphs` says so: one of a batch, and one of the update where there are several batches.
class TrainingStep {
 public:
  // All of these must outlive the step.
  TrainingStep(Network& network, Optimizer& optimizer, const AnyObjective& objective, BatchSource& source,
               const Device& device, const StepOptions& options = {})
      : members_(network.Members()),
        optimizer_(optimizer),
        objective_(objective),
        source_(source),
        device_(device),
        options_(options),
        batch_(device.torch, device.graphs, [this] { BatchOnDevice(); }),
        update_(device.torch, device.graphs, [this] { UpdateOnDevice(); }) {
    if (Accumulates()) optimizer_.ZeroGradients();
  }
  TrainingStep(const TrainingStep&) = delete;
  TrainingStep& operator=(const TrainingStep&) = delete;

  // Calls `batch_done` after each batch, whose loss(), logits() and rows() are then to be read.
  template <typename BatchDone>
  void operator()(const BatchDone& batch_done) {
    // Here, and not after the update, so that whoever is told of the step sees its gradients. Those that others are
    // added to must stay where they are.
    if (Accumulates()) optimizer_.ZeroGradients(/*keep_memory=*/true);
    for (int i = 0; i < options_.accumulate_batches; ++i) {
      source_.Prefetch();
      // Gradients that are added over several batches are exchanged once.
      if (options_.gradient_sums != nullptr && i + 1 == options_.accumulate_batches) options_.gradient_sums->Begin();
      batch_();
      batch_done();
    }
    if (Accumulates()) update_();
  }
  void operator()() {
    (*this)([] {});
  }

  // loss returns that of the last batch, summed over it, of an ensemble the mean of its members': float32 []. The next
  // batch overwrites it.
  const torch::Tensor& loss() const { return loss_; }

  // logits returns those of the last batch, float32 [B, K]; rows which rows of the part they are of, int64 [B].
  const torch::Tensor& logits() const { return logits_; }
  const torch::Tensor& rows() const { return rows_; }

 private:
  bool Accumulates() const { return options_.accumulate_batches > 1; }

  void BatchOnDevice() {
    Batch batch = source_.Next();
    if (!Accumulates()) optimizer_.ZeroGradients();
    if (options_.augmentations != nullptr) Augment(*options_.augmentations, batch);
    const NetworkInput input(ToDeviceLayout(batch.signals, device_), batch.demographics);
    // The gradients of a mean over several batches, or over those of several processes, are the mean of theirs.
    const double means = options_.accumulate_batches / options_.share;
    std::vector<torch::Tensor> logits, losses;
    // One member after the other, so that an ensemble takes the memory of one network.
    for (const NetworkMember& member : members_) {
      {
        const Autocast autocast(device_);
        logits.push_back(member.network->Forward(input).to(torch::kFloat32));
      }
      const torch::Tensor loss = objective_.Loss(logits.back(), batch.targets);
      (objective_.is_mean() && means != 1 ? loss / means : loss).backward();
      losses.push_back(loss.detach());
      logits.back() = logits.back().detach();
    }
    loss_ = objective_.is_mean() ? MeanOf(losses) * batch.signals.size(0) : MeanOf(losses);
    logits_ = MeanOf(logits);
    rows_ = batch.rows;
    if (!Accumulates()) UpdateOnDevice();
  }

  void UpdateOnDevice() {
    if (options_.gradient_sums != nullptr) options_.gradient_sums->Wait();
    if (options_.clip_gradient_norm > 0) optimizer_.ClipGradients(options_.clip_gradient_norm);
    optimizer_.Step();
    if (options_.average != nullptr) {
      options_.average->Update(AveragedWeights::ShareOfStep(optimizer_.step(), options_.average_decay));
    }
  }

  const std::vector<NetworkMember> members_;
  Optimizer& optimizer_;
  const AnyObjective& objective_;
  BatchSource& source_;
  const Device device_;
  const StepOptions options_;
  torch::Tensor loss_, logits_, rows_;
  GraphedStep batch_, update_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_TRAINING_STEP_H_

// process_share.h
//
// What this process does of a training that several share; all of it, where it is alone.
//
//   ECG_ASSIGN_OR_RETURN(const ProcessShare share, ProcessShare::Create(training, group));
//   source->Start(share.Of(crops));

#ifndef ECG_TRAIN_PROCESS_SHARE_H_
#define ECG_TRAIN_PROCESS_SHARE_H_

#include <torch/types.h>
#include <torch/utils.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/batch/segment.h"
#include "ecg/distributed/gradient_sums.h"
#include "ecg/distributed/process_group.h"
#include "ecg/model/network.h"
#include "ecg/model/weights.h"
#include "ecg/nn/batch_norm.h"
#include "ecg/train/schedule.h"
#include "proto/experiment.pb.h"

namespace ecg {

// ProcessShare is that of one process.
class ProcessShare {
 public:
  // `group` is nullptr for a process that trains alone. It must outlive the share. Fails where there are fewer crops in
  // a batch than processes.
  static absl::StatusOr<ProcessShare> Create(const spec::Training& training, ProcessGroup* group) {
    const ProcessShare share(training, group);
    if (training.batch_size() > 0 && share.batch_size() < share.size()) {
      return absl::InvalidArgumentError(absl::StrCat("training.batch_size is ", training.batch_size(), ", which ",
                                                     share.size(),
                                                     " processes cannot share; start fewer of them, or set "
                                                     "training.data_parallel.batch_of=EACH_PROCESS"));
    }
    return share;
  }

  int rank() const { return group_ == nullptr ? 0 : group_->rank(); }
  int size() const { return group_ == nullptr ? 1 : group_->size(); }
  // Whether this process writes and prints.
  bool leads() const { return rank() == 0; }

  // batch_size returns the crops in a batch of all processes, own_batch_size those of this one.
  int batch_size() const { return training_.batch_size() * (CountsEach() ? size() : 1); }
  int own_batch_size() const {
    return ShareBegin(batch_size(), rank() + 1, size()) - ShareBegin(batch_size(), rank(), size());
  }

  // learning_rate returns that of the spec, by its rule for several processes.
  double learning_rate() const {
    const double rate = training_.optimizer().learning_rate();
    if (!CountsEach()) return rate;
    switch (training_.data_parallel().learning_rate_rule()) {
      case spec::DataParallel::LINEAR:
        return rate * size();
      case spec::DataParallel::SQUARE_ROOT:
        return rate * std::sqrt(size());
      default:
        return rate;
    }
  }

  // crops_per_step returns the crops of all processes that a step of the update rule takes.
  int64_t crops_per_step() const { return int64_t{batch_size()} * training_.accumulate_batches(); }

  // Steps returns how many steps a training of epochs of `crops` crops has. Refuses fewer crops than a step takes.
  absl::StatusOr<ScheduleSteps> Steps(int64_t crops) const {
    if (crops < crops_per_step()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "there are ", crops, " training records, fewer than ",
          training_.accumulate_batches() == 1
              ? "one batch; expected at least training.batch_size, which is "
              : "one step; expected at least training.batch_size * training.accumulate_batches, which is ",
          crops_per_step(), size() > 1 ? " with all processes" : "", ". Use more records or a smaller batch"));
    }
    return ScheduleSteps{crops / crops_per_step(), crops / crops_per_step() * training_.epochs()};
  }

  // Of returns this process's share of the crops of an epoch.
  SegmentList Of(SegmentList crops) const {
    return group_ == nullptr ? std::move(crops) : ShareOfBatches(crops, batch_size(), rank(), size());
  }

  // Connect makes the batch norms of `network` compute their statistics over all processes, if the spec says so, and
  // returns what sums its gradients; nullptr for a process alone.
  std::unique_ptr<GradientSums> Connect(Network& network) const {
    if (group_ == nullptr) return nullptr;
    if (training_.data_parallel().synchronised_batch_norm()) {
      for (const auto& module : network.modules()) {
        if (auto* norm = module->as<BatchNorm1dImpl>()) {
          norm->sum_over_processes = [group = group_](const torch::Tensor& tensor) { group->Sum(tensor); };
        }
      }
    }
    return std::make_unique<GradientSums>(
        GradientOrder(network), *group_,
        GradientSums::Options{.bfloat16 = training_.data_parallel().bfloat16_gradients()});
  }

  // TakeFromLeader gives these tensors, or this value, the contents they have in the process of rank 0.
  void TakeFromLeader(const NamedTensors& tensors) const {
    if (group_ == nullptr) return;
    const torch::NoGradGuard no_grad;
    for (const auto& [name, tensor] : tensors) group_->Broadcast(tensor);
  }
  int64_t TakeFromLeader(int64_t value) const { return group_ == nullptr ? value : group_->Broadcast(value); }
  std::string TakeFromLeader(std::string text) const {
    return group_ == nullptr ? std::move(text) : group_->Broadcast(std::move(text));
  }

  // GatherRows returns the rows [n, ...] of all processes.
  torch::Tensor GatherRows(const torch::Tensor& rows) const {
    return group_ == nullptr ? rows : group_->GatherRows(rows);
  }

 private:
  ProcessShare(const spec::Training& training, ProcessGroup* group) : training_(training), group_(group) {}

  bool CountsEach() const { return training_.data_parallel().batch_of() == spec::DataParallel::EACH_PROCESS; }

  spec::Training training_;
  ProcessGroup* group_;
};

}  // namespace ecg

#endif  // ECG_TRAIN_PROCESS_SHARE_H_

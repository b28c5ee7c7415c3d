// gradient_sums.h
//
// Sums the gradients of a network over all processes while they are still being computed: they are gathered in buckets,
// and each bucket is exchanged as soon as it is full (Li et al. 2020, "PyTorch Distributed: Experiences on Accelerating
// Data Parallel Training", arXiv:2006.15704).
//
//   GradientSums sums(parameters, *group, {});
//   sums.Begin();
//   loss.backward();
//   sums.Wait();  // each gradient is the sum of those of all processes

#ifndef ECG_DISTRIBUTED_GRADIENT_SUMS_H_
#define ECG_DISTRIBUTED_GRADIENT_SUMS_H_

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "ecg/distributed/process_group.h"

namespace ecg {

// GradientSums belongs to the parameters of one network. The group must outlive it.
class GradientSums {
 public:
  struct Options {
    // A bucket is exchanged when it has so many bytes of float32.
    int64_t bucket_bytes = 4 << 20;
    // Whether gradients are rounded to bfloat16 for the exchange, which halves its bytes; sums are rounded once more.
    bool bfloat16 = false;
  };

  // `parameters` are in the order in which their gradients come, since full buckets are exchanged in that order. In
  // another order the sums are the same, but are exchanged later.
  GradientSums(const std::vector<torch::Tensor>& parameters, ProcessGroup& group, const Options& options);
  GradientSums(const GradientSums&) = delete;
  GradientSums& operator=(const GradientSums&) = delete;
  ~GradientSums();

  // Begin makes the next backward pass exchange the gradients of the parameters that require one now, or, of an
  // ensemble, the next ones, each of which computes those of one member. Passes without it do not, so that the
  // gradients of several batches can be added first.
  void Begin();

  // Wait, after these passes, waits for the sums and puts them in the place of the gradients. A parameter without a
  // gradient in every process is left without one.
  void Wait();

 private:
  class Implementation;

  const std::unique_ptr<Implementation> implementation_;
};

}  // namespace ecg

#endif  // ECG_DISTRIBUTED_GRADIENT_SUMS_H_

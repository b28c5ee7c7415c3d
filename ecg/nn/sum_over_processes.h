// sum_over_processes.h
//
// A sum over the processes that train together, as a differentiable function.
//
//   const SumOverProcesses sum = [&](const torch::Tensor& tensor) { group.Sum(tensor); };
//   const torch::Tensor total = DifferentiableSum(x.sum(), sum);

#ifndef ECG_NN_SUM_OVER_PROCESSES_H_
#define ECG_NN_SUM_OVER_PROCESSES_H_

#include <torch/types.h>

#include <functional>

namespace ecg {

// SumOverProcesses replaces a float32 tensor by the sum of those of all processes.
using SumOverProcesses = std::function<void(const torch::Tensor&)>;

// DifferentiableSum returns the sum of `x`, of any shape, over all processes. Its gradient, where the loss is the sum
// of those of all processes, is the sum of theirs. `sum` must outlive the backward pass, and all processes must make
// the same calls in the same order, forward and backward.
torch::Tensor DifferentiableSum(const torch::Tensor& x, const SumOverProcesses& sum);

}  // namespace ecg

#endif  // ECG_NN_SUM_OVER_PROCESSES_H_

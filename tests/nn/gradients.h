// gradients.h
//
// Results and gradients of functions, for comparing two implementations of one.

#ifndef TESTS_NN_GRADIENTS_H_
#define TESTS_NN_GRADIENTS_H_

#include <torch/types.h>

#include <vector>

namespace ecg {

// Error returns the largest absolute difference, divided by the largest absolute value of `expected`.
inline double Error(const torch::Tensor& actual, const torch::Tensor& expected) {
  const torch::Tensor difference = actual.to(torch::kFloat64) - expected.to(torch::kFloat64);
  return difference.abs().max().item<double>() / expected.abs().max().item<double>();
}

// Differentiated is the output of a function, and the gradients of its inputs.
struct Differentiated {
  torch::Tensor output;
  std::vector<torch::Tensor> gradients;
};

// Differentiate returns function(inputs), with the gradients of `inputs` where that of the output is `grad_output`. An
// input keeps its layout.
template <typename Function>
Differentiated Differentiate(const Function& function, std::vector<torch::Tensor> inputs,
                             const torch::Tensor& grad_output) {
  for (torch::Tensor& input : inputs) input = input.detach().clone().requires_grad_();
  const torch::Tensor output = function(inputs);
  output.backward(grad_output);
  Differentiated result{output.detach(), {}};
  for (const torch::Tensor& input : inputs) result.gradients.push_back(input.grad());
  return result;
}

}  // namespace ecg

#endif  // TESTS_NN_GRADIENTS_H_

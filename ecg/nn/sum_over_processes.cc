#include "ecg/nn/sum_over_processes.h"

#include <torch/csrc/autograd/custom_function.h>

#include <cstdint>

namespace ecg {
namespace {

class Sum : public torch::autograd::Function<Sum> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const SumOverProcesses* sum) {
    context->saved_data["sum"] = reinterpret_cast<int64_t>(sum);
    return SumOf(x, *sum);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grad_outputs) {
    const auto* const sum = reinterpret_cast<const SumOverProcesses*>(context->saved_data["sum"].toInt());
    return {SumOf(grad_outputs[0], *sum), torch::Tensor()};
  }

 private:
  static torch::Tensor SumOf(const torch::Tensor& x, const SumOverProcesses& sum) {
    torch::Tensor total = x.detach().contiguous().clone();
    sum(total);
    return total;
  }
};

}  // namespace

torch::Tensor DifferentiableSum(const torch::Tensor& x, const SumOverProcesses& sum) { return Sum::apply(x, &sum); }

}  // namespace ecg

#include "ecg/model/contrastive_head.h"

#include <torch/nn/modules/linear.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <cstdint>
#include <mutex>

#include "ecg/random/random.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// The right sample of each prediction: [1, predictions, 1].
torch::Tensor Positives(int64_t samples, int64_t steps, const torch::Device& device) {
  return torch::arange(steps, samples, torch::dtype(torch::kInt64).device(device)).view({1, -1, 1});
}

// Of 0 to samples - 2, made a sample other than the right one.
torch::Tensor SkipPositives(const torch::Tensor& drawn, const torch::Tensor& positives) {
  return drawn + drawn.ge(positives).to(torch::kInt64);
}

}  // namespace

torch::Tensor DrawNegatives(int64_t crops, int64_t samples, const ContrastOptions& options,
                            const torch::Device& device) {
  const torch::Tensor drawn = torch::randint(samples - 1, {crops, samples - options.steps, options.negatives},
                                             torch::dtype(torch::kInt64).device(device));
  return SkipPositives(drawn, Positives(samples, options.steps, device));
}

torch::Tensor FixedNegatives(int64_t samples, const ContrastOptions& options) {
  Random random({static_cast<uint64_t>(samples)});
  torch::Tensor drawn = torch::empty({1, samples - options.steps, options.negatives}, torch::kInt64);
  int64_t* const numbers = drawn.data_ptr<int64_t>();
  for (int64_t i = 0; i < drawn.numel(); ++i) numbers[i] = static_cast<int64_t>(random.Below(samples - 1));
  return SkipPositives(drawn, Positives(samples, options.steps, torch::kCPU));
}

ContrastiveResult Contrast(const torch::Tensor& predicted, const torch::Tensor& encoding,
                           const torch::Tensor& negatives, int64_t steps) {
  const int64_t crops = encoding.size(0), samples = encoding.size(1);
  const torch::Tensor products = predicted.narrow(1, 0, samples - steps).matmul(encoding.transpose(1, 2));
  const torch::Tensor positives = Positives(samples, steps, encoding.device()).expand({crops, -1, -1});
  const torch::Tensor of_positives = products.gather(2, positives).to(torch::kFloat32);  // [B, T - steps, 1]
  const torch::Tensor of_negatives =
      products.gather(2, negatives.expand({crops, -1, -1})).to(torch::kFloat32);  // [B, T - steps, N]
  const torch::Tensor all = torch::cat({of_positives, of_negatives}, 2);
  return {(all.logsumexp(2) - of_positives.squeeze(2)).sum(1),
          (of_positives.squeeze(2) > std::get<0>(of_negatives.detach().max(2))).to(torch::kFloat32).mean(1)};
}

ContrastiveHead::ContrastiveHead(const Spec& spec, int feature_dim, int encoding_dim)
    : options_{spec.steps(), spec.negatives()},
      projection_(register_module(
          "projection", torch::nn::Linear(torch::nn::LinearOptions(feature_dim, encoding_dim).bias(false)))) {}

torch::Tensor ContrastiveHead::forward(const torch::Tensor& context) { return projection_(context); }

torch::Tensor ContrastiveHead::Outputs(const torch::Tensor& context, const torch::Tensor& encoding) {
  TORCH_CHECK(encoding.size(1) > options_.steps, "an encoding of ", encoding.size(1),
              " samples is too short to predict ", options_.steps, " samples ahead (model.contrastive_head.steps)");
  const ContrastiveResult result = Contrast(forward(context), encoding, Negatives(encoding), options_.steps);
  return torch::stack({result.loss, result.accuracy}, 1);
}

torch::Tensor ContrastiveHead::Negatives(const torch::Tensor& encoding) {
  const int64_t samples = encoding.size(1);
  if (is_training()) return DrawNegatives(encoding.size(0), samples, options_, encoding.device());
  const std::lock_guard lock(mutex_);
  torch::Tensor& fixed = fixed_[samples];
  // It stays where it is, because a recorded CUDA graph reads it there.
  if (!fixed.defined() || fixed.device() != encoding.device()) {
    const torch::InferenceMode normal_mode(false);
    fixed = FixedNegatives(samples, options_).to(encoding.device());
  }
  return fixed;
}

}  // namespace ecg

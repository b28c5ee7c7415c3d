#include "ecg/nn/convolution.h"

#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/nn/modules/conv.h>

#include <array>
#include <cstdint>
#include <variant>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/weight_cache.h"
#include "ecg/nn/winograd.h"

namespace ecg {

namespace {

// With autocast on, LibTorch's convolutions compute in bfloat16.
bool AutocastIsOn() { return !c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU); }

bool IsFloatOnCpu(const torch::Tensor& tensor) { return tensor.is_cpu() && tensor.scalar_type() == torch::kFloat32; }

torch::Tensor ToBfloat16(const torch::Tensor& weight) { return weight.to(torch::kBFloat16); }

}  // namespace

bool UsesWinograd(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                  const ConvolutionOptions& options, bool keeps_transform) {
  const auto [stride, padding, dilation, groups] = options;
  const int64_t out = weight.size(0), in = weight.size(1), kernel = weight.size(2);
  if (kernel != 3 || stride != 1 || padding != 1 || dilation != 1 || groups != 1 || bias.defined()) return false;
  if (in % kWinogradChannels != 0 || out % kWinogradChannels != 0) return false;
  if (!IsFloatOnCpu(x) || !IsFloatOnCpu(weight) || !IsChannelsLast(x) || AutocastIsOn()) return false;
  // With fewer samples in the batch, transforming the weights takes longer than is saved.
  return keeps_transform || x.size(0) * x.size(2) >= 512;
}

torch::Tensor Convolve(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                       const ConvolutionOptions& options, WeightCache* cache) {
  const auto [stride, padding, dilation, groups] = options;
  if (UsesWinograd(x, weight, bias, options, /*keeps_transform=*/cache != nullptr)) {
    return cache == nullptr ? WinogradConvolve(x, weight) : ConvolveTransformed(x, cache->Get(weight, TransformWeight));
  }
  const bool keeps_cast = cache != nullptr && IsFloatOnCpu(weight) && AutocastIsOn();
  const torch::Tensor used = keeps_cast ? cache->Get(weight, ToBfloat16) : weight;
  if (!IsChannelsLast(x)) return torch::conv1d(x, used, bias, stride, padding, dilation, groups);
  const std::array<int64_t, 2> paddings = {0, padding};
  return FromImage(torch::conv2d(ToImage(x), ToImage(used), bias, {1, stride}, paddings, {1, dilation}, groups));
}

torch::Tensor Conv1dImpl::forward(const torch::Tensor& x) {
  using std::get;  // or that of LibTorch's own variant
  const ConvolutionOptions convolution{.stride = options.stride()->front(),
                                       .padding = get<torch::ExpandingArray<1>>(options.padding())->front(),
                                       .dilation = options.dilation()->front(),
                                       .groups = options.groups()};
  const bool may_keep = !is_training() && !c10::GradMode::is_enabled();
  return Convolve(x, weight, bias, convolution, may_keep ? &cache_ : nullptr);
}

void Conv1dImpl::train(bool on) {
  cache_.Clear();
  torch::nn::Conv1dImpl::train(on);
}

void ConvertToChannelsLast(torch::nn::Module& network) {
  network.apply([](torch::nn::Module& part) {
    if (auto* convolution = part.as<Conv1d>()) {
      convolution->weight.set_data(ChannelsLast(convolution->weight));
    }
  });
}

}  // namespace ecg

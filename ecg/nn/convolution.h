// convolution.h
//
// Convolution over time.

#ifndef ECG_NN_CONVOLUTION_H_
#define ECG_NN_CONVOLUTION_H_

#include <c10/core/GradMode.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/nn/modules/conv.h>

#include <array>
#include <cstdint>
#include <variant>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/winograd.h"

namespace ecg {

// ConvolutionOptions are those of torch::conv1d.
struct ConvolutionOptions {
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
};

// UsesWinograd tells whether Convolve computes with WinogradConvolution: where that supports the convolution and is
// faster than oneDNN's.
inline bool UsesWinograd(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                         const ConvolutionOptions& options) {
  const auto [stride, padding, dilation, groups] = options;
  const int64_t out = weight.size(0), in = weight.size(1), kernel = weight.size(2);
  if (kernel != 3 || stride != 1 || padding != 1 || dilation != 1 || groups != 1 || bias.defined()) return false;
  if (in % kWinogradChannels != 0 || out % kWinogradChannels != 0) return false;
  if (!x.is_cpu() || x.scalar_type() != torch::kFloat32 || weight.scalar_type() != torch::kFloat32) return false;
  if (!IsChannelsLast(x)) return false;
  // With autocast on, LibTorch's convolutions compute in bfloat16.
  if (!c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU)) return false;
  // With fewer samples in the batch, transforming the weights takes longer than is saved.
  return x.size(0) * x.size(2) >= 512;
}

// Convolve is torch::conv1d for both layouts: [B, C, L] -> [B, out, L'], in the layout of `x`, with `weight`
// [out, C / groups, kernel] and `bias` [out], which may be undefined. The transform of the weights by Winograd's
// algorithm is kept in `cache`, if there is one, which is for calls that need no gradients.
inline torch::Tensor Convolve(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                              const ConvolutionOptions& options, WinogradWeightCache* cache = nullptr) {
  const auto [stride, padding, dilation, groups] = options;
  if (UsesWinograd(x, weight, bias, options)) {
    return cache == nullptr ? WinogradConvolution::apply(x, weight) : WinogradConvolve(x, cache->Get(weight));
  }
  if (!IsChannelsLast(x)) return torch::conv1d(x, weight, bias, stride, padding, dilation, groups);
  const std::array<int64_t, 2> paddings = {0, padding};
  return FromImage(torch::conv2d(ToImage(x), ToImage(weight), bias, {1, stride}, paddings, {1, dilation}, groups));
}

// Conv1dImpl is LibTorch's layer for both layouts, with padding by zeros only. In evaluation mode without gradients it
// keeps the transform of its weights, until they change.
class Conv1dImpl : public torch::nn::Conv1dImpl {
 public:
  using torch::nn::Conv1dImpl::Conv1dImpl;

  torch::Tensor forward(const torch::Tensor& x) {
    using std::get;  // or that of LibTorch's own variant
    const ConvolutionOptions convolution{.stride = options.stride()->front(),
                                         .padding = get<torch::ExpandingArray<1>>(options.padding())->front(),
                                         .dilation = options.dilation()->front(),
                                         .groups = options.groups()};
    const bool may_keep = !is_training() && !c10::GradMode::is_enabled();
    return Convolve(x, weight, bias, convolution, may_keep ? &winograd_weights_ : nullptr);
  }

  // train sets the mode, as in LibTorch; eval() calls it too.
  void train(bool on = true) override {
    winograd_weights_.Clear();
    torch::nn::Conv1dImpl::train(on);
  }

 private:
  WinogradWeightCache winograd_weights_;
};
TORCH_MODULE(Conv1d);

// ConvertToChannelsLast brings the weights of all Conv1d in `network` into the channels-last layout, in which they
// need no reordering when signals are channels last. Values and shapes stay.
inline void ConvertToChannelsLast(torch::nn::Module& network) {
  network.apply([](torch::nn::Module& part) {
    if (auto* convolution = part.as<Conv1d>()) {
      convolution->weight.set_data(ChannelsLast(convolution->weight));
    }
  });
}

}  // namespace ecg

#endif  // ECG_NN_CONVOLUTION_H_

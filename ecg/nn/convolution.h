// convolution.h
//
// Convolution along time.

#ifndef ECG_NN_CONVOLUTION_H_
#define ECG_NN_CONVOLUTION_H_

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <variant>

#include "ecg/nn/channels_last.h"
#include "ecg/nn/winograd.h"

namespace ecg {

// TakesWinograd tells whether WinogradConvolution is made for these signals, which lie channels last, and pays.
inline bool TakesWinograd(const torch::Tensor& x, const torch::Tensor& weight) {
  // LibTorch's own convolutions round to 16 bits where they are told to.
  const bool rounds = !c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::AutocastCPU);
  return !rounds && x.is_cpu() && x.scalar_type() == torch::kFloat32 && weight.scalar_type() == torch::kFloat32 &&
         WinogradConvolution::Suits(weight.size(1), weight.size(0), x.size(0) * x.size(2));
}

// Convolve is torch::conv1d, which also takes signals that lie channels last, and then gives such: [B, C, L] ->
// [B, out, L'] with `weight` [out, C / groups, kernel] and `bias` [out], which may be undefined.
inline torch::Tensor Convolve(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                              int64_t stride, int64_t padding, int64_t dilation = 1, int64_t groups = 1) {
  if (!IsChannelsLast(x)) return torch::conv1d(x, weight, bias, stride, padding, dilation, groups);
  if (weight.size(2) == 3 && !bias.defined() && stride == 1 && padding == 1 && dilation == 1 && groups == 1 &&
      TakesWinograd(x, weight)) {
    return WinogradConvolution::apply(x, weight);
  }
  const std::array<int64_t, 2> paddings = {0, padding};
  return OfImage(torch::conv2d(AsImage(x), AsImage(weight), bias, {1, stride}, paddings, {1, dilation}, groups));
}

// Conv1dImpl is LibTorch's layer, without its kinds of padding, by Convolve.
class Conv1dImpl : public torch::nn::Conv1dImpl {
 public:
  using torch::nn::Conv1dImpl::Conv1dImpl;

  torch::Tensor forward(const torch::Tensor& x) {
    using std::get;  // or that of LibTorch's own variant
    return Convolve(x, weight, bias, options.stride()->front(),
                    get<torch::ExpandingArray<1>>(options.padding())->front(), options.dilation()->front(),
                    options.groups());
  }
};
TORCH_MODULE(Conv1d);

// ConvertToChannelsLast lays the weights of all Conv1d in `network` as convolutions of signals that lie channels last
// want them. Numbers and shapes stay.
inline void ConvertToChannelsLast(torch::nn::Module& network) {
  network.apply([](torch::nn::Module& part) {
    if (auto* convolution = part.as<Conv1d>()) {
      convolution->weight.set_data(ChannelsLast(convolution->weight));
    }
  });
}

}  // namespace ecg

#endif  // ECG_NN_CONVOLUTION_H_

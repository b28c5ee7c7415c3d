// channels_last.h
//
// The memory layout of signals. A tensor [B, C, L] is usually contiguous: the samples of a channel are neighbours in
// memory. In the channels-last layout the channels of a sample are neighbours, which is what oneDNN's convolutions on a
// CPU use, so that no reordering is needed. The layers of convolution.h, batch_norm.h and max_pool.h return the layout
// of their input, so that the caller of a network chooses the layout once. All other operations of LibTorch take such a
// tensor too, but may return a contiguous one.
//
//   const torch::Tensor logits = network.forward(ChannelsLast(signals));

#ifndef ECG_NN_CHANNELS_LAST_H_
#define ECG_NN_CHANNELS_LAST_H_

#include <ATen/TracerMode.h>
#include <torch/types.h>

#include <vector>

namespace ecg {

// IsChannelsLast tells whether `x` [B, C, L] is channels last, and not contiguous as well. It is false while LibTorch
// traces operations, so that a trace consists of LibTorch's own operations.
inline bool IsChannelsLast(const torch::Tensor& x) {
  return !at::tracer::impl::is_dispatch_enabled() && x.dim() == 3 && !x.is_contiguous() &&
         x.transpose(1, 2).is_contiguous();
}

// ChannelsLast returns `x` [B, C, L] in the channels-last layout, with the same shape and values.
inline torch::Tensor ChannelsLast(const torch::Tensor& x) { return x.transpose(1, 2).contiguous().transpose(1, 2); }

// ToImage returns signals [B, C, L] as images of height 1, [B, C, 1, L]: LibTorch's operations on images keep the
// channels-last layout, those on signals do not.
inline torch::Tensor ToImage(const torch::Tensor& x) { return x.unsqueeze(2); }

// FromImage returns images of height 1, [B, C, 1, L], as signals [B, C, L]. Nothing else may use `x`.
inline torch::Tensor FromImage(const torch::Tensor& x) {
  // To autograd it is not a view, so that it may be overwritten in place at no cost.
  return torch::_unsafe_view(x, {x.size(0), x.size(1), x.size(3)});
}

// Concatenate concatenates the channels of all `parts` [B, C_i, L], in the layout of the first part.
inline torch::Tensor Concatenate(std::vector<torch::Tensor> parts) {
  if (!IsChannelsLast(parts.at(0))) return torch::cat(parts, /*dim=*/1);
  for (torch::Tensor& part : parts) part = ToImage(part);
  return FromImage(torch::cat(parts, /*dim=*/1));
}

}  // namespace ecg

#endif  // ECG_NN_CHANNELS_LAST_H_

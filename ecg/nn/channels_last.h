// channels_last.h
//
// How signals lie in memory. A tensor [B, C, L] usually has the samples of a channel one after the other. Channels
// last, it has the channels of a sample one after the other: so oneDNN, which convolves on a CPU, need not bring it
// into an order of its own and back. The layers of convolution.h, batch_norm.h and max_pool.h keep the layout that they
// get, so that it is chosen once, by who calls the network. All other operations of LibTorch take such a tensor too,
// but may return the usual layout.
//
//   const torch::Tensor logits = network.forward(ChannelsLast(signals));

#ifndef ECG_NN_CHANNELS_LAST_H_
#define ECG_NN_CHANNELS_LAST_H_

#include <ATen/TracerMode.h>
#include <torch/torch.h>

#include <vector>

namespace ecg {

// IsChannelsLast tells whether `x` [B, C, L] has the channels of a sample one after the other, and not its samples.
// While LibTorch traces operations, nothing has: a network is then written down in LibTorch's own operations.
inline bool IsChannelsLast(const torch::Tensor& x) {
  return !at::tracer::impl::is_dispatch_enabled() && x.dim() == 3 && !x.is_contiguous() &&
         x.transpose(1, 2).is_contiguous();
}

// ChannelsLast returns the numbers of `x` [B, C, L] with the channels of a sample one after the other.
inline torch::Tensor ChannelsLast(const torch::Tensor& x) { return x.transpose(1, 2).contiguous().transpose(1, 2); }

// AsImage returns signals [B, C, L] as images of one row, [B, C, 1, L]: LibTorch keeps the layout of images, where it
// would bring signals into the usual one.
inline torch::Tensor AsImage(const torch::Tensor& x) { return x.unsqueeze(2); }

// OfImage returns images of one row, which nothing else uses, as signals.
inline torch::Tensor OfImage(const torch::Tensor& x) {
  // Not a view, as far as gradients are concerned: it may be overwritten at no cost.
  return torch::_unsafe_view(x, {x.size(0), x.size(1), x.size(3)});
}

// Concatenate returns the channels of all `parts` [B, C_i, L] one after the other, in the layout of the first.
inline torch::Tensor Concatenate(std::vector<torch::Tensor> parts) {
  if (!IsChannelsLast(parts.at(0))) return torch::cat(parts, /*dim=*/1);
  for (torch::Tensor& part : parts) part = AsImage(part);
  return OfImage(torch::cat(parts, /*dim=*/1));
}

}  // namespace ecg

#endif  // ECG_NN_CHANNELS_LAST_H_

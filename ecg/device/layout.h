// layout.h
//
// The memory layout of a network and its signals that makes convolutions fast on a device. Results differ by rounding
// only.
//
//   MoveNetwork(network, device);
//   network.forward(ToDeviceLayout(signals, device));

#ifndef ECG_DEVICE_LAYOUT_H_
#define ECG_DEVICE_LAYOUT_H_

#include <torch/nn/module.h>
#include <torch/types.h>

#include "ecg/device/device.h"
#include "ecg/nn/channels_last.h"
#include "ecg/nn/convolution.h"

namespace ecg {

// WantsChannelsLast returns whether channels last is the faster layout on `device`: on the CPU with oneDNN.
inline bool WantsChannelsLast(const Device& device) { return device.torch.is_cpu() && at::hasMKLDNN(); }

// MoveNetwork moves `network` to `device`, with convolution weights in channels last where that is faster.
inline void MoveNetwork(torch::nn::Module& network, const Device& device) {
  network.to(device.torch);
  if (WantsChannelsLast(device)) ConvertToChannelsLast(network);
}

// ToDeviceLayout returns `signals` [B, C, L], already on `device`, in the memory layout that is fastest there.
inline torch::Tensor ToDeviceLayout(const torch::Tensor& signals, const Device& device) {
  return WantsChannelsLast(device) ? ChannelsLast(signals) : signals;
}

}  // namespace ecg

#endif  // ECG_DEVICE_LAYOUT_H_

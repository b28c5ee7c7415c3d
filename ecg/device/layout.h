// layout.h
//
// How a network and its signals lie in a device's memory, so that convolutions are fast there. It changes no number by
// more than rounding.
//
//   MoveNetwork(network, device);
//   network.forward(ToDeviceLayout(signals, device));

#ifndef ECG_DEVICE_LAYOUT_H_
#define ECG_DEVICE_LAYOUT_H_

#include <torch/torch.h>

#include "ecg/device/device.h"
#include "ecg/nn/channels_last.h"
#include "ecg/nn/convolution.h"

namespace ecg {

// WantsChannelsLast tells whether convolutions on `device` are faster channels last: where oneDNN does them.
inline bool WantsChannelsLast(const Device& device) { return device.torch.is_cpu() && at::hasMKLDNN(); }

// MoveNetwork moves `network` to `device`, its convolutions' weights channels last where that is faster.
inline void MoveNetwork(torch::nn::Module& network, const Device& device) {
  network.to(device.torch);
  if (WantsChannelsLast(device)) ConvertToChannelsLast(network);
}

// ToDeviceLayout returns `signals` [B, C, L], which are on `device`, in the memory layout that is fastest there.
inline torch::Tensor ToDeviceLayout(const torch::Tensor& signals, const Device& device) {
  return WantsChannelsLast(device) ? ChannelsLast(signals) : signals;
}

}  // namespace ecg

#endif  // ECG_DEVICE_LAYOUT_H_

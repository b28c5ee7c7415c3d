// layout.h
//
// How a network and its signals lie in a device's memory, so that convolutions are fast there. It changes no number by
// more than rounding.
//
//   MoveNetwork(network, device);
//   network.forward(Laid(signals, device));

#ifndef ECG_TRAIN_LAYOUT_H_
#define ECG_TRAIN_LAYOUT_H_

#include <torch/torch.h>

#include "ecg/model/channels_last.h"
#include "ecg/model/convolution.h"
#include "ecg/model/network.h"
#include "ecg/train/device.h"

namespace ecg {

// WantsChannelsLast tells whether convolutions on `device` are faster channels last: where oneDNN does them.
inline bool WantsChannelsLast(const Device& device) { return device.torch.is_cpu() && at::hasMKLDNN(); }

// MoveNetwork moves `network` to `device`.
inline void MoveNetwork(Network& network, const Device& device) {
  network.to(device.torch);
  if (WantsChannelsLast(device)) LayChannelsLast(network);
}

// Laid returns `signals` [B, C, L], which are on `device`, as a network there wants them.
inline torch::Tensor Laid(const torch::Tensor& signals, const Device& device) {
  return WantsChannelsLast(device) ? ChannelsLast(signals) : signals;
}

}  // namespace ecg

#endif  // ECG_TRAIN_LAYOUT_H_

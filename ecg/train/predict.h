// predict.h
//
// The logits of whole records.

#ifndef ECG_TRAIN_PREDICT_H_
#define ECG_TRAIN_PREDICT_H_

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "ecg/batch/device_batches.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/window_batches.h"
#include "ecg/device/autocast.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/model/network.h"
#include "ecg/terminal/progress.h"

namespace ecg {

// MaxOverWindows makes of `logits`, float32 [size, K], and the logits of windows, float32 [W, K], the element-wise larger:
// `rows` says which row each window is of. What is not a number remains so.
inline void MaxOverWindows(const torch::Tensor& of_windows, const std::vector<int>& rows, torch::Tensor& logits) {
  const int64_t classes = logits.size(1);
  const float* given = of_windows.data_ptr<float>();
  for (const int row : rows) {
    float* largest = logits.data_ptr<float>() + row * classes;
    for (int64_t k = 0; k < classes; ++k, ++given) {
      if (*given > largest[k] || std::isnan(*given)) largest[k] = *given;
    }
  }
}

// PredictOnDevice is Predict where the device holds the signals: it makes the windows by itself, and all logits come
// back in one piece.
inline void PredictOnDevice(Network& network, const SplitPart& part, const WindowBatches::Options& options,
                            const Device& device, absl::string_view label, torch::Tensor& logits) {
  const ScopedStream stream(device.torch);
  const std::vector<Segment> windows = WindowsOfRows(part, options.window_samples, options.stride_samples);
  const int batch = static_cast<int>(std::min<size_t>(512, windows.size()));
  DeviceBatches batches(part, batch, options.window_samples);
  batches.Start(windows);
  torch::Tensor given;
  GraphedStep forward(device.torch, device.graphs, [&] {
    const Autocast autocast(device);
    given = network.forward(batches.Next().signals).to(torch::kFloat32);
  });
  Progress progress(label, windows.size(), "windows");
  const torch::Tensor all =
      torch::empty({batches.count(), batch, part.classes()}, torch::dtype(torch::kFloat32).device(device.torch));
  for (int i = 0; i < batches.count(); ++i) {
    forward();
    all[i].copy_(given);
    progress.Advance(batch);
  }
  std::vector<int> rows;
  for (const Segment& window : windows) rows.push_back(window.row);
  MaxOverWindows(all.flatten(0, 1).to(torch::kCPU), rows, logits);
}

// Predict returns the logits of every record of `part`, float32 [size, K] on the CPU: the element-wise maximum over the
// record's windows, as in the reference. It leaves `network` in evaluation mode. `label` names the progress bar.
inline torch::Tensor Predict(Network& network, const SplitPart& part, const WindowBatches::Options& options,
                             const Device& device, absl::string_view label) {
  const torch::InferenceMode inference;
  network.eval();
  torch::Tensor logits =
      torch::full({part.size(), part.classes()}, -std::numeric_limits<float>::infinity(), torch::kFloat32);
  if (part.resident != nullptr) {
    PredictOnDevice(network, part, options, device, label, logits);
    return logits;
  }
  WindowBatches batches(part, options);
  Progress progress(label, batches.total(), "windows");
  while (const std::optional<WindowBatch> batch = batches.Next()) {
    const Autocast autocast(device);
    const torch::Tensor given = network.forward(ToDeviceLayout(batch->signals.to(device.torch), device));
    MaxOverWindows(given.to(torch::kCPU, torch::kFloat32).contiguous(), batch->rows, logits);
    progress.Advance(batch->rows.size());
  }
  return logits;
}

}  // namespace ecg

#endif  // ECG_TRAIN_PREDICT_H_

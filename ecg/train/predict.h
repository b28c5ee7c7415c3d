// predict.h
//
// The logits of whole records.

#ifndef ECG_TRAIN_PREDICT_H_
#define ECG_TRAIN_PREDICT_H_

#include <torch/torch.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/window_batches.h"
#include "ecg/model/network.h"
#include "ecg/report/progress.h"
#include "ecg/train/autocast.h"
#include "ecg/train/device.h"

namespace ecg {

// TargetTensor returns the labels of `part`, float32 [size, K].
inline torch::Tensor TargetTensor(const SplitPart& part) {
  const std::vector<uint8_t> targets = part.Targets();
  return torch::tensor(targets, torch::kUInt8).reshape({part.size(), part.classes()}).to(torch::kFloat32);
}

// Predict returns the logits of every record of `part`, float32 [size, K] on the CPU: the element-wise maximum over the
// record's windows, as in the reference. It leaves `network` in evaluation mode. `label` names the progress bar.
inline torch::Tensor Predict(Network& network, const SplitPart& part, const WindowBatches::Options& options,
                             const Device& device, absl::string_view label) {
  const torch::InferenceMode inference;
  network.eval();
  torch::Tensor logits =
      torch::full({part.size(), part.classes()}, -std::numeric_limits<float>::infinity(), torch::kFloat32);
  WindowBatches batches(part, options);
  Progress progress(label, batches.total(), "windows");
  while (const std::optional<WindowBatch> batch = batches.Next()) {
    const Autocast autocast(device);
    const torch::Tensor of_windows = network.forward(batch->signals.to(device.torch)).to(torch::kCPU, torch::kFloat32);
    for (size_t window = 0; window < batch->rows.size(); ++window) {
      torch::Tensor of_record = logits[batch->rows[window]];
      torch::maximum_out(of_record, of_record, of_windows[window]);
    }
    progress.Advance(batch->rows.size());
  }
  return logits;
}

}  // namespace ecg

#endif  // ECG_TRAIN_PREDICT_H_

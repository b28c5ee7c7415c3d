#include "ecg/evaluation/record_features.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/batch/window.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/device/cuda.h"
#include "ecg/device/device.h"
#include "ecg/device/layout.h"
#include "ecg/evaluation/aggregation.h"
#include "ecg/evaluation/feature_space.h"
#include "ecg/evaluation/predict.h"
#include "ecg/model/network.h"
#include "ecg/status/status_macros.h"

namespace ecg {

SplitPart SomeRows(const SplitPart& part, int most, uint64_t seed) {
  SplitPart some = part;
  if (part.size() <= most) return some;
  std::vector<int> order(part.size());
  std::iota(order.begin(), order.end(), 0);
  order = ShuffledRows(seed, /*epoch=*/0, std::move(order));
  order.resize(most);
  std::ranges::sort(order);
  some.rows.clear();
  for (const int row : order) some.rows.push_back(part.rows[row]);
  return some;
}

std::optional<int64_t> FeatureDim(Network& network, int leads, int samples, const Device& device) {
  const torch::InferenceMode inference;
  network.eval();
  const torch::Tensor window = torch::zeros({1, leads, samples}).to(device.torch);
  const torch::Tensor features = network.ForwardWithFeatures(ToDeviceLayout(window, device)).features;
  if (!features.defined()) return std::nullopt;
  return features.size(1);
}

torch::Tensor RecordFeatures(Network& network, const SplitPart& part, const WindowOptions& options,
                             const Device& device, absl::string_view label) {
  if (!FeatureDim(network, part.signals->leads(), options.samples, device)) return {};
  const torch::InferenceMode inference;
  const SegmentList windows = WindowsOfRows(part, options.samples, options.stride);
  const std::unique_ptr<AnyAggregation> mean = Aggregations::Erase(MeanLogit());
  RecordLogits records(windows, *mean);
  const auto features = [&](const NetworkInput& input) { return network.ForwardWithFeatures(input).features; };
  PredictByRecord(network, part, windows, options, device, label, features, records);
  return records.Take();
}

absl::StatusOr<std::optional<FeatureSpace>> FitFeatureSpace(Network& network, const SplitPart& train,
                                                            const SplitPart& validation, const WindowOptions& options,
                                                            const Device& device, uint64_t seed, int most_records) {
  constexpr char kWhat[] = "measuring features";
  try {
    const torch::Tensor training = RecordFeatures(network, SomeRows(train, most_records, seed), options, device, kWhat);
    if (!training.defined() || training.size(1) > FeatureSpace::kMostFeatures) return std::nullopt;
    const torch::Tensor others =
        RecordFeatures(network, SomeRows(validation, most_records, seed), options, device, kWhat);
    ECG_ASSIGN_OR_RETURN(FeatureSpace space, FeatureSpace::Fit(training, others));
    return space;
  } catch (const std::exception& error) {
    return StatusOf(
        error, kWhat, device.torch,
        absl::StrCat("Lower evaluation.batch_windows, which is ", BatchWindows(options.batch_windows, device)));
  }
}

}  // namespace ecg

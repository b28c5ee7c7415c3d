// record_features.h
//
// The features of whole records: the mean over a record's windows of what the head of the network reads.
//
//   const torch::Tensor features = RecordFeatures(*network, part, {.samples = 1250, .stride = 625}, device, "");
//   ECG_ASSIGN_OR_RETURN(const std::optional<FeatureSpace> space,
//                        FitFeatureSpace(*network, part, part, {.samples = 1250, .stride = 625}, device, 1));

#ifndef ECG_EVALUATION_RECORD_FEATURES_H_
#define ECG_EVALUATION_RECORD_FEATURES_H_

#include <torch/types.h>

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/batch/split_part.h"
#include "ecg/device/device.h"
#include "ecg/evaluation/feature_space.h"
#include "ecg/evaluation/predict.h"
#include "ecg/model/network.h"

namespace ecg {

// SomeRows returns `part` with at most `most` of its rows, drawn with `seed`, in their order.
SplitPart SomeRows(const SplitPart& part, int most, uint64_t seed);

// FeatureDim returns the number of features of `network`, found with a flat window [1, leads, samples]; nothing where
// it has none. It leaves `network` in evaluation mode.
std::optional<int64_t> FeatureDim(Network& network, int leads, int samples, const Device& device);

// RecordFeatures returns the features of every record of `part`, float32 [size, F] on the CPU; undefined where the
// network has none. It leaves `network` in evaluation mode. `label` names the progress bar.
torch::Tensor RecordFeatures(Network& network, const SplitPart& part, const WindowOptions& options,
                             const Device& device, absl::string_view label);

// FitFeatureSpace returns where the records of `train` lie in the space of the features, with the distances of those of
// `validation`; nothing where the network has no features, or more than a FeatureSpace can have. It takes at most
// `most_records` of either part, drawn with `seed`: more would change little, and the training records have many
// windows.
absl::StatusOr<std::optional<FeatureSpace>> FitFeatureSpace(Network& network, const SplitPart& train,
                                                            const SplitPart& validation, const WindowOptions& options,
                                                            const Device& device, uint64_t seed,
                                                            int most_records = 2000);

}  // namespace ecg

#endif  // ECG_EVALUATION_RECORD_FEATURES_H_

// feature_space.h
//
// Where the training records lie in the space of a network's features, and how far from them a recording is.
//
//   ECG_ASSIGN_OR_RETURN(const FeatureSpace space, FeatureSpace::Fit(training_features, validation_features));
//   const std::vector<Unlikeness> unlikeness = space.Compare(features);
//
// The distance is that of Mahalanobis with the mean and the covariance of the training records, as of Lee et al. 2018
// (arXiv:1807.03888), without their one mean for each class, because a record may have several classes or none. The
// covariance is shrunk towards a multiple of the identity by Ledoit and Wolf 2004 (doi:10.1016/S0047-259X(03)00096-4),
// so that fewer records than features are enough.

#ifndef ECG_EVALUATION_FEATURE_SPACE_H_
#define ECG_EVALUATION_FEATURE_SPACE_H_

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/score/unlikeness.h"

namespace ecg {

// FeatureSpace has F features. It does not change once it is made, and may be used by any number of threads.
class FeatureSpace {
 public:
  // kMostFeatures bounds F: the covariance has F x F elements while it is fitted.
  static constexpr int64_t kMostFeatures = 4096;
  // kMostElements bounds what is kept of the directions of the covariance, 4 bytes each: beyond 724 features, the
  // directions with the smallest variances have their mean variance together.
  static constexpr int64_t kMostElements = int64_t{1} << 19;

  // Fit takes the features of the training records, [N, F], and of the validation records, [M, F], which must be
  // finite. N must be at least 2, and M at least 1. `most_elements` bounds what is kept.
  static absl::StatusOr<FeatureSpace> Fit(const torch::Tensor& training, const torch::Tensor& validation,
                                          int64_t most_elements = kMostElements);

  // Read reads what Write wrote: safetensors.
  static absl::StatusOr<FeatureSpace> Read(const std::filesystem::path& path);
  absl::Status Write(const std::filesystem::path& path) const;

  // feature_dim returns F.
  int64_t feature_dim() const { return mean_.size(0); }

  // validation returns the distances of the validation records.
  const ReferenceDistances& validation() const { return validation_; }

  // Distances returns the distance of each of `features`, [R, F], divided by the square root of F, so that it does not
  // grow with their number.
  std::vector<double> Distances(const torch::Tensor& features) const;

  // Compare returns the unlikeness of each of `features`.
  std::vector<Unlikeness> Compare(const torch::Tensor& features) const;

 private:
  FeatureSpace(torch::Tensor mean, torch::Tensor directions, torch::Tensor variances, torch::Tensor rest_variance);

  torch::Tensor mean_;        // float32 [F]
  torch::Tensor directions_;  // float32 [D, F], orthonormal
  torch::Tensor variances_;   // float32 [D], those along the directions, shrunk
  // float32 [1], that along each direction which is orthogonal to these.
  torch::Tensor rest_variance_;
  ReferenceDistances validation_{std::vector<double>{0}};
};

}  // namespace ecg

#endif  // ECG_EVALUATION_FEATURE_SPACE_H_

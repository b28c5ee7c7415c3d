#include "ecg/evaluation/feature_space.h"

#include <torch/types.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/model/weights.h"
#include "ecg/score/unlikeness.h"
#include "ecg/status/status_macros.h"

namespace ecg {
namespace {

// The names of the tensors in a file.
constexpr char kMean[] = "mean", kDirections[] = "directions", kVariances[] = "variances", kRest[] = "rest_variance",
               kValidation[] = "validation_distances";

// Shrunk returns the covariance of `centred`, float64 [N, F], that Ledoit and Wolf's formula shrinks: of all sums of it
// and a multiple of the identity, the one with the least expected squared error.
torch::Tensor Shrunk(const torch::Tensor& centred) {
  const auto records = static_cast<double>(centred.size(0)), features = static_cast<double>(centred.size(1));
  torch::Tensor covariance = centred.t().matmul(centred) / records;
  const double squares = covariance.square().sum().item<double>();
  const double variance = covariance.trace().item<double>() / features;
  // The squared distance of the covariance from that multiple of the identity, and the squared error of the covariance.
  const double distance = squares - features * variance * variance;
  const double fourth = centred.square().sum(1).square().sum().item<double>();
  const double error = (fourth / records - squares) / records;
  const double shrinkage = distance > 0 ? std::clamp(error / distance, 0.0, 1.0) : 1;
  covariance *= 1 - shrinkage;
  covariance.diagonal().add_(shrinkage * variance);
  return covariance;
}

absl::Status CheckFeatures(const torch::Tensor& features, absl::string_view what, int64_t least) {
  if (features.dim() != 2 || features.size(0) < least) {
    return absl::InvalidArgumentError(absl::StrCat("expected the features of at least ", least, " ", what,
                                                   " records, found ", features.dim() == 2 ? features.size(0) : 0));
  }
  if (torch::isfinite(features).all().item<bool>()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a feature of a ", what, " record is not a finite number"));
}

}  // namespace

FeatureSpace::FeatureSpace(torch::Tensor mean, torch::Tensor directions, torch::Tensor variances,
                           torch::Tensor rest_variance)
    : mean_(std::move(mean)),
      directions_(std::move(directions)),
      variances_(std::move(variances)),
      rest_variance_(std::move(rest_variance)) {}

absl::StatusOr<FeatureSpace> FeatureSpace::Fit(const torch::Tensor& training, const torch::Tensor& validation,
                                               int64_t most_elements) {
  const torch::NoGradGuard no_grad;
  ECG_RETURN_IF_ERROR(CheckFeatures(training, "training", 2));
  ECG_RETURN_IF_ERROR(CheckFeatures(validation, "validation", 1));
  const int64_t features = training.size(1);
  if (validation.size(1) != features || features > kMostFeatures) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected at most ", kMostFeatures, " features, of both parts, found ", features, " and ", validation.size(1)));
  }
  const torch::Tensor wide = training.to(torch::kFloat64), mean = wide.mean(0);
  // Eigenvalues come in ascending order, and eigenvectors in columns.
  auto [variances, directions] = torch::linalg_eigh(Shrunk(wide - mean));
  // Features that are the same in all training records leave nothing to measure by.
  if (!(variances.max().item<double>() > 0)) {
    return absl::InvalidArgumentError("the features of all training records are the same");
  }
  variances = variances.clamp_min(1e-9 * variances.max().item<double>());
  const int64_t kept = std::clamp<int64_t>(most_elements / features, 1, features), rest = features - kept;
  const torch::Tensor rest_variance = rest > 0 ? variances.narrow(0, 0, rest).mean() : torch::ones({}, torch::kFloat64);
  const auto stored = [](const torch::Tensor& tensor) { return tensor.to(torch::kFloat32).contiguous(); };
  FeatureSpace space(stored(mean), stored(directions.narrow(1, rest, kept).t()),
                     stored(variances.narrow(0, rest, kept)), stored(rest_variance.reshape({1})));
  space.validation_ = ReferenceDistances(space.Distances(validation));
  return space;
}

absl::StatusOr<FeatureSpace> FeatureSpace::Read(const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const NamedTensors tensors, ReadTensors(path));
  const auto error = [&](const auto&... what) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), ": ", what...,
                                                   "; it is not of a run, or damaged. Without the file, predictions do "
                                                   "not tell how unlike the training records a recording is"));
  };
  for (const char* name : {kMean, kDirections, kVariances, kRest, kValidation}) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return error("there is no tensor ", name);
    if (found->second.scalar_type() != torch::kFloat32 || !torch::isfinite(found->second).all().item<bool>()) {
      return error("tensor ", name, " has elements that are not finite float32");
    }
  }
  const torch::Tensor &mean = tensors.at(kMean), &directions = tensors.at(kDirections),
                      &variances = tensors.at(kVariances), &rest = tensors.at(kRest),
                      &validation = tensors.at(kValidation);
  if (mean.dim() != 1 || variances.dim() != 1 || validation.dim() != 1 || validation.numel() == 0 ||
      directions.sizes() != torch::IntArrayRef({variances.numel(), mean.numel()}) || rest.numel() != 1) {
    return error("the shapes of the tensors do not fit each other");
  }
  if (!variances.gt(0).all().item<bool>() || !rest.gt(0).all().item<bool>()) {
    return error("a variance is not positive");
  }
  FeatureSpace space(mean, directions, variances, rest.reshape({1}));
  const float* const first = validation.data_ptr<float>();
  space.validation_ = ReferenceDistances(std::vector<double>(first, first + validation.numel()));
  return space;
}

absl::Status FeatureSpace::Write(const std::filesystem::path& path) const {
  const std::vector<double>& sorted = validation_.sorted();
  return WriteTensors(path,
                      {{kMean, mean_},
                       {kDirections, directions_},
                       {kVariances, variances_},
                       {kRest, rest_variance_},
                       {kValidation, torch::tensor(sorted, torch::kFloat32)}},
                      {{"content", "where the training records lie in the space of the features"}});
}

std::vector<double> FeatureSpace::Distances(const torch::Tensor& features) const {
  const torch::NoGradGuard no_grad;
  std::vector<double> distances;
  // Row by row, so that the digits of one do not depend on the others.
  for (int64_t row = 0; row < features.size(0); ++row) {
    const torch::Tensor centred = features[row].to(torch::kFloat32) - mean_;
    const torch::Tensor along = directions_.mv(centred);
    const double within = (along.square() / variances_).sum(torch::kFloat64).item<double>();
    const double beyond =
        centred.square().sum(torch::kFloat64).item<double>() - along.square().sum(torch::kFloat64).item<double>();
    const bool is_all = directions_.size(0) == mean_.size(0);
    const double squares = within + (is_all ? 0 : std::max(beyond, 0.0) / rest_variance_.item<double>());
    // As in the file.
    distances.push_back(static_cast<float>(std::sqrt(squares / static_cast<double>(mean_.size(0)))));
  }
  return distances;
}

std::vector<Unlikeness> FeatureSpace::Compare(const torch::Tensor& features) const {
  std::vector<Unlikeness> unlikeness;
  for (const double distance : Distances(features)) unlikeness.push_back(validation_.Compare(distance));
  return unlikeness;
}

}  // namespace ecg

// mean_of_members.h
//
// The probabilities of an ensemble: the mean of those of its members.
//
//   const std::vector<float> first = {0.9f, 0.2f}, second = {0.7f, 0.4f};
//   const std::vector<std::span<const float>> members = {first, second};
//   MeanOfMembers(members, {.of = MembersMean::Of::kProbability, .classes = 2});  // 0.8, 0.3

#ifndef ECG_SCORE_MEAN_OF_MEMBERS_H_
#define ECG_SCORE_MEAN_OF_MEMBERS_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/score/calibration.h"

namespace ecg {

// MembersMean says what the mean is of.
struct MembersMean {
  enum class Of {
    kProbability,  // of the probabilities
    kLogit,        // of the logits, of which the probability is taken: a geometric mean
  };
  Of of = Of::kProbability;
  // The number of classes, and whether they exclude each other, so that the probabilities of a record add up to 1.
  size_t classes = 0;
  bool exclusive = false;
};

// MembersMeanOf returns what `name`, "probability" or "logit", names.
inline absl::StatusOr<MembersMean::Of> MembersMeanOf(absl::string_view name) {
  if (name == "probability") return MembersMean::Of::kProbability;
  if (name == "logit") return MembersMean::Of::kLogit;
  return absl::InvalidArgumentError(
      absl::StrCat("the mean of the members is of \"", name, "\"; expected probability or logit"));
}

// MeanOfMembers returns the mean of `members`, the probabilities [records, classes] of the same records that each
// member gives; there is at least one. It is taken in double precision, in the order of the members. Logits are cut off
// where single precision has no probability but 0 and 1 (calibration.h).
inline std::vector<float> MeanOfMembers(std::span<const std::span<const float>> members, const MembersMean& mean) {
  const auto count = static_cast<double>(members.size());
  std::vector<float> result(members[0].size());
  std::vector<double> row(mean.classes);
  const auto mean_at = [&](size_t i, const auto& of) {
    double sum = 0;
    for (const std::span<const float> member : members) sum += of(member[i]);
    return sum / count;
  };
  for (size_t first = 0; first < result.size(); first += mean.classes) {
    for (size_t k = 0; k < mean.classes; ++k) {
      const size_t i = first + k;
      if (mean.of == MembersMean::Of::kProbability) {
        row[k] = mean_at(i, [](double probability) { return probability; });
      } else if (mean.exclusive) {
        // The least positive number of single precision, so that a class that one member excludes stays a number.
        row[k] = std::exp(mean_at(i, [](double probability) { return std::log(std::max(probability, 1e-45)); }));
      } else {
        row[k] = 1 / (1 + std::exp(-mean_at(i, Logit)));
      }
    }
    const bool normalise = mean.of == MembersMean::Of::kLogit && mean.exclusive;
    const double sum = normalise ? std::accumulate(row.begin(), row.end(), 0.0) : 1;
    for (size_t k = 0; k < mean.classes; ++k) result[first + k] = static_cast<float>(row[k] / sum);
  }
  return result;
}

}  // namespace ecg

#endif  // ECG_SCORE_MEAN_OF_MEMBERS_H_

// unlikeness.h
//
// How unlike the training records a recording is, told by records that were not trained on: the validation records.
//
//   const ReferenceDistances validation({0.9, 1.3, 1.1, 0.8});
//   const Unlikeness unlikeness = validation.Compare(1.2);
//   // unlikeness.reference_share is 0.75
//
// A distance means little by itself, because it depends on the network. How many validation records are nearer does
// not: of recordings that are like them, one in a hundred is farther than 99% of them, whatever the distance is.

#ifndef ECG_SCORE_UNLIKENESS_H_
#define ECG_SCORE_UNLIKENESS_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace ecg {

// kWarnedShare is the share of the validation records that must be nearer for a warning. A hundredth of recordings like
// them get one, too; where there are fewer than a hundred of them, the share of those that are farther than all.
inline constexpr double kWarnedShare = 0.99;

// Unlikeness says how far a recording is from the training records.
struct Unlikeness {
  // distance is that of FeatureSpace: about 1 for the training records themselves.
  double distance = 0;
  // reference_share is the share of the `references` validation records that are nearer, 0 to 1.
  double reference_share = 0;
  size_t references = 0;

  bool is_warned() const { return reference_share >= kWarnedShare; }

  // Text returns a part of a sentence: "more unlike the training records than 98.4% of the validation records".
  std::string Text() const {
    // Rounded down: a share that is not all does not become 100%.
    const double percent = static_cast<double>(static_cast<int>(1000 * reference_share + 1e-9)) / 10;
    return absl::StrCat("more unlike the training records than ",
                        reference_share < 1 ? absl::StrFormat("%.1f%% of the validation records", percent)
                                            : absl::StrCat("all ", references, " validation records"));
  }
};

// ReferenceDistances are the distances of the validation records.
class ReferenceDistances {
 public:
  // `distances` must not be empty.
  explicit ReferenceDistances(std::vector<double> distances) : sorted_(std::move(distances)) {
    std::ranges::sort(sorted_);
  }

  // sorted returns them, the nearest first.
  const std::vector<double>& sorted() const { return sorted_; }

  // Compare returns the unlikeness of a recording at `distance`. One that is no number is farther than all.
  Unlikeness Compare(double distance) const {
    const auto nearer = std::ranges::partition_point(sorted_, [&](double other) { return !(other >= distance); });
    return {.distance = distance,
            .reference_share = static_cast<double>(nearer - sorted_.begin()) / static_cast<double>(sorted_.size()),
            .references = sorted_.size()};
  }

 private:
  std::vector<double> sorted_;
};

}  // namespace ecg

#endif  // ECG_SCORE_UNLIKENESS_H_

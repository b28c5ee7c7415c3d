// resampler.h
//
// Bootstrap resamples of records in which every class can be scored.
//
// The reference draws records with replacement and draws again until every class has a positive. A class carried by a
// single record is there in only 63% of the draws, so twenty such classes need some ten thousand draws and fifty need
// ten billion. The resampler draws from the same conditional distribution and ends quickly:
//
//   const Resampler resampler(ranked, /*seed=*/1);
//   std::vector<uint32_t> multiplicities;
//   const bool complete = resampler.Draw(/*number=*/0, multiplicities);
//
// * Records that must be there, because they are the only positive or the only negative of a class, are drawn exactly.
//   With t draws left of n records and u of the required ones still missing, the chance that all of them come is
//       h(t, u) = u/n h(t-1, u-1) + (1 - u/n) h(t-1, u),   h(t, 0) = 1,   h(0, u > 0) = 0,
//   so, given that all of them come, the next draw is a missing one with probability
//       q(t, u) = u/n h(t-1, u-1) / h(t, u),
//   and otherwise any of the n - u other records (Doob's h-transform of the draws).
// * Classes with two or more positives and negatives are left to chance and redrawn, as the reference does, but at most
//   `kMaxTries` times: the last try is then taken although some class of it cannot be scored, and Draw returns
//   false.

#ifndef ECG_SCORE_RESAMPLER_H_
#define ECG_SCORE_RESAMPLER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/score/ranked_predictions.h"

namespace ecg {

// Resampler draws resamples of the records of one set of predictions.
class Resampler {
 public:
  // kMaxTries bounds the draws of one resample.
  static constexpr int kMaxTries = 1000;

  // A resample is a function of `seed` and its number only, so resamples may be drawn in any order.
  Resampler(const RankedPredictions& ranked, uint64_t seed) : records_(ranked.records()), seed_(seed) {
    std::vector<std::vector<uint32_t>> sets;  // of records, one of which a resample must hold
    for (const RankedClass& one : ranked.classes()) {
      if (!one.scorable()) continue;
      for (const bool positive : {true, false}) {
        std::vector<uint32_t>& set = sets.emplace_back();
        for (const RankedRecord& place : one.ranking) {
          if (place.positive == positive) set.push_back(place.record);
        }
      }
    }
    required_.resize(records_);
    for (const std::vector<uint32_t>& set : sets) {
      if (set.size() == 1) required_[set[0]] = true;
    }
    for (uint32_t record = 0; record < records_; ++record) {
      if (required_[record]) required_records_.push_back(record);
    }
    for (std::vector<uint32_t>& set : sets) {
      const bool certain = std::any_of(set.begin(), set.end(), [this](uint32_t record) { return required_[record]; });
      if (!certain) left_to_chance_.push_back(std::move(set));
    }
    // The rarest first: a failing try is then found out soonest.
    std::sort(left_to_chance_.begin(), left_to_chance_.end(),
              [](const auto& left, const auto& right) { return left.size() < right.size(); });
    FillMissingProbability();
  }

  // Draw sets multiplicities[r] to how often record `r` occurs in resample `number`; the multiplicities sum to the
  // number of records. Returns whether every class that can be scored on all records can be on these.
  bool Draw(uint64_t number, std::vector<uint32_t>& multiplicities) const {
    Random random({seed_, number});
    for (int tries = 0; tries < kMaxTries; ++tries) {
      DrawOnce(random, multiplicities);
      const bool complete =
          std::all_of(left_to_chance_.begin(), left_to_chance_.end(), [&](const std::vector<uint32_t>& set) {
            return std::any_of(set.begin(), set.end(), [&](uint32_t record) { return multiplicities[record] > 0; });
          });
      if (complete) return true;
    }
    return false;
  }

 private:
  // FillMissingProbability sets q(t, u) of the banner for every t in [1, records] and u in [0, required records].
  void FillMissingProbability() {
    const size_t width = required_records_.size() + 1;
    if (width == 1) return;
    missing_probability_.resize((records_ + size_t{1}) * width);
    std::vector<double> h(width);  // h(t, u) of the t of the loop
    h[0] = 1;
    for (size_t t = 1; t <= records_; ++t) {
      for (size_t u = width - 1; u > 0; --u) {
        const double missing = h[u - 1] * u / records_;
        h[u] = missing + h[u] * (records_ - u) / records_;
        // h is 0 where there are fewer draws left than missing records, or where it is too small for a double.
        missing_probability_[t * width + u] = h[u] > 0 ? missing / h[u] : 1;
      }
    }
  }

  void DrawOnce(Random& random, std::vector<uint32_t>& multiplicities) const {
    multiplicities.assign(records_, 0);
    std::vector<uint32_t> missing = required_records_;
    const size_t width = required_records_.size() + 1;
    uint32_t left = records_;
    for (; !missing.empty(); --left) {
      if (random.Uniform() < missing_probability_[left * width + missing.size()]) {
        std::swap(missing[random.Below(missing.size())], missing.back());
        ++multiplicities[missing.back()];
        missing.pop_back();
      } else {
        uint64_t record;
        do {
          record = random.Below(records_);
        } while (required_[record] && multiplicities[record] == 0);
        ++multiplicities[record];
      }
    }
    for (; left > 0; --left) ++multiplicities[random.Below(records_)];
  }

  uint32_t records_;
  uint64_t seed_;
  std::vector<char> required_;              // by record
  std::vector<uint32_t> required_records_;  // the only positive or negative of some class
  std::vector<std::vector<uint32_t>> left_to_chance_;
  std::vector<double> missing_probability_;  // q(t, u), [records + 1, required records + 1]
};

}  // namespace ecg

#endif  // ECG_SCORE_RESAMPLER_H_

// calibration_sets.h
//
// The calibrations of many records. Most records of a corpus have the same twelve, so each different set of twelve is
// kept once, with 144 bytes, and a record has the number of its set.
//
//   CalibrationSets sets;
//   const int set = sets.Add(signal.calibration);
//   sets.at(set, /*lead=*/1).ToMv(250);

#ifndef ECG_CORPUS_CALIBRATION_SETS_H_
#define ECG_CORPUS_CALIBRATION_SETS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"

namespace ecg {

// CalibrationSets is a list of such sets that only grows.
class CalibrationSets {
 public:
  // Add returns the number of the set with these calibrations, one for each lead; a new one if there is none.
  int Add(const std::array<Calibration, kLeads>& calibrations) {
    Set set;
    for (int lead = 0; lead < kLeads; ++lead) {
      set.gains[lead] = calibrations[lead].gain;
      set.baselines[lead] = calibrations[lead].baseline;
    }
    if (const auto found = numbers_.find(set); found != numbers_.end()) return *found;
    const int number = static_cast<int>(sets_->size());
    sets_->push_back(set);
    numbers_.insert(number);
    return number;
  }

  // size returns the number of different sets.
  size_t size() const { return sets_->size(); }

  // at returns the calibration of a lead in a set.
  Calibration at(int set, int lead) const {
    return {.gain = (*sets_)[set].gains[lead], .baseline = (*sets_)[set].baselines[lead]};
  }

 private:
  // Twelve Calibrations without the padding that an array of them has.
  struct Set {
    std::array<double, kLeads> gains;
    std::array<int32_t, kLeads> baselines;
  };
  static_assert(sizeof(Set) == kLeads * (sizeof(double) + sizeof(int32_t)), "sets are compared by their bytes");

  // Only the numbers of the sets are stored; these functions look at the sets.
  struct Bytes {
    using is_transparent = void;
    static absl::string_view Of(const Set& set) { return {reinterpret_cast<const char*>(&set), sizeof set}; }
    absl::string_view Of(int number) const { return Of((*sets)[number]); }
    const std::vector<Set>* sets;
  };
  struct Hash : Bytes {
    template <typename T>
    size_t operator()(const T& key) const {
      return absl::Hash<absl::string_view>()(this->Of(key));
    }
  };
  struct Equal : Bytes {
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return this->Of(a) == this->Of(b);
    }
  };

  std::unique_ptr<std::vector<Set>> sets_ = std::make_unique<std::vector<Set>>();  // at an address that does not change
  absl::flat_hash_set<int, Hash, Equal> numbers_{0, Hash{{sets_.get()}}, Equal{{sets_.get()}}};
};

}  // namespace ecg

#endif  // ECG_CORPUS_CALIBRATION_SETS_H_

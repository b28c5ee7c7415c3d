// demo_records.h
//
// The records of the demo corpus, without their samples: the statements, patient and fold of each.
//
//   const std::vector<DemoRecord> records = DrawDemoRecords(1000, /*seed=*/1);
//   const std::vector<int>& statements = records[0].statements;   // positions in kDemoSigns, ascending

#ifndef ECG_SYNTHETIC_DEMO_RECORDS_H_
#define ECG_SYNTHETIC_DEMO_RECORDS_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/synthetic/demo_signs.h"
#include "ecg/synthetic/heart_model.h"

namespace ecg {

// DemoRecord is a record of the demo corpus without its samples.
struct DemoRecord {
  std::vector<int> statements;  // positions in kDemoSigns, ascending
  int patient = 0;              // from 1
  int fold = 0;                 // 1 to 10
  int age = 0;                  // years
  int sex = 0;                  // 0 male, 1 female, as in PTB-XL
};

inline constexpr int kDemoFolds = 10;

// DemoFloor returns how many of `records` carry even the rarest statement: two for each fold, or as many as a small
// corpus has room for.
inline int DemoFloor(int records) { return std::min(2 * kDemoFolds, records / 50); }

// DemoQuota returns how many of `records` carry a statement: PTB-XL's share, but not fewer than the floor.
inline int DemoQuota(const DemoSign& sign, int records) {
  const double share = static_cast<double>(sign.ptbxl_records) * records / 21837;
  return std::max(static_cast<int>(std::lround(share)), DemoFloor(records));
}

// DemoDraw draws the records of one corpus, step by step: statements, then patients, then folds.
class DemoDraw {
 public:
  DemoDraw(int records, uint64_t seed) : random_({seed, /*the corpus as a whole*/ 0}), drawn_(records) {
    for (size_t sign = 0; sign < kDemoSigns.size(); ++sign) quota_[sign] = DemoQuota(kDemoSigns[sign], records);
  }

  std::vector<DemoRecord> Run() {
    std::vector<uint32_t> taken(drawn_.size(), 0);
    for (const int sign : AssignmentOrder()) AssignStatement(sign, taken);
    for (DemoRecord& record : drawn_) std::sort(record.statements.begin(), record.statements.end());
    const std::vector<std::vector<int>> patients = DrawPatients();
    DescribePatients(patients);
    AssignFolds(patients);
    return std::move(drawn_);
  }

 private:
  static constexpr int kSinus = FindDemoSign("SR");
  static constexpr int kNormal = FindDemoSign("NORM");

  int records() const { return static_cast<int>(drawn_.size()); }

  // Statements are assigned from the rarest to the commonest, so that each finds room: rhythms first, which are all
  // that a normal record may have besides, then normal, then the rest. Every record without another rhythm is in sinus
  // rhythm.
  std::vector<int> AssignmentOrder() const {
    const auto stage = [](int sign) {
      if (sign == kSinus) return 1;
      if (kDemoSigns[sign].parts & kRhythmPart) return 0;
      return sign == kNormal ? 2 : 3;
    };
    std::vector<int> order(kDemoSigns.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int a, int b) { return std::pair(stage(a), quota_[a]) < std::pair(stage(b), quota_[b]); });
    return order;
  }

  // AssignStatement gives `sign`, and its companion, to as many records as its quota says; `taken` are the parts of the
  // electrocardiogram that the statements of each record are about.
  void AssignStatement(int sign, std::vector<uint32_t>& taken) {
    const int companion = kDemoSigns[sign].companion.empty() ? -1 : FindDemoSign(kDemoSigns[sign].companion);
    const uint32_t parts = kDemoSigns[sign].parts | (companion < 0 ? 0 : kDemoSigns[companion].parts);
    // Records that carry little come first, with some chance. A rare statement weighs more, so that two of them seldom
    // meet: each can then be learnt from its own records, and reach every fold.
    std::vector<std::pair<double, int>> candidates;
    for (int record = 0; record < records(); ++record) {
      if ((taken[record] & parts) != 0) continue;
      double load = 2 * random_.Uniform();
      for (const int other : drawn_[record].statements) load += quota_[other] > DemoFloor(records()) ? 1 : 3;
      candidates.emplace_back(load, record);
    }
    std::sort(candidates.begin(), candidates.end());
    const auto assign = [&](int one, int record) {
      drawn_[record].statements.push_back(one);
      taken[record] |= kDemoSigns[one].parts;
      ++assigned_[one];
    };
    for (const auto& [load, record] : candidates) {
      if (sign != kSinus && assigned_[sign] >= quota_[sign]) break;
      assign(sign, record);
      if (companion >= 0) assign(companion, record);
    }
  }

  // RarestStatement returns the main finding of a record.
  int RarestStatement(const DemoRecord& record) const {
    return *std::min_element(record.statements.begin(), record.statements.end(),
                             [&](int a, int b) { return quota_[a] < quota_[b]; });
  }

  // DrawPatients returns the records of each patient. Some patients come again, with the same main finding: only where
  // it is common, so that the rare ones spread over the folds.
  std::vector<std::vector<int>> DrawPatients() {
    std::vector<std::vector<int>> patients;
    std::map<int, int> latest;  // the latest patient with a main finding
    for (int record = 0; record < records(); ++record) {
      const int finding = RarestStatement(drawn_[record]);
      const auto found = latest.find(finding);
      const bool again = random_.Uniform() < 0.2 && quota_[finding] > DemoFloor(records()) && found != latest.end();
      if (again) {
        patients[found->second].push_back(record);
      } else {
        latest[finding] = static_cast<int>(patients.size());
        patients.push_back({record});
      }
    }
    return patients;
  }

  // DescribePatients draws the age and the sex of each patient.
  void DescribePatients(const std::vector<std::vector<int>>& patients) {
    for (size_t patient = 0; patient < patients.size(); ++patient) {
      const bool normal = RarestStatement(drawn_[patients[patient][0]]) == kNormal;
      const float age = (normal ? 52.0f : 67.0f) + (normal ? 17.0f : 12.0f) * Normal(random_);
      const int sex = random_.Uniform() < 0.48 ? 1 : 0;
      for (const int record : patients[patient]) {
        drawn_[record].patient = static_cast<int>(patient) + 1;
        drawn_[record].age = static_cast<int>(std::clamp(age, 18.0f, 89.0f));
        drawn_[record].sex = sex;
      }
    }
  }

  // AssignFolds works in the manner of Sechidis et al. 2011 (doi:10.1007/978-3-642-23808-6_10): patients with the
  // rarest findings choose first, each the fold that has the least of what they bring.
  void AssignFolds(const std::vector<std::vector<int>>& patients) {
    const auto rarity = [&](int patient) { return quota_[RarestStatement(drawn_[patients[patient][0]])]; };
    std::vector<int> queue(patients.size());
    std::iota(queue.begin(), queue.end(), 0);
    std::stable_sort(queue.begin(), queue.end(), [&](int a, int b) { return rarity(a) < rarity(b); });
    std::array<std::array<int, kDemoSigns.size()>, kDemoFolds> carried = {};
    std::array<int, kDemoFolds> size = {};
    for (const int patient : queue) {
      std::array<double, kDemoFolds> crowded;
      for (int fold = 0; fold < kDemoFolds; ++fold) {
        crowded[fold] = static_cast<double>(size[fold]) / records();
        for (const int record : patients[patient]) {
          for (const int sign : drawn_[record].statements) {
            crowded[fold] += static_cast<double>(carried[fold][sign]) / std::max(1, assigned_[sign]);
          }
        }
      }
      const int fold = static_cast<int>(std::min_element(crowded.begin(), crowded.end()) - crowded.begin());
      for (const int record : patients[patient]) {
        drawn_[record].fold = fold + 1;
        ++size[fold];
        for (const int sign : drawn_[record].statements) ++carried[fold][sign];
      }
    }
  }

  Random random_;
  std::vector<DemoRecord> drawn_;
  std::array<int, kDemoSigns.size()> quota_;          // of records, by statement
  std::array<int, kDemoSigns.size()> assigned_ = {};  // records so far, by statement
};

// DrawDemoRecords returns `records` records, the same for the same `seed`.
inline std::vector<DemoRecord> DrawDemoRecords(int records, uint64_t seed) { return DemoDraw(records, seed).Run(); }

}  // namespace ecg

#endif  // ECG_SYNTHETIC_DEMO_RECORDS_H_

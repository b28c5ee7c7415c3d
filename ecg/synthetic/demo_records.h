// demo_records.h
//
// Who is in the demo corpus: which statements each record carries, whose record it is, and which fold it belongs to. No
// samples yet.
//
//   std::vector<DemoRecord> records = DrawDemoRecords(1000, /*seed=*/1);
//   records[0].statements;  // positions in kDemoSigns, ascending

#ifndef ECG_SYNTHETIC_DEMO_RECORDS_H_
#define ECG_SYNTHETIC_DEMO_RECORDS_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "ecg/random/random.h"
#include "ecg/synthetic/demo_signs.h"
#include "ecg/synthetic/heart_model.h"

namespace ecg {

// DemoRecord is what is known of a record of the demo corpus before it is recorded.
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

// DrawDemoRecords returns `records` records, the same for the same `seed`.
inline std::vector<DemoRecord> DrawDemoRecords(int records, uint64_t seed) {
  Random random({seed, /*the corpus as a whole*/ 0});
  std::vector<DemoRecord> drawn(records);
  std::array<int, kDemoSigns.size()> quota;
  for (size_t sign = 0; sign < kDemoSigns.size(); ++sign) quota[sign] = DemoQuota(kDemoSigns[sign], records);
  constexpr int kSinus = FindDemoSign("SR");
  constexpr int kNormal = FindDemoSign("NORM");

  // Statements are given out from the rarest to the commonest, so that each finds room: rhythms first, which are all
  // that a normal record may have besides, then normal, then the rest. Every record without another rhythm is in sinus
  // rhythm.
  std::vector<int> order(kDemoSigns.size());
  std::iota(order.begin(), order.end(), 0);
  const auto stage = [&](int sign) {
    if (sign == kSinus) return 1;
    if (kDemoSigns[sign].parts & kRhythmPart) return 0;
    return sign == kNormal ? 2 : 3;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return std::pair(stage(a), quota[a]) < std::pair(stage(b), quota[b]); });
  std::vector<uint32_t> taken(records, 0);
  std::array<int, kDemoSigns.size()> given = {};
  const auto give = [&](int sign, int record) {
    drawn[record].statements.push_back(sign);
    taken[record] |= kDemoSigns[sign].parts;
    ++given[sign];
  };
  for (const int sign : order) {
    const int companion = kDemoSigns[sign].companion.empty() ? -1 : FindDemoSign(kDemoSigns[sign].companion);
    const uint32_t parts = kDemoSigns[sign].parts | (companion < 0 ? 0 : kDemoSigns[companion].parts);
    // Records that carry little come first, with some chance. A rare statement weighs more, so that two of them seldom
    // meet: each can then be learnt from its own records, and reach every fold.
    std::vector<std::pair<double, int>> candidates;
    for (int record = 0; record < records; ++record) {
      if ((taken[record] & parts) != 0) continue;
      double load = 2 * random.Uniform();
      for (const int other : drawn[record].statements) load += quota[other] > DemoFloor(records) ? 1 : 3;
      candidates.emplace_back(load, record);
    }
    std::sort(candidates.begin(), candidates.end());
    for (const auto& [load, record] : candidates) {
      if (sign != kSinus && given[sign] >= quota[sign]) break;
      give(sign, record);
      if (companion >= 0) give(companion, record);
    }
  }
  for (DemoRecord& record : drawn) std::sort(record.statements.begin(), record.statements.end());

  // Patients. Some come again, with the same main finding: only where it is common, so that the rare ones spread over
  // the folds.
  const auto rarest = [&](const DemoRecord& record) {
    return *std::min_element(record.statements.begin(), record.statements.end(),
                             [&](int a, int b) { return quota[a] < quota[b]; });
  };
  std::vector<std::vector<int>> patients;
  std::map<int, int> latest;  // the latest patient with a main finding
  for (int record = 0; record < records; ++record) {
    const int finding = rarest(drawn[record]);
    const auto found = latest.find(finding);
    const bool again = random.Uniform() < 0.2 && quota[finding] > DemoFloor(records) && found != latest.end();
    if (again) {
      patients[found->second].push_back(record);
    } else {
      latest[finding] = static_cast<int>(patients.size());
      patients.push_back({record});
    }
  }
  for (size_t patient = 0; patient < patients.size(); ++patient) {
    const std::vector<int>& theirs = patients[patient];
    const bool normal = rarest(drawn[theirs[0]]) == kNormal;
    const float age = (normal ? 52.0f : 67.0f) + (normal ? 17.0f : 12.0f) * Normal(random);
    const int sex = random.Uniform() < 0.48 ? 1 : 0;
    for (const int record : theirs) {
      drawn[record].patient = static_cast<int>(patient) + 1;
      drawn[record].age = static_cast<int>(std::clamp(age, 18.0f, 89.0f));
      drawn[record].sex = sex;
    }
  }

  // Folds, in the manner of Sechidis et al. 2011 (doi:10.1007/978-3-642-23808-6_10): patients with the rarest findings
  // choose first, each the fold that has the least of what they bring.
  std::vector<int> queue(patients.size());
  std::iota(queue.begin(), queue.end(), 0);
  std::stable_sort(queue.begin(), queue.end(), [&](int a, int b) {
    return quota[rarest(drawn[patients[a][0]])] < quota[rarest(drawn[patients[b][0]])];
  });
  std::array<std::array<int, kDemoSigns.size()>, kDemoFolds> carried = {};
  std::array<int, kDemoFolds> size = {};
  for (const int patient : queue) {
    std::array<double, kDemoFolds> crowded;
    for (int fold = 0; fold < kDemoFolds; ++fold) {
      crowded[fold] = static_cast<double>(size[fold]) / records;
      for (const int record : patients[patient]) {
        for (const int sign : drawn[record].statements) {
          crowded[fold] += static_cast<double>(carried[fold][sign]) / std::max(1, given[sign]);
        }
      }
    }
    const int fold = static_cast<int>(std::min_element(crowded.begin(), crowded.end()) - crowded.begin());
    for (const int record : patients[patient]) {
      drawn[record].fold = fold + 1;
      ++size[fold];
      for (const int sign : drawn[record].statements) ++carried[fold][sign];
    }
  }
  return drawn;
}

}  // namespace ecg

#endif  // ECG_SYNTHETIC_DEMO_RECORDS_H_

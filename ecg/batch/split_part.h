// split_part.h
//
// The training, validation or test records, with what is needed to turn them into batches.

#ifndef ECG_BATCH_SPLIT_PART_H_
#define ECG_BATCH_SPLIT_PART_H_

#include <cstdint>
#include <vector>

#include "ecg/corpus/labels.h"
#include "ecg/corpus/scaler.h"

namespace ecg {

class DeviceSignals;  // ecg/batch/device_signals.h
class PackedSignals;  // ecg/corpus/packed_signals.h

// SplitPart is one part of a split. The signals and labels must outlive it.
struct SplitPart {
  const PackedSignals* signals = nullptr;
  const Labels* labels = nullptr;
  // Rows of `labels`.
  std::vector<int> rows = {};
  Scaler scaler = {};
  // The same signals in device memory, or nullptr if they do not fit.
  const DeviceSignals* on_device = nullptr;
  // What is known of each record's patient (Demographics::ToNumbers), [records, 8], or nullptr if it is not read.
  const std::vector<float>* demographics = nullptr;

  int size() const { return static_cast<int>(rows.size()); }
  int classes() const { return static_cast<int>(labels->classes.size()); }
  // record returns the record, an index into `signals`, of row `index` of this part.
  int record(int index) const { return labels->records[rows[index]]; }

  // Records returns the record of each row.
  std::vector<int> Records() const {
    std::vector<int> records;
    for (int i = 0; i < size(); ++i) records.push_back(record(i));
    return records;
  }

  // Targets returns the labels of all rows, [size, classes].
  std::vector<uint8_t> Targets() const {
    std::vector<uint8_t> targets;
    targets.reserve(rows.size() * labels->classes.size());
    for (const int row : rows) {
      const auto of_row = labels->row(row);
      targets.insert(targets.end(), of_row.begin(), of_row.end());
    }
    return targets;
  }
};

}  // namespace ecg

#endif  // ECG_BATCH_SPLIT_PART_H_

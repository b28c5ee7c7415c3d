// segment.h
//
// Which pieces of which records a network sees, and in which order: a training epoch's crops, or the windows that cover
// whole records. Every way to make batches starts from such a list, so all of them make the same ones.
//
//   for (const Segment& crop : TrainingCrops(part, seed, /*epoch=*/3, /*length=*/1250)) ...

#ifndef ECG_BATCH_SEGMENT_H_
#define ECG_BATCH_SEGMENT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "ecg/batch/split_part.h"
#include "ecg/batch/window.h"

namespace ecg {

// Segment is a piece of a part's `row`th record, from sample `start` on. What lies behind the record's end is zeros.
struct Segment {
  int row = 0;
  int start = 0;
};

// TrainingCrops returns a crop of `length` samples of each record of `part`, in an order and from starts that depend on
// (`seed`, `epoch`, record) alone.
inline std::vector<Segment> TrainingCrops(const SplitPart& part, uint64_t seed, int epoch, int length) {
  std::vector<int> rows(part.size());
  for (int row = 0; row < part.size(); ++row) rows[row] = row;
  std::vector<Segment> crops;
  crops.reserve(rows.size());
  for (const int row : ShuffledRows(seed, epoch, std::move(rows))) {
    const int record = part.record(row);
    crops.push_back({row, CropStart(seed, epoch, record, part.signals->samples(record), length)});
  }
  return crops;
}

// WindowsOfRows returns the windows of `length` samples every `stride` samples that cover each record of `part`, record
// after record.
inline std::vector<Segment> WindowsOfRows(const SplitPart& part, int length, int stride) {
  std::vector<Segment> windows;
  for (int row = 0; row < part.size(); ++row) {
    for (const int start : WindowStarts(part.signals->samples(part.record(row)), length, stride)) {
      windows.push_back({row, start});
    }
  }
  return windows;
}

// WillRead has the system fetch the records of `segments`, all at once, while the caller goes on.
inline void WillRead(const SplitPart& part, std::span<const Segment> segments) {
  for (size_t i = 0; i < segments.size(); ++i) {
    if (i == 0 || segments[i].row != segments[i - 1].row) part.signals->WillRead(part.record(segments[i].row));
  }
}

}  // namespace ecg

#endif  // ECG_BATCH_SEGMENT_H_

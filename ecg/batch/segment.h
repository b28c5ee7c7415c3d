// segment.h
//
// The segments of records that a network sees, in order: the training crops of an epoch, or the sliding windows of an
// evaluation. Host and device batches are made from the same list, so they are equal.
//
//   const SegmentList crops = TrainingCrops(part, sampler.Order(part, seed, 3), seed, /*epoch=*/3, /*length=*/1250);
//   const SegmentList windows = WindowsOfRows(part, /*length=*/1250, /*stride=*/625);

#ifndef ECG_BATCH_SEGMENT_H_
#define ECG_BATCH_SEGMENT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ecg/batch/split_part.h"
#include "ecg/batch/window.h"
#include "ecg/corpus/packed_signals.h"
#include "ecg/random/random.h"

namespace ecg {

// Segment is a crop or window of the record of row `row` of a part, starting at sample `start`. Samples past the
// record's end are zeros.
struct Segment {
  int row = 0;
  int start = 0;
};

// SegmentList is a list of segments to batch, in order.
struct SegmentList {
  std::vector<Segment> segments;
  // Random numbers in [0, 1) for the augmentations of each segment, [segments, numbers].
  std::vector<float> uniform;
  int numbers = 0;

  int size() const { return static_cast<int>(segments.size()); }
};

// TrainingCrops returns a crop of `length` samples for each row of `part` in `order`, with `numbers` random numbers for
// its augmentations. Both depend only on (`seed`, `epoch`, record) and on how often the row occurred before in `order`.
inline SegmentList TrainingCrops(const SplitPart& part, std::span<const int> order, uint64_t seed, int epoch,
                                 int length, int numbers = 0) {
  constexpr uint64_t kAugmentation = 0x617567;  // separates this random stream from that of the crops
  SegmentList crops;
  crops.numbers = numbers;
  crops.segments.reserve(order.size());
  crops.uniform.reserve(order.size() * numbers);
  std::vector<int> times(part.size());
  for (const int row : order) {
    const int record = part.record(row), repetition = times[row]++;
    crops.segments.push_back({row, CropStart(seed, epoch, record, part.signals->samples(record), length, repetition)});
    Random random({seed, static_cast<uint64_t>(epoch), static_cast<uint64_t>(record), static_cast<uint64_t>(repetition),
                   kAugmentation});
    for (int i = 0; i < numbers; ++i) crops.uniform.push_back(static_cast<float>(random() >> 40) * 0x1p-24f);
  }
  return crops;
}

// ShareBegin returns where the share of process `rank` of `size` begins among `count` things, which are dealt out in
// order, as evenly as can be; it ends where that of the next begins.
inline int ShareBegin(int count, int rank, int size) { return static_cast<int>(int64_t{count} * rank / size); }

// ShareOfBatches returns those of `crops` that process `rank` of `size` trains on, where all train together on batches
// of `batch_size`: its share of each whole batch.
inline SegmentList ShareOfBatches(const SegmentList& crops, int batch_size, int rank, int size) {
  const int begin = ShareBegin(batch_size, rank, size), end = ShareBegin(batch_size, rank + 1, size);
  SegmentList share;
  share.numbers = crops.numbers;
  for (int first = 0; first + batch_size <= crops.size(); first += batch_size) {
    const auto from = crops.segments.begin() + first;
    share.segments.insert(share.segments.end(), from + begin, from + end);
    const auto numbers = crops.uniform.begin() + int64_t{first} * crops.numbers;
    share.uniform.insert(share.uniform.end(), numbers + int64_t{begin} * crops.numbers,
                         numbers + int64_t{end} * crops.numbers);
  }
  return share;
}

// WindowsOfRows returns the sliding windows of `length` samples every `stride` samples of the records in rows `begin`
// to `end` of `part`, record by record.
inline SegmentList WindowsOfRows(const SplitPart& part, int length, int stride, int begin, int end) {
  SegmentList windows;
  for (int row = begin; row < end; ++row) {
    for (const int start : WindowStarts(part.signals->samples(part.record(row)), length, stride)) {
      windows.segments.push_back({row, start});
    }
  }
  return windows;
}

// WindowsOfRows returns those of all records of `part`.
inline SegmentList WindowsOfRows(const SplitPart& part, int length, int stride) {
  return WindowsOfRows(part, length, stride, 0, part.size());
}

// EndsOfRecords returns where to cut `list` into batches of at most `most` segments so that no two rows share a batch:
// the end of each batch, for HostBatches.
inline std::vector<int> EndsOfRecords(const SegmentList& list, int most) {
  std::vector<int> ends;
  for (int i = 0, first = 0; i < list.size(); ++i) {
    const bool is_last = i + 1 == list.size() || list.segments[i + 1].row != list.segments[i].row;
    if (!is_last && i + 1 - first < most) continue;
    ends.push_back(first = i + 1);
  }
  return ends;
}

// WillRead asks the system to read the records of `segments` ahead (madvise).
inline void WillRead(const SplitPart& part, std::span<const Segment> segments) {
  for (size_t i = 0; i < segments.size(); ++i) {
    if (i == 0 || segments[i].row != segments[i - 1].row) part.signals->WillRead(part.record(segments[i].row));
  }
}

}  // namespace ecg

#endif  // ECG_BATCH_SEGMENT_H_

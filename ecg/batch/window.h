// window.h
//
// The sliding windows of an evaluation, and the random crop of a training epoch.

#ifndef ECG_BATCH_WINDOW_H_
#define ECG_BATCH_WINDOW_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ecg/random/random.h"

namespace ecg {

// WindowStarts returns the first sample of each window of `length` samples, one every `stride` samples, of a record of
// `samples` samples that is zero-padded at its end to the next multiple of `stride`. A record of 5000 samples with
// windows of 1250 every 625 is padded to 5625 and gives 8 windows, the last half padding: a whole stride is added even
// to a multiple, as `SubsampleEval` of `seitalab/dnn_ecg_comparison` does. No window is padding only, which one of a
// stride as long as a window would be. Where the stride does not divide the window, there may be one more, so that
// every sample is in a window. A record shorter than a window gives one window.
inline std::vector<int> WindowStarts(int samples, int length, int stride) {
  const int padded = samples + stride - samples % stride;
  std::vector<int> starts;
  const auto is_needed = [&](int start) { return start + length <= padded || starts.back() + length < samples; };
  for (int start = 0; start == 0 || (start < samples && is_needed(start)); start += stride) starts.push_back(start);
  return starts;
}

// CropStart returns the first sample of the crop of `length` samples of record `record` in epoch `epoch`, uniform in
// [0, `samples` - `length`), as in the reference. A record no longer than the crop starts at 0. `repetition` counts the
// crops of the same record in an epoch.
inline int CropStart(uint64_t seed, int epoch, int record, int samples, int length, int repetition = 0) {
  if (samples <= length) return 0;
  Random random = repetition == 0 ? Random({seed, static_cast<uint64_t>(epoch), static_cast<uint64_t>(record)})
                                  : Random({seed, static_cast<uint64_t>(epoch), static_cast<uint64_t>(record),
                                            static_cast<uint64_t>(repetition)});
  return static_cast<int>(random.Below(samples - length));
}

// ShuffledRows returns `rows` in the random order of epoch `epoch`.
inline std::vector<int> ShuffledRows(uint64_t seed, int epoch, std::vector<int> rows) {
  Random random({seed, static_cast<uint64_t>(epoch)});
  for (size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.Below(i)]);
  return rows;
}

}  // namespace ecg

#endif  // ECG_BATCH_WINDOW_H_

// demographics_tensor.h
//
// What is known of the patients of a batch, as a tensor.

#ifndef ECG_BATCH_DEMOGRAPHICS_TENSOR_H_
#define ECG_BATCH_DEMOGRAPHICS_TENSOR_H_

#include <ATen/ATen.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ecg/batch/segment.h"
#include "ecg/batch/split_part.h"
#include "ecg/signal/demographics.h"

namespace ecg {

// DemographicsOf returns the demographics of each segment's patient, float32 [segments, 8] on the CPU. The part must
// have them.
inline at::Tensor DemographicsOf(const SplitPart& part, std::span<const Segment> segments) {
  at::Tensor demographics = at::empty({static_cast<int64_t>(segments.size()), kDemographicNumbers});
  float* out = demographics.data_ptr<float>();
  for (const Segment& segment : segments) {
    const size_t first = static_cast<size_t>(part.record(segment.row)) * kDemographicNumbers;
    out = std::copy_n(part.demographics->begin() + static_cast<std::ptrdiff_t>(first), kDemographicNumbers, out);
  }
  return demographics;
}

// DemographicsOfRows returns those of all rows of `part`, float32 [size, 8].
inline at::Tensor DemographicsOfRows(const SplitPart& part) {
  std::vector<Segment> segments;
  for (int row = 0; row < part.size(); ++row) segments.push_back({row, 0});
  return DemographicsOf(part, segments);
}

}  // namespace ecg

#endif  // ECG_BATCH_DEMOGRAPHICS_TENSOR_H_

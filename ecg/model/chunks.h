// chunks.h
//
// Networks that divide a crop into chunks of so many samples, which must fill it.
//
//   ECG_ASSIGN_OR_RETURN(const int chunks, ChunksOf("model.transformer.chunk_samples", 50, /*samples=*/1250));  // 25

#ifndef ECG_MODEL_CHUNKS_H_
#define ECG_MODEL_CHUNKS_H_

#include <algorithm>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ecg {

// ChunksOf returns the number of chunks of `chunk_samples` samples, the value of `field` in the spec, in a crop of
// `samples` samples, or an error that names a length which would do.
inline absl::StatusOr<int> ChunksOf(absl::string_view field, int chunk_samples, int samples) {
  if (samples % chunk_samples == 0) return samples / chunk_samples;
  int divisor = std::min(samples, chunk_samples);
  while (samples % divisor != 0) --divisor;
  return absl::InvalidArgumentError(absl::StrCat(
      field, " is ", chunk_samples, "; it must divide the samples of a crop, ", samples, ", as ", divisor, " does"));
}

}  // namespace ecg

#endif  // ECG_MODEL_CHUNKS_H_

// The names that the examples in the banners of ecg/batch use and do not declare.

#ifndef TESTS_BATCH_BANNER_NAMES_H_
#define TESTS_BATCH_BANNER_NAMES_H_

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "ecg/batch/batch.h"
#include "ecg/batch/batch_source.h"
#include "ecg/batch/sampler.h"
#include "ecg/batch/split_part.h"
#include "ecg/corpus/packed_signals.h"

namespace ecg {

extern SplitPart part;
extern const BatchOptions options;
extern const torch::Device device;
extern const PackedSignals signals;
extern const AnySampler& sampler;
extern const std::vector<int> order;
extern const uint64_t seed;
extern const int epoch;
void Train(const Batch& batch);

}  // namespace ecg

#endif  // TESTS_BATCH_BANNER_NAMES_H_

// The names that the examples in the banners of ecg/synthetic use and do not declare.

#ifndef TESTS_SYNTHETIC_BANNER_NAMES_H_
#define TESTS_SYNTHETIC_BANNER_NAMES_H_

#include <cstdint>
#include <filesystem>
#include <vector>

#include "ecg/file/path.h"  // CacheDirectory
#include "ecg/random/random.h"
#include "ecg/synthetic/demo_records.h"
#include "ecg/synthetic/heart_model.h"

namespace ecg {

extern Random random;

namespace demo_layout_example {
extern const std::vector<DemoRecord> records;
extern const uint64_t seed;
extern const int number;
extern const std::filesystem::path folder;
extern const Heart heart;
extern const Noise noise;
extern HeartRecorder recorder;
}  // namespace demo_layout_example

}  // namespace ecg

#endif  // TESTS_SYNTHETIC_BANNER_NAMES_H_

#ifndef ECG_SIGNAL_RESAMPLE_H_
#define ECG_SIGNAL_RESAMPLE_H_
#include <span>
#include <vector>
#include "absl/status/statusor.h"
namespace ecg {
inline absl::StatusOr<std::vector<float>> Resample(std::span<const float>, double, double) { return absl::UnimplementedError("resampling"); }
}
#endif

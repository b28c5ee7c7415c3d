// standardise.h
//
// From the digital samples of packed signals to the numbers that a network reads.

#ifndef ECG_BATCH_STANDARDISE_H_
#define ECG_BATCH_STANDARDISE_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/scaler.h"

namespace ecg {

// Standardise writes samples [`start`, `start` + `length`) of all leads of `record` to `out`, [leads, length], as
// (amplitude_mv - mean_mv) / standard_deviation_mv. Samples behind the record's end are zeros.
inline void Standardise(const PackedSignals& signals, int record, int start, int length, const Scaler& scaler,
                        float* out) {
  const int present = std::clamp(signals.samples(record) - start, 0, length);
  for (int lead = 0; lead < signals.leads(); ++lead, out += length) {
    // Both steps are one multiplication and one addition for each sample.
    const Calibration& calibration = signals.calibration(record, lead);
    const double scale = 1 / (calibration.gain * scaler.standard_deviation_mv);
    const double shift = -(calibration.baseline / calibration.gain + scaler.mean_mv) / scaler.standard_deviation_mv;
    const std::span<const int16_t> samples = signals.lead(record, lead);
    const float scale_f = static_cast<float>(scale), shift_f = static_cast<float>(shift);
    for (int i = 0; i < present; ++i) out[i] = samples[start + i] * scale_f + shift_f;
    std::fill(out + present, out + length, 0.0f);
  }
}

}  // namespace ecg

#endif  // ECG_BATCH_STANDARDISE_H_

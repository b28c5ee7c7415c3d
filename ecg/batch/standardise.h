// standardise.h
//
// Standardised signals from digital samples.

#ifndef ECG_BATCH_STANDARDISE_H_
#define ECG_BATCH_STANDARDISE_H_

#include <algorithm>
#include <cstdint>
#include <span>

#include "ecg/corpus/packed_signals.h"
#include "ecg/corpus/scaler.h"

namespace ecg {

// Affine is the map x * scale + shift.
struct Affine {
  float scale;
  float shift;
};

// Standardisation returns the affine map from the digital samples of a lead of `record` to (amplitude_mv - mean_mv) /
// standard_deviation_mv: calibration and standardisation in one multiply-add per sample.
inline Affine Standardisation(const PackedSignals& signals, int record, int lead, const Scaler& scaler) {
  const Calibration& calibration = signals.calibration(record, lead);
  return {
      static_cast<float>(1 / (calibration.gain * scaler.standard_deviation_mv)),
      static_cast<float>(-(calibration.baseline / calibration.gain + scaler.mean_mv) / scaler.standard_deviation_mv)};
}

// Standardise writes samples [`start`, `start` + `length`) of all leads of `record`, standardised, to `out`, [leads,
// length]. Samples past the record's end are zeros.
inline void Standardise(const PackedSignals& signals, int record, int start, int length, const Scaler& scaler,
                        float* out) {
  const int present = std::clamp(signals.samples(record) - start, 0, length);
  for (int lead = 0; lead < signals.leads(); ++lead, out += length) {
    const auto [scale, shift] = Standardisation(signals, record, lead, scaler);
    const std::span<const int16_t> samples = signals.lead(record, lead);
    for (int i = 0; i < present; ++i) out[i] = samples[start + i] * scale + shift;
    std::fill(out + present, out + length, 0.0f);
  }
}

}  // namespace ecg

#endif  // ECG_BATCH_STANDARDISE_H_

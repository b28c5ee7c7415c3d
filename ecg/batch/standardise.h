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
#include "ecg/signal/signal.h"

namespace ecg {

// Affine is the map x * scale + shift.
struct Affine {
  float scale;
  float shift;
};

// Standardisation returns the affine map from the digital samples of a lead to (amplitude_mv - mean_mv) /
// standard_deviation_mv: calibration and standardisation in one multiply-add per sample.
inline Affine Standardisation(const Calibration& calibration, const Scaler& scaler) {
  return {
      static_cast<float>(1 / (calibration.gain * scaler.standard_deviation_mv)),
      static_cast<float>(-(calibration.baseline / calibration.gain + scaler.mean_mv) / scaler.standard_deviation_mv)};
}

// StandardiseLead writes samples [`start`, `start` + `length`) of one lead, standardised, to `out`, [length]. Samples
// past the end are zeros.
inline void StandardiseLead(std::span<const int16_t> samples, const Calibration& calibration, const Scaler& scaler,
                            int start, int length, float* out) {
  const auto [scale, shift] = Standardisation(calibration, scaler);
  const int present = std::clamp(static_cast<int>(samples.size()) - start, 0, length);
  for (int i = 0; i < present; ++i) out[i] = samples[start + i] * scale + shift;
  std::fill(out + present, out + length, 0.0f);
}

// Standardise writes samples [`start`, `start` + `length`) of all leads of `record`, standardised, to `out`, [leads,
// length]. Samples past the record's end are zeros.
inline void Standardise(const PackedSignals& signals, int record, int start, int length, const Scaler& scaler,
                        float* out) {
  for (int lead = 0; lead < signals.leads(); ++lead, out += length) {
    StandardiseLead(signals.lead(record, lead), signals.calibration(record, lead), scaler, start, length, out);
  }
}

}  // namespace ecg

#endif  // ECG_BATCH_STANDARDISE_H_

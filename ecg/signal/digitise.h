// digitise.h
//
// Amplitudes that a corpus keeps as floating point, as the 16-bit samples of a Signal.
//
//   const Calibration calibration = Digitise(lead_mv, signal.digital.data());

#ifndef ECG_SIGNAL_DIGITISE_H_
#define ECG_SIGNAL_DIGITISE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/signal/signal.h"

namespace ecg {

// Digitise writes `mv`, the amplitudes of one lead, to `digital`, and returns what they mean. The range that the lead
// needs is spread over all of the 16 bits, so an amplitude is off by at most 1/131,000 of that range: of a lead that
// spans 3 mV, by 23 nV, where recorders resolve 1 to 5 uV. Only a lead that spans less than 0.065 mV is kept no finer
// than to 0.5 nV. An amplitude that is no number, or beyond 1 V, is an error.
inline absl::StatusOr<Calibration> Digitise(std::span<const double> mv, int16_t* digital) {
  constexpr double kSteps = 65532;
  constexpr double kMostUnitsPerMv = 1e6;
  double low = 0, high = 0;
  for (size_t sample = 0; sample < mv.size(); ++sample) {
    if (!(std::abs(mv[sample]) <= 1000)) {  // not a number, too
      return absl::DataLossError(absl::StrCat("sample ", sample, " is ", mv[sample], " mV"));
    }
    low = sample == 0 ? mv[0] : std::min(low, mv[sample]);
    high = sample == 0 ? mv[0] : std::max(high, mv[sample]);
  }
  const double gain = high > low ? std::min(kSteps / (high - low), kMostUnitsPerMv) : kMostUnitsPerMv;
  const double middle = std::round((low + high) / 2 * gain);
  const Calibration calibration = {.gain = gain, .baseline = static_cast<int32_t>(-middle)};
  for (const double amplitude : mv) *digital++ = static_cast<int16_t>(std::lround(amplitude * gain - middle));
  return calibration;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_DIGITISE_H_

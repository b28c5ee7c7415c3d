// digitise.h
//
// The 16-bit samples of a Signal, made from amplitudes in floating point or from samples of more bits.
//
//   ECG_ASSIGN_OR_RETURN(const Calibration calibration, Digitise(lead_mv, out));
//   ECG_ASSIGN_OR_RETURN(const Calibration calibration, DigitiseInSteps(channel.mv, channel.step_mv, out));
//   ECG_ASSIGN_OR_RETURN(const Calibration calibration, FitTo16Bits(lead_of_24_bits, calibration_of_24_bits, out));
//
// Where samples must be scaled, the range that a lead needs is spread over all of the 16 bits, so an amplitude is off
// by at most 1/131,000 of that range: of a lead that spans 3 mV, by 23 nV, where recorders resolve 1 to 5 uV.

#ifndef ECG_SIGNAL_DIGITISE_H_
#define ECG_SIGNAL_DIGITISE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// kDigitalSteps is how many steps the range of a lead is spread over. The ends of 16 bits are left free: -32768 means
// missing in some formats.
inline constexpr double kDigitalSteps = 65532;

// RoundingMv returns the most that an amplitude which was rounded to a sample of `calibration` is off.
inline double RoundingMv(const Calibration& calibration) { return 0.5 / std::abs(calibration.gain); }

// Digitise writes `mv`, the amplitudes of one lead, to `digital`, and returns what they mean. Only a lead that spans
// less than 0.065 mV is kept no finer than to 0.5 nV. An amplitude that is no number, or beyond 1 V, is an error.
inline absl::StatusOr<Calibration> Digitise(std::span<const double> mv, int16_t* digital) {
  constexpr double kMostUnitsPerMv = 1e6;
  double low = 0, high = 0;
  for (size_t sample = 0; sample < mv.size(); ++sample) {
    if (!(std::abs(mv[sample]) <= 1000)) {  // not a number, too
      return absl::DataLossError(absl::StrCat("sample ", sample, " is ", mv[sample], " mV"));
    }
    low = sample == 0 ? mv[0] : std::min(low, mv[sample]);
    high = sample == 0 ? mv[0] : std::max(high, mv[sample]);
  }
  const double gain = high > low ? std::min(kDigitalSteps / (high - low), kMostUnitsPerMv) : kMostUnitsPerMv;
  const double middle = std::round((low + high) / 2 * gain);
  const Calibration calibration = {.gain = gain, .baseline = static_cast<int32_t>(-middle)};
  for (const double amplitude : mv) *digital++ = static_cast<int16_t>(std::lround(amplitude * gain - middle));
  return calibration;
}

// DigitiseInSteps writes `mv`, the amplitudes of one lead, to `digital`, and returns what they mean. Amplitudes that
// are all whole multiples of `step_mv` and fit 16 bits are kept as they are; others are digitised as by Digitise.
inline absl::StatusOr<Calibration> DigitiseInSteps(std::span<const float> mv, double step_mv, int16_t* digital) {
  if (step_mv > 0) {
    const auto is_step = [&](float amplitude) {
      const double steps = amplitude / step_mv;
      // An amplitude in single precision is off by 6e-8 of itself.
      return std::abs(steps) <= std::numeric_limits<int16_t>::max() && std::abs(steps - std::round(steps)) < 0.01;
    };
    if (std::all_of(mv.begin(), mv.end(), is_step)) {
      for (const float amplitude : mv) *digital++ = static_cast<int16_t>(std::lround(amplitude / step_mv));
      return Calibration{.gain = 1 / step_mv, .baseline = 0};
    }
  }
  return Digitise(std::vector<double>(mv.begin(), mv.end()), digital);
}

// kMissingSample is the 16-bit sample that stands for none, in WFDB and other formats.
inline constexpr int16_t kMissingSample = std::numeric_limits<int16_t>::min();

// DigitiseWithMissing is DigitiseInSteps for amplitudes some of which are NaN, which become kMissingSample.
inline absl::StatusOr<Calibration> DigitiseWithMissing(std::span<const float> mv, double step_mv, int16_t* digital) {
  std::vector<float> present;
  for (const float amplitude : mv) {
    if (!std::isnan(amplitude)) present.push_back(amplitude);
  }
  std::vector<int16_t> samples(present.size());
  ECG_ASSIGN_OR_RETURN(const Calibration calibration, DigitiseInSteps(present, step_mv, samples.data()));
  auto next = samples.begin();
  for (const float amplitude : mv) *digital++ = std::isnan(amplitude) ? kMissingSample : *next++;
  return calibration;
}

// DigitiseLeads returns the signal of which fill(lead, mv) writes the amplitudes of each lead, `samples` of them, to
// the std::span<double> `mv`, and returns a status. Errors of Digitise name the lead.
template <typename Fill>
absl::StatusOr<Signal> DigitiseLeads(int sampling_frequency_hz, int samples, const Fill& fill) {
  Signal signal;
  signal.sampling_frequency_hz = sampling_frequency_hz;
  signal.samples = samples;
  signal.digital.resize(static_cast<size_t>(kLeads) * samples);
  std::vector<double> mv(samples);
  for (int lead = 0; lead < kLeads; ++lead) {
    ECG_RETURN_IF_ERROR(fill(lead, std::span(mv)));
    const absl::StatusOr<Calibration> calibration =
        Digitise(mv, signal.digital.data() + static_cast<size_t>(lead) * samples);
    if (!calibration.ok()) return WithContext(calibration.status(), absl::StrCat("lead ", kLeadNames[lead]));
    signal.calibration[lead] = *calibration;
    signal.rounding_mv = std::max(signal.rounding_mv, RoundingMv(*calibration));
  }
  return signal;
}

// FitTo16Bits writes `samples`, those of one lead, to `digital`, and returns what they mean there. Samples that fit 16
// bits are kept as they are, those whose range does are moved, and only others are scaled. Amplitudes too far from 0 mV
// for a baseline of 32 bits are an error.
inline absl::StatusOr<Calibration> FitTo16Bits(std::span<const int32_t> samples, const Calibration& calibration,
                                               int16_t* digital) {
  if (samples.empty()) return calibration;
  uint32_t offset_binary = 0;  // each sample's, by bits; beyond 16 of them when one does not fit
  for (size_t sample = 0; sample < samples.size(); ++sample) {
    digital[sample] = static_cast<int16_t>(samples[sample]);
    offset_binary |= static_cast<uint32_t>(samples[sample]) + 0x8000u;
  }
  if (offset_binary <= 0xffff) return calibration;
  const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
  const int64_t low = *least, high = *most;
  // (sample - baseline) / scale - shift is within 16 bits. A scale of 1 loses nothing.
  const double range = static_cast<double>(high - low);
  const double scale = std::max(1.0, range / kDigitalSteps);
  const double middle = static_cast<double>(low + (high - low) / 2) - calibration.baseline;
  const double shift = std::round(middle / scale);
  if (std::abs(shift) > std::numeric_limits<int32_t>::max()) {
    return absl::OutOfRangeError(absl::StrCat("samples from ", low, " to ", high, ", where ", calibration.baseline,
                                              " is 0 mV, cannot be kept with 16 bits"));
  }
  for (const int32_t sample : samples) {
    const double distance = static_cast<double>(int64_t{sample} - calibration.baseline);
    *digital++ = static_cast<int16_t>(std::lround(distance / scale - shift));
  }
  return Calibration{.gain = calibration.gain / scale, .baseline = static_cast<int32_t>(-shift)};
}

}  // namespace ecg

#endif  // ECG_SIGNAL_DIGITISE_H_

// filter.h
//
// Filters without delay: a Butterworth band-pass, and a notch for the mains.
//
//   ECG_ASSIGN_OR_RETURN(const auto band, ButterworthBandPass({.order = 3, .low_hz = 0.5, .high_hz = 40}, 500));
//   FilterZeroPhase(band, &strip);
//
// A filter runs forward and then backward, which cancels its delay and squares its amplitude response. Results agree
// with scipy.signal.sosfiltfilt (and filtfilt) to 1e-9 of the largest sample, also at the ends, where the signal is
// continued as they do: turned around its last sample.

#ifndef ECG_SIGNAL_FILTER_H_
#define ECG_SIGNAL_FILTER_H_

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <iterator>
#include <numbers>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "ecg/signal/recording.h"

namespace ecg {

// FilterSection is a filter of second order: y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2].
struct FilterSection {
  double b0 = 1, b1 = 0, b2 = 0, a1 = 0, a2 = 0;
};

// BandPass is the part of the spectrum that stays. At its ends the amplitude is 3 dB lower, and 6 dB when a filter runs
// forward and backward.
struct BandPass {
  int order = 3;
  double low_hz = 0.5;
  double high_hz = 40;
};

namespace filter_internal {

using Complex = std::complex<double>;

// Pair is two poles that are conjugate, or both real.
using Pair = std::pair<Complex, Complex>;

// BandPassPoles returns the poles of the digital filter, in pairs, those that are nearest to the unit circle last.
// `low` and `high` are the warped ends of the band, for a sampling frequency of 2.
inline std::vector<Pair> BandPassPoles(int order, double low, double high) {
  const auto digital = [](Complex pole) { return (4.0 + pole) / (4.0 - pole); };
  std::vector<Pair> pairs;
  for (int k = 0; 2 * k < order; ++k) {
    // A pole of the low-pass of cut-off 1 gives two of the band-pass. The others are conjugate to these.
    const double angle = std::numbers::pi * (2 * k + 1) / (2 * order);
    const Complex half = Complex(-std::sin(angle), std::cos(angle)) * ((high - low) / 2);
    const bool is_real = 2 * k + 1 == order;
    const Complex centre = is_real ? Complex(half.real()) : half;
    const Complex root = std::sqrt(centre * centre - low * high);
    const Complex first = digital(centre + root), second = digital(centre - root);
    if (is_real) {
      pairs.emplace_back(first, second);
    } else {
      pairs.emplace_back(first, std::conj(first));
      pairs.emplace_back(second, std::conj(second));
    }
  }
  const auto radius = [](const Pair& pair) { return std::max(std::abs(pair.first), std::abs(pair.second)); };
  std::sort(pairs.begin(), pairs.end(), [&](const Pair& a, const Pair& b) { return radius(a) < radius(b); });
  return pairs;
}

// Run filters `x` in place, from the state of a signal that always had the value x[0].
inline void Run(const std::vector<FilterSection>& sections, std::vector<double>* x) {
  double level = x->empty() ? 0 : x->front();
  for (const FilterSection& s : sections) {
    const double gain = (s.b0 + s.b1 + s.b2) / (1 + s.a1 + s.a2);
    const double c1 = s.b1 - s.a1 * s.b0, c2 = s.b2 - s.a2 * s.b0;
    const double unit = (c1 + c2) / (1 + s.a1 + s.a2);
    double z1 = level * unit, z2 = level * ((1 + s.a1) * unit - c1);
    for (double& value : *x) {
      const double y = s.b0 * value + z1;
      z1 = s.b1 * value - s.a1 * y + z2;
      z2 = s.b2 * value - s.a2 * y;
      value = y;
    }
    level *= gain;
  }
}

}  // namespace filter_internal

// ButterworthBandPass returns the filter as sections of second order, as many as its order. The band must lie between 0
// and half the sampling frequency.
inline absl::StatusOr<std::vector<FilterSection>> ButterworthBandPass(const BandPass& band,
                                                                      double sampling_frequency_hz) {
  using filter_internal::Pair;
  constexpr int kMostOrder = 10;
  if (band.order < 1 || band.order > kMostOrder || !(band.low_hz > 0) || !(band.high_hz > band.low_hz) ||
      !(band.high_hz < sampling_frequency_hz / 2)) {
    return absl::InvalidArgumentError(absl::StrCat("a band-pass of order ", band.order, " from ", band.low_hz, " to ",
                                                   band.high_hz, " Hz; an order of 1 to ", kMostOrder,
                                                   " and a band between 0 and ", sampling_frequency_hz / 2,
                                                   " Hz, half the sampling frequency, expected"));
  }
  const auto warp = [&](double hz) { return 4 * std::tan(std::numbers::pi * hz / sampling_frequency_hz); };
  const double low = warp(band.low_hz), high = warp(band.high_hz);
  const std::vector<Pair> pairs = filter_internal::BandPassPoles(band.order, low, high);
  // Zeros are at 1 and -1, as many as the order says. From the last section on, each gets the two that are nearest.
  int at_one = band.order, at_minus_one = band.order;
  std::vector<FilterSection> sections(pairs.size());
  double gain = 1;
  for (size_t i = pairs.size(); i-- > 0;) {
    const auto& [first, second] = pairs[i];
    FilterSection& section = sections[i];
    section.a1 = -(first + second).real();
    section.a2 = (first * second).real();
    const bool is_low = first.real() >= 0 ? at_one > 0 : at_minus_one == 0;
    const int ones = is_low ? std::min(2, at_one) : std::max(0, 2 - at_minus_one);
    at_one -= ones;
    at_minus_one -= 2 - ones;
    section.b1 = ones == 2 ? -2 : ones == 1 ? 0 : 2;
    section.b2 = ones == 1 ? -1 : 1;
    // The gain of the bilinear transform: (4 - p) of an analogue pole p is 8 / (1 + its digital pole).
    gain *= (high - low) * 4 * ((1.0 + first) * (1.0 + second)).real() / 64;
  }
  sections.front().b0 *= gain;
  sections.front().b1 *= gain;
  sections.front().b2 *= gain;
  return sections;
}

// Notch returns a filter that removes `hz` and keeps what is further from it than hz / quality / 2
// (scipy.signal.iirnotch).
inline absl::StatusOr<std::vector<FilterSection>> Notch(double hz, double quality, double sampling_frequency_hz) {
  if (!(hz > 0) || !(hz < sampling_frequency_hz / 2) || !(quality > 0)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a notch at ", hz, " Hz with quality ", quality, "; a frequency between 0 and ",
                     sampling_frequency_hz / 2, " Hz, half the sampling frequency, and a positive quality expected"));
  }
  const double angle = 2 * std::numbers::pi * hz / sampling_frequency_hz;
  const double gain = 1 / (1 + std::tan(angle / quality / 2));
  const double b1 = -2 * gain * std::cos(angle);
  return std::vector<FilterSection>{{.b0 = gain, .b1 = b1, .b2 = gain, .a1 = b1, .a2 = 2 * gain - 1}};
}

// FilterZeroPhase returns `x` filtered forward and backward. A signal that is too short is continued less far than
// scipy wants.
inline std::vector<double> FilterZeroPhase(const std::vector<FilterSection>& sections, const std::vector<double>& x) {
  if (x.empty()) return {};
  const size_t pad = std::min(3 * (2 * sections.size() + 1), x.size() - 1);
  std::vector<double> extended;
  extended.reserve(x.size() + 2 * pad);
  for (size_t i = pad; i > 0; --i) extended.push_back(2 * x.front() - x[i]);
  extended.insert(extended.end(), x.begin(), x.end());
  for (size_t i = 1; i <= pad; ++i) extended.push_back(2 * x.back() - x[x.size() - 1 - i]);
  for (int pass = 0; pass < 2; ++pass) {
    filter_internal::Run(sections, &extended);
    std::reverse(extended.begin(), extended.end());
  }
  return std::vector<double>(extended.begin() + static_cast<std::ptrdiff_t>(pad),
                             extended.end() - static_cast<std::ptrdiff_t>(pad));
}

// FilterZeroPhase filters all channels of `strip`. Missing samples stay so; what lies between them is filtered by
// itself.
inline void FilterZeroPhase(const std::vector<FilterSection>& sections, Strip* strip) {
  for (Channel& channel : strip->channels) {
    for (auto begin = channel.mv.begin(); begin != channel.mv.end();) {
      if (std::isnan(*begin)) {
        ++begin;
        continue;
      }
      const auto end = std::find_if(begin, channel.mv.end(), [](float mv) { return std::isnan(mv); });
      const std::vector<double> filtered = FilterZeroPhase(sections, std::vector<double>(begin, end));
      begin = std::transform(filtered.begin(), filtered.end(), begin, [](double mv) { return static_cast<float>(mv); });
    }
  }
}

}  // namespace ecg

#endif  // ECG_SIGNAL_FILTER_H_

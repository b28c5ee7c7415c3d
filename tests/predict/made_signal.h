// made_signal.h
//
// Twelve leads of slow waves, for tests that need any signal.

#ifndef TESTS_PREDICT_MADE_SIGNAL_H_
#define TESTS_PREDICT_MADE_SIGNAL_H_

#include <cmath>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"

namespace ecg {

// MadeSignal returns `samples` samples at 100 Hz; each `number` gives another signal. Its limb leads fit each other.
inline Signal MadeSignal(int number, int samples = 1000) {
  Signal signal;
  signal.sampling_frequency_hz = 100;
  signal.samples = samples;
  signal.calibration.fill({.gain = 1000, .baseline = 0});
  const auto wave = [&](int lead, int i) {
    return 400 * std::sin(0.05 * (lead + 2) * (number + 1) + i * 0.11 * (lead + 1));
  };
  for (int lead = 0; lead < kLeads; ++lead) {
    for (int i = 0; i < samples; ++i) {
      const double one = wave(0, i), two = wave(1, i);
      const double limb[] = {one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2};
      signal.digital.push_back(static_cast<int16_t>(std::lround(lead < 6 ? limb[lead] : wave(lead, i))));
    }
  }
  return signal;
}

// TableOf returns `signal` as a table in mV.
inline std::string TableOf(const Signal& signal) {
  std::string table = "time (s)";
  for (const auto lead : kLeadNames) absl::StrAppend(&table, ",", lead, " (mV)");
  for (int i = 0; i < signal.samples; ++i) {
    absl::StrAppend(&table, "\n", i / 100.0);
    for (int lead = 0; lead < kLeads; ++lead) absl::StrAppend(&table, ",", signal.lead(lead)[i] / 1000.0);
  }
  return table + "\n";
}

}  // namespace ecg

#endif  // TESTS_PREDICT_MADE_SIGNAL_H_

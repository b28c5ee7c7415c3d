// twelve_leads_at.h
//
// The twelve leads of a recording at the rate of a corpus or model: what networks are trained on, and what they read.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording("patient.xml"));
//   ECG_ASSIGN_OR_RETURN(const TwelveLeads twelve, TwelveLeadsAt(recording, 500));

#ifndef ECG_SIGNAL_TWELVE_LEADS_AT_H_
#define ECG_SIGNAL_TWELVE_LEADS_AT_H_

#include <utility>

#include "absl/status/statusor.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/resample.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/twelve_leads.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// TwelveLeadsAt returns the twelve leads of the rhythm strip that ChooseRhythmStrip chooses, resampled where it has
// another rate than `sampling_frequency_hz`. Errors are those of MakeTwelveLeads and Resample.
inline absl::StatusOr<TwelveLeads> TwelveLeadsAt(const Recording& recording, int sampling_frequency_hz) {
  ECG_ASSIGN_OR_RETURN(const Strip* const strip, ChooseRhythmStrip(recording));
  Recording at_rate;
  if (strip->sampling_frequency_hz == sampling_frequency_hz) {
    at_rate.strips = {*strip};
  } else {
    ECG_ASSIGN_OR_RETURN(Strip resampled, Resample(*strip, sampling_frequency_hz));
    at_rate.strips.push_back(std::move(resampled));
  }
  return MakeTwelveLeads(at_rate);
}

// ResampleSignal returns `signal` at another rate, as TwelveLeadsAt would read it from its file.
inline absl::StatusOr<Signal> ResampleSignal(const Signal& signal, int sampling_frequency_hz) {
  if (signal.sampling_frequency_hz == sampling_frequency_hz) return signal;
  Strip strip;
  strip.sampling_frequency_hz = signal.sampling_frequency_hz;
  for (int lead = 0; lead < kLeads; ++lead) {
    const Calibration& calibration = signal.calibration[lead];
    strip.channels.push_back(
        MakeChannel(kLeadNames[lead], signal.lead(lead), 1 / calibration.gain, calibration.baseline));
  }
  Recording recording;
  recording.strips.push_back(std::move(strip));
  ECG_ASSIGN_OR_RETURN(TwelveLeads twelve, TwelveLeadsAt(recording, sampling_frequency_hz));
  twelve.signal.checksums_verified = signal.checksums_verified;
  twelve.signal.demographics = signal.demographics;
  return std::move(twelve.signal);
}

}  // namespace ecg

#endif  // ECG_SIGNAL_TWELVE_LEADS_AT_H_

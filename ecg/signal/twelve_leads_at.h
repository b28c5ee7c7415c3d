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
#include "ecg/signal/recording.h"
#include "ecg/signal/resample.h"
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

}  // namespace ecg

#endif  // ECG_SIGNAL_TWELVE_LEADS_AT_H_

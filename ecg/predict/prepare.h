// prepare.h
//
// From a recording as its file has it to the signal that a model reads, with what the user should know of it.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording("patient.xml"));
//   ECG_ASSIGN_OR_RETURN(const PreparedRecording prepared, PrepareRecording(recording, predictor.model()));
//   ECG_ASSIGN_OR_RETURN(const std::vector<float> probabilities, predictor.Predict(prepared.signal));

#ifndef ECG_PREDICT_PREPARE_H_
#define ECG_PREDICT_PREPARE_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ecg/run/model_metadata.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/resample.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/signal_quality.h"
#include "ecg/signal/twelve_leads.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// PreparedRecording is a signal at the model's rate.
struct PreparedRecording {
  Signal signal;
  // what describes the recording in a line.
  std::string what;
  // warnings are what may make a prediction wrong.
  std::vector<std::string> warnings;
};

// PrepareRecording takes the twelve leads of `recording`, and resamples them where the model has another rate. Missing
// leads are an error.
inline absl::StatusOr<PreparedRecording> PrepareRecording(const Recording& recording, const ModelMetadata& model) {
  ECG_ASSIGN_OR_RETURN(const Strip* const strip, ChooseRhythmStrip(recording));
  const double from_hz = strip->sampling_frequency_hz, to_hz = model.sampling_frequency_hz;
  Recording at_rate;
  at_rate.strips = {*strip};
  if (from_hz != to_hz) {
    ECG_ASSIGN_OR_RETURN(at_rate.strips[0], Resample(*strip, to_hz));
  }
  ECG_ASSIGN_OR_RETURN(TwelveLeads twelve, MakeTwelveLeads(at_rate));
  PreparedRecording prepared;
  prepared.signal = std::move(twelve.signal);
  prepared.what = absl::StrFormat("%s, %.1f s at %g Hz", recording.format,
                                  static_cast<double>(strip->samples()) / from_hz, from_hz);
  if (!twelve.derived.empty()) {
    absl::StrAppend(&prepared.what, ", ", twelve.derived.size(), " limb leads derived");
  }
  prepared.warnings = std::move(twelve.warnings);
  for (std::string& note : twelve.notes) prepared.warnings.push_back(std::move(note));
  for (std::string& warning : QualityWarnings(prepared.signal)) prepared.warnings.push_back(std::move(warning));
  return prepared;
}

}  // namespace ecg

#endif  // ECG_PREDICT_PREPARE_H_

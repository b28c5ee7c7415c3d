// prepare.h
//
// From a recording as its file has it to the signal that a model reads, with what the user should know of it.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording("patient.xml"));
//   ECG_ASSIGN_OR_RETURN(const PreparedRecording prepared, PrepareRecording(recording, predictor.model()));
//   ECG_ASSIGN_OR_RETURN(const std::vector<float> probabilities, predictor.Predict(prepared.signal));

#ifndef ECG_PREDICT_PREPARE_H_
#define ECG_PREDICT_PREPARE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "ecg/run/model_metadata.h"
#include "ecg/score/unlikeness.h"
#include "ecg/signal/pacing.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/signal_quality.h"
#include "ecg/signal/twelve_leads.h"
#include "ecg/signal/twelve_leads_at.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// PreparedRecording is a signal at the model's rate.
struct PreparedRecording {
  Signal signal;
  // what describes the recording in a line.
  std::string what;
  // warnings are what may make a prediction wrong.
  std::vector<std::string> warnings;
};

// TrainingWarnings returns a sentence for each thing in which a recording differs from those that `model` was trained
// on: the patient's age, where both state it, and a pacemaker, where the model has no class for it. `strip` is the
// rhythm.
inline std::vector<std::string> TrainingWarnings(const Recording& recording, const Strip& strip,
                                                 const ModelMetadata& model) {
  std::vector<std::string> warnings;
  if (recording.age_years && model.training_ages &&
      (*recording.age_years < model.training_ages->first || *recording.age_years > model.training_ages->second)) {
    const auto& [youngest, oldest] = *model.training_ages;
    warnings.push_back(absl::StrFormat("the patient is %.3g years old, but the model was trained on ages from %.3g%s",
                                       *recording.age_years, youngest,
                                       std::isinf(oldest) ? " on" : absl::StrFormat(" to %.3g", oldest)));
  }
  // The statement of SCP-ECG, and the code of SNOMED CT.
  const bool knows_pacing =
      std::ranges::any_of(model.classes, [](const std::string& name) { return name == "PACE" || name == "10370003"; });
  if (!knows_pacing && IsPaced(strip)) {
    warnings.push_back(absl::StrFormat("there are %d spikes as of a pacemaker, for which the model has no class",
                                       PacingSpikes(strip).size()));
  }
  return warnings;
}

// UnknownOfPatient returns a sentence if `recording` does not state the patient's age or sex.
inline std::vector<std::string> UnknownOfPatient(const Recording& recording) {
  std::vector<absl::string_view> missing;
  if (!recording.age_years) missing.push_back("age");
  if (recording.sex.empty()) missing.push_back("sex");
  if (missing.empty()) return {};
  return {absl::StrCat("the model reads the patient's age and sex, but the recording does not state the ",
                       absl::StrJoin(missing, " and the "))};
}

// RefuseFor returns an error where there are `warnings`, for a model that refuses such recordings.
inline absl::Status RefuseFor(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      absl::StrJoin(warnings, "; "), ". The model refuses such recordings (prediction.refuse in its spec)"));
}

// RefuseUnlike returns an error where a recording is unlike the training records, and `model` refuses such ones.
inline absl::Status RefuseUnlike(const std::optional<Unlikeness>& unlikeness, const ModelMetadata& model) {
  if (!unlikeness || !unlikeness->is_warned() || !model.Refuses(spec::Prediction::UNLIKE_TRAINING)) {
    return absl::OkStatus();
  }
  return RefuseFor({absl::StrCat("the recording is ", unlikeness->Text())});
}

// PrepareRecording takes the twelve leads of `recording`, and resamples them where the model has another rate. Missing
// leads are an error, as is what the model refuses.
inline absl::StatusOr<PreparedRecording> PrepareRecording(const Recording& recording, const ModelMetadata& model) {
  ECG_ASSIGN_OR_RETURN(const Strip* const strip, ChooseRhythmStrip(recording));
  const double from_hz = strip->sampling_frequency_hz;
  ECG_ASSIGN_OR_RETURN(TwelveLeads twelve, TwelveLeadsAt(recording, model.sampling_frequency_hz));
  PreparedRecording prepared;
  prepared.signal = std::move(twelve.signal);
  prepared.signal.demographics = {.age_years = recording.age_years,
                                  .sex = recording.sex,
                                  .height_cm = recording.height_cm,
                                  .weight_kg = recording.weight_kg};
  prepared.what = absl::StrFormat("%s, %.1f s at %g Hz", recording.format,
                                  static_cast<double>(strip->samples()) / from_hz, from_hz);
  if (!twelve.derived.empty()) {
    absl::StrAppend(&prepared.what, ", ", twelve.derived.size(), " limb leads derived");
  }
  std::vector<std::string> poor = std::move(twelve.warnings);
  std::ranges::move(QualityWarnings(prepared.signal), std::back_inserter(poor));
  std::vector<std::string> other = TrainingWarnings(recording, *strip, model);
  if (model.Refuses(spec::Prediction::POOR_SIGNAL)) ECG_RETURN_IF_ERROR(RefuseFor(poor));
  if (model.Refuses(spec::Prediction::OTHER_PATIENT)) ECG_RETURN_IF_ERROR(RefuseFor(other));
  if (model.reads_demographics) std::ranges::move(UnknownOfPatient(recording), std::back_inserter(other));
  prepared.warnings = std::move(other);
  std::ranges::move(poor, std::back_inserter(prepared.warnings));
  std::ranges::move(twelve.notes, std::back_inserter(prepared.warnings));
  return prepared;
}

}  // namespace ecg

#endif  // ECG_PREDICT_PREPARE_H_

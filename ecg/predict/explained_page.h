// explained_page.h
//
// An ECG drawn with what a model sees in it: the samples that raise the probability of a class are highlighted.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording("patient.xml"));
//   ECG_ASSIGN_OR_RETURN(const EcgPage page, ExplainedPage(predictor, recording, "AFIB"));
//   ECG_RETURN_IF_ERROR(DrawEcgPages({{page}}, "patient.pdf"));

#ifndef ECG_PREDICT_EXPLAINED_PAGE_H_
#define ECG_PREDICT_EXPLAINED_PAGE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ecg/predict/explanation.h"
#include "ecg/predict/predictor.h"
#include "ecg/predict/prepare.h"
#include "ecg/report/ecg_page.h"
#include "ecg/run/model_metadata.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/twelve_leads.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// ClassIndex returns the number of the class `name`.
inline absl::StatusOr<int> ClassIndex(const ModelMetadata& model, const std::string& name) {
  const auto found = std::ranges::find(model.classes, name);
  if (found != model.classes.end()) return static_cast<int>(found - model.classes.begin());
  return absl::NotFoundError(
      absl::StrCat("the model has no class ", name, "; it has ", absl::StrJoin(model.classes, ", ")));
}

// HighlightLeads sets the emphasis of the leads of `page`, which starts at the same time as the explained signal of
// `sampling_frequency_hz`.
inline void HighlightLeads(const Explanation& explanation, double sampling_frequency_hz, EcgPage& page) {
  const std::vector<float> emphasis = Emphasis(explanation, sampling_frequency_hz);
  const size_t samples = emphasis.size() / explanation.leads;
  for (EcgTrace& trace : page.leads) {
    const std::optional<int> lead = FindLead(trace.name);
    if (!lead) continue;
    trace.emphasis.resize(trace.mv.size());
    for (size_t i = 0; i < trace.mv.size(); ++i) {
      const double seconds = static_cast<double>(i) / page.sampling_frequency_hz;
      const auto at = static_cast<size_t>(seconds * sampling_frequency_hz);
      if (at < samples) trace.emphasis[i] = emphasis[*lead * samples + at];
    }
  }
}

// ExplainedPage returns the page of the strip that the model reads, in which samples that raise the probability of the
// class `name` are highlighted.
inline absl::StatusOr<EcgPage> ExplainedPage(const Predictor& predictor, const Recording& recording,
                                             const std::string& name) {
  const ModelMetadata& model = predictor.model();
  ECG_ASSIGN_OR_RETURN(const int index, ClassIndex(model, name));
  ECG_ASSIGN_OR_RETURN(const Strip* const strip, ChooseRhythmStrip(recording));
  Recording shown = recording;
  shown.strips = {*strip};
  ECG_ASSIGN_OR_RETURN(EcgPage page, PageOf(shown));
  ECG_ASSIGN_OR_RETURN(const PreparedRecording prepared, PrepareRecording(recording, model));
  ECG_ASSIGN_OR_RETURN(const std::vector<float> probabilities, predictor.Predict(prepared.signal));
  ECG_ASSIGN_OR_RETURN(const Explanation explanation, predictor.Explain(prepared.signal, index));
  HighlightLeads(explanation, model.sampling_frequency_hz, page);
  page.lines.push_back(absl::StrFormat("orange: what raises %s, %.0f%% (integrated gradients of %s)", name,
                                       100 * probabilities[index], model.name));
  return page;
}

}  // namespace ecg

#endif  // ECG_PREDICT_EXPLAINED_PAGE_H_

#include "ecg/corpus/preprocessor.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "ecg/signal/digitise.h"
#include "ecg/signal/filter.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/twelve_leads_at.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// Amplitudes are those of each lead, in mV.
using Amplitudes = std::array<std::vector<double>, kLeads>;

// Standardise makes the mean of all samples of `leads` 0, and their standard deviation 1. Flat leads become 0.
void Standardise(std::span<std::vector<double>> leads) {
  double sum = 0, squares = 0, count = 0;
  for (const std::vector<double>& lead : leads) {
    for (const double x : lead) sum += x;
    count += static_cast<double>(lead.size());
  }
  const double mean = sum / count;
  for (const std::vector<double>& lead : leads) {
    for (const double x : lead) squares += (x - mean) * (x - mean);
  }
  // Below a nanovolt there is only rounding.
  constexpr double kFlatMv = 1e-6;
  const double deviation = std::sqrt(squares / count);
  for (std::vector<double>& lead : leads) {
    for (double& x : lead) x = deviation > kFlatMv ? (x - mean) / deviation : 0;
  }
}

}  // namespace

absl::StatusOr<Preprocessor> Preprocessor::Make(const spec::Preprocessing& spec, int sampling_frequency_hz) {
  Preprocessor made;
  made.sampling_frequency_hz_ = spec.sampling_frequency_hz() > 0 ? spec.sampling_frequency_hz() : sampling_frequency_hz;
  made.amplitudes_ = spec.amplitudes();
  if (spec.has_band_pass()) {
    ECG_ASSIGN_OR_RETURN(made.filters_.emplace_back(), ButterworthBandPass({.order = spec.band_pass().order(),
                                                                            .low_hz = spec.band_pass().low_hz(),
                                                                            .high_hz = spec.band_pass().high_hz()},
                                                                           made.sampling_frequency_hz_));
  }
  if (spec.has_notch()) {
    ECG_ASSIGN_OR_RETURN(made.filters_.emplace_back(),
                         Notch(spec.notch().hz(), spec.notch().quality(), made.sampling_frequency_hz_));
  }
  return made;
}

absl::StatusOr<Signal> Preprocessor::Apply(const Signal& signal) const {
  ECG_ASSIGN_OR_RETURN(Signal resampled, ResampleSignal(signal, sampling_frequency_hz_));
  if (!ChangesAmplitudes()) return resampled;
  Amplitudes leads;
  for (int lead = 0; lead < kLeads; ++lead) {
    for (const int16_t digital : resampled.lead(lead)) leads[lead].push_back(resampled.calibration[lead].ToMv(digital));
    for (const std::vector<FilterSection>& filter : filters_) leads[lead] = FilterZeroPhase(filter, leads[lead]);
  }
  if (amplitudes_ == spec::Preprocessing::STANDARDISED_BY_RECORD) Standardise(leads);
  if (amplitudes_ == spec::Preprocessing::STANDARDISED_BY_LEAD) {
    for (std::vector<double>& lead : leads) Standardise(std::span(&lead, 1));
  }
  ECG_ASSIGN_OR_RETURN(Signal changed, DigitiseLeads(resampled.sampling_frequency_hz, resampled.samples,
                                                     [&](int lead, std::span<double> mv) {
                                                       std::ranges::copy(leads[lead], mv.begin());
                                                       return absl::OkStatus();
                                                     }));
  changed.checksums_verified = resampled.checksums_verified;
  changed.demographics = resampled.demographics;
  return changed;
}

std::string PreprocessingInWords(const spec::Preprocessing& spec) {
  std::vector<std::string> steps;
  if (spec.sampling_frequency_hz() > 0)
    steps.push_back(absl::StrCat("resampled to ", spec.sampling_frequency_hz(), " Hz"));
  if (spec.has_band_pass()) {
    steps.push_back(absl::StrFormat("Butterworth band-pass of order %d from %g to %g Hz, forward and backward",
                                    spec.band_pass().order(), spec.band_pass().low_hz(), spec.band_pass().high_hz()));
  }
  if (spec.has_notch()) {
    steps.push_back(absl::StrFormat("notch at %g Hz of quality %g, forward and backward", spec.notch().hz(),
                                    spec.notch().quality()));
  }
  if (spec.amplitudes() == spec::Preprocessing::STANDARDISED_BY_RECORD) steps.push_back("each record standardised");
  if (spec.amplitudes() == spec::Preprocessing::STANDARDISED_BY_LEAD) steps.push_back("each lead standardised");
  return absl::StrJoin(steps, "; ");
}

}  // namespace ecg

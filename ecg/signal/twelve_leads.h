// twelve_leads.h
//
// The Signal of a 12-lead electrocardiogram, from a Recording of whatever leads and strips.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, ReadRecording("patient.xml"));
//   ECG_ASSIGN_OR_RETURN(const TwelveLeads twelve, MakeTwelveLeads(recording));
//   twelve.derived;   // "III = II - I", "aVR = -(I + II) / 2", ...
//   twelve.warnings;  // "aVL is not I - II / 2: ..."
//
// The longest rhythm strip that has I, II and V1 to V6, or from which they follow, is taken. Limb leads that are absent
// are derived from two others. Stored limb leads are compared with Einthoven's and Goldberger's equations, and with
// what reversed electrodes do to them.
//
// Missing samples: rows at the begin and the end where every lead has none are cut off; any other is an error that
// names the lead, because a Signal has no sample that means "missing".

#ifndef ECG_SIGNAL_TWELVE_LEADS_H_
#define ECG_SIGNAL_TWELVE_LEADS_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/digitise.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/lead_list.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// TwelveLeads is a 12-lead electrocardiogram, and what its user should know.
struct TwelveLeads {
  Signal signal;
  // derived has an equation for each lead that the recording does not have.
  std::vector<std::string> derived;
  // warnings are limb leads that contradict each other, and electrodes that were probably reversed.
  std::vector<std::string> warnings;
  // notes are what was cut off.
  std::vector<std::string> notes;
};

// The places in kLeadNames.
inline constexpr int kLeadI = 0, kLeadII = 1, kLeadIII = 2, kLeadAvr = 3, kLeadAvl = 4, kLeadAvf = 5, kLeadV1 = 6,
                     kLeadV6 = 11;

// LimbEquation says that a limb lead is a * I + b * II.
struct LimbEquation {
  int lead;
  double a, b;
  absl::string_view text;
};

inline constexpr LimbEquation kLimbEquations[] = {{kLeadIII, -1, 1, "II - I"},
                                                  {kLeadAvr, -0.5, -0.5, "-(I + II) / 2"},
                                                  {kLeadAvl, 1, -0.5, "I - II / 2"},
                                                  {kLeadAvf, -0.5, 1, "II - I / 2"}};

// Combine returns a * x + b * y.
inline std::vector<float> Combine(double a, const std::vector<float>& x, double b, const std::vector<float>& y) {
  std::vector<float> sum(x.size());
  for (size_t i = 0; i < x.size(); ++i) sum[i] = static_cast<float>(a * x[i] + b * y[i]);
  return sum;
}

namespace twelve_leads_internal {

// kToleranceMv is how much, on average, a stored limb lead may differ from what its equation says: leads are rounded to
// 5 uV, and filtered one by one.
inline constexpr double kToleranceMv = 0.02;

// Amplitudes is the leads of a strip, by their places in kLeadNames; empty where one is absent.
using Amplitudes = std::array<std::vector<float>, kLeads>;

// FindChannels returns the channels of `strip` that are leads. Two of the same name are an error.
inline absl::StatusOr<std::array<const Channel*, kLeads>> FindChannels(const Strip& strip) {
  std::array<const Channel*, kLeads> channels = {};
  for (const Channel& channel : strip.channels) {
    const std::optional<int> lead = FindLead(channel.name);
    if (!lead) continue;
    if (channels[*lead] != nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("two channels are called ", kLeadNames[*lead]));
    }
    channels[*lead] = &channel;
  }
  return channels;
}

// Missing returns the leads that are needed and not in `channels`: V1 to V6, and two of I, II and III, from which the
// other limb leads follow.
inline std::vector<int> Missing(const std::array<const Channel*, kLeads>& channels) {
  std::vector<int> missing;
  const int limbs = (channels[kLeadI] != nullptr) + (channels[kLeadII] != nullptr) + (channels[kLeadIII] != nullptr);
  for (const int lead : {kLeadI, kLeadII}) {
    if (channels[lead] == nullptr && limbs < 2) missing.push_back(lead);
  }
  for (int lead = kLeadV1; lead < kLeads; ++lead) {
    if (channels[lead] == nullptr) missing.push_back(lead);
  }
  return missing;
}

// Derive fills the limb leads that are absent in `mv`.
inline void Derive(Amplitudes* mv, std::vector<std::string>* derived) {
  if ((*mv)[kLeadI].empty()) {
    (*mv)[kLeadI] = Combine(1, (*mv)[kLeadII], -1, (*mv)[kLeadIII]);
    derived->push_back("I = II - III");
  }
  if ((*mv)[kLeadII].empty()) {
    (*mv)[kLeadII] = Combine(1, (*mv)[kLeadI], 1, (*mv)[kLeadIII]);
    derived->push_back("II = I + III");
  }
  for (const LimbEquation& equation : kLimbEquations) {
    if (!(*mv)[equation.lead].empty()) continue;
    (*mv)[equation.lead] = Combine(equation.a, (*mv)[kLeadI], equation.b, (*mv)[kLeadII]);
    derived->push_back(absl::StrCat(kLeadNames[equation.lead], " = ", equation.text));
  }
}

// CheckLimbLeads compares the stored limb leads in `mv` with what I and II say.
inline void CheckLimbLeads(const Amplitudes& mv, std::vector<std::string>* warnings) {
  for (const LimbEquation& equation : kLimbEquations) {
    const std::vector<float>& stored = mv[equation.lead];
    if (stored.empty() || mv[kLeadI].empty() || mv[kLeadII].empty()) continue;
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < stored.size(); ++i) {
      const double difference = stored[i] - equation.a * mv[kLeadI][i] - equation.b * mv[kLeadII][i];
      if (std::isnan(difference)) continue;
      sum += std::abs(difference);
      ++count;
    }
    const double mean = count > 0 ? sum / static_cast<double>(count) : 0;
    if (mean <= kToleranceMv) continue;
    warnings->push_back(
        absl::StrFormat("%s is not %s: they differ by %.3f mV on average, and at most %.2f are expected",
                        kLeadNames[equation.lead], equation.text, mean, kToleranceMv));
  }
}

// Correlation returns Pearson's coefficient of the differences from one sample to one 20 ms later, which waves make and
// a wandering baseline does not; 0 where either lead is flat.
inline double Correlation(const std::vector<float>& x, const std::vector<float>& y, size_t lag) {
  double xy = 0, xx = 0, yy = 0;
  for (size_t i = lag; i < x.size(); ++i) {
    const double dx = x[i] - x[i - lag], dy = y[i] - y[i - lag];
    if (std::isnan(dx) || std::isnan(dy)) continue;
    xy += dx * dy;
    xx += dx * dx;
    yy += dy * dy;
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

// Deflection returns the root mean square of those differences.
inline double Deflection(const std::vector<float>& x, size_t lag) {
  double sum = 0, count = 0;
  for (size_t i = lag; i < x.size(); ++i) {
    const double difference = x[i] - x[i - lag];
    if (std::isnan(difference)) continue;
    sum += difference * difference;
    ++count;
  }
  return count > 0 ? std::sqrt(sum / count) : 0;
}

// CheckElectrodes looks for limb electrodes that were reversed. A flat lead is what the electrode of the right leg on
// an arm makes. Otherwise aVR, which looks at the heart from the side opposite to V6, is the most inverse of V6 among
// the augmented leads; where another is, that electrode probably hung on the right arm. Left arm and left leg are not
// told apart.
//
// On 500 records of PTB-XL, as recorded, this warns of 1; with reversals simulated in the samples, of 79% (arms), 90%
// (right arm and left leg) and 100% (right leg and an arm).
inline void CheckElectrodes(const Amplitudes& mv, double sampling_frequency_hz, std::vector<std::string>* warnings) {
  constexpr double kFlat = 0.08;     // of the mean deflection of I, II and III
  constexpr double kInverse = -0.5;  // correlation with V6 of the most inverse lead
  constexpr double kUpright = -0.2;  // correlation with V6 of aVR
  const auto lag = static_cast<size_t>(std::max(1.0, std::round(0.02 * sampling_frequency_hz)));
  const double i = Deflection(mv[kLeadI], lag), ii = Deflection(mv[kLeadII], lag), iii = Deflection(mv[kLeadIII], lag);
  const double mean = (i + ii + iii) / 3;
  for (const auto& [deflection, text] : {std::pair(ii, "II is flat: the electrodes of right arm and right leg were"),
                                         std::pair(iii, "III is flat: the electrodes of left arm and right leg were"),
                                         std::pair(i, "I is flat: the electrodes of arms and legs were")}) {
    if (deflection >= kFlat * mean) continue;
    warnings->push_back(absl::StrCat("lead ", text, " probably reversed"));
    return;
  }
  const std::vector<float>& v6 = mv[kLeadV6];
  if (Deflection(v6, lag) < 0.3 * Deflection(mv[kLeadV1], lag)) return;  // V6 is far from the heart
  const double avr = Correlation(mv[kLeadAvr], v6, lag), avl = Correlation(mv[kLeadAvl], v6, lag),
               avf = Correlation(mv[kLeadAvf], v6, lag);
  if (avr < kUpright || std::min(avl, avf) > kInverse || avr < std::min(avl, avf)) return;
  warnings->push_back(absl::StrCat(avl < avf ? "aVL" : "aVF",
                                   " is the inverse of V6, as aVR should be: the electrodes of ",
                                   avl < avf ? "the arms were probably reversed, or this is dextrocardia"
                                             : "right arm and left leg were probably reversed"));
}

// CutMissing cuts the rows at both ends where all leads are missing.
inline void CutMissing(double sampling_frequency_hz, Amplitudes* mv, std::vector<std::string>* notes) {
  const auto missing = [&](size_t row) {
    return std::all_of(mv->begin(), mv->end(), [&](const auto& lead) { return std::isnan(lead[row]); });
  };
  size_t begin = 0, end = mv->front().size();
  while (begin < end && missing(begin)) ++begin;
  while (end > begin && missing(end - 1)) --end;
  const size_t cut = mv->front().size() - (end - begin);
  if (cut == 0) return;
  for (std::vector<float>& lead : *mv) lead = std::vector<float>(lead.begin() + begin, lead.begin() + end);
  notes->push_back(
      absl::StrFormat("%.3f s at the begin and %.3f s at the end, where all leads are missing, are cut off",
                      begin / sampling_frequency_hz, (cut - begin) / sampling_frequency_hz));
}

}  // namespace twelve_leads_internal

// ChooseRhythmStrip returns the longest rhythm strip from which all leads follow.
inline absl::StatusOr<const Strip*> ChooseRhythmStrip(const Recording& recording) {
  const Strip* chosen = nullptr;
  std::vector<int> fewest;  // the leads that are missing in the strip that comes nearest
  bool any = false;
  for (const Strip& strip : recording.strips) {
    if (strip.kind != Strip::Kind::kRhythm) continue;
    ECG_ASSIGN_OR_RETURN(const auto channels, twelve_leads_internal::FindChannels(strip));
    const std::vector<int> missing = twelve_leads_internal::Missing(channels);
    if (!any || missing.size() < fewest.size()) fewest = missing;
    any = true;
    const auto seconds = [](const Strip& s) { return static_cast<double>(s.samples()) / s.sampling_frequency_hz; };
    if (missing.empty() && (chosen == nullptr || seconds(strip) > seconds(*chosen))) chosen = &strip;
  }
  if (chosen != nullptr) return chosen;
  if (!any) return absl::InvalidArgumentError("the recording has no rhythm strip");
  return absl::InvalidArgumentError(
      absl::StrCat("no rhythm strip has I, II and V1 to V6; missing: ", LeadList(fewest)));
}

// MakeTwelveLeads returns the twelve leads of `recording`. Leads that are missing, missing samples within the strip,
// and a rate that is no whole number of Hz are errors.
inline absl::StatusOr<TwelveLeads> MakeTwelveLeads(const Recording& recording) {
  ECG_ASSIGN_OR_RETURN(const Strip* const strip, ChooseRhythmStrip(recording));
  ECG_ASSIGN_OR_RETURN(const auto channels, twelve_leads_internal::FindChannels(*strip));
  const double hz = strip->sampling_frequency_hz;
  if (hz != std::floor(hz) || !(hz >= 1 && hz <= 1e6)) {
    return absl::UnimplementedError(
        absl::StrCat("the rhythm strip has ", hz, " samples a second, no whole number; resample it first"));
  }
  TwelveLeads twelve;
  twelve_leads_internal::Amplitudes mv;
  std::array<double, kLeads> step_mv = {};
  for (int lead = 0; lead < kLeads; ++lead) {
    if (channels[lead] == nullptr) continue;
    mv[lead] = channels[lead]->mv;
    step_mv[lead] = channels[lead]->step_mv;
  }
  twelve_leads_internal::CheckLimbLeads(mv, &twelve.warnings);
  twelve_leads_internal::Derive(&mv, &twelve.derived);
  twelve_leads_internal::CheckElectrodes(mv, hz, &twelve.warnings);
  twelve_leads_internal::CutMissing(hz, &mv, &twelve.notes);

  Signal& signal = twelve.signal;
  signal.sampling_frequency_hz = static_cast<int>(hz);
  signal.samples = static_cast<int>(mv[kLeadI].size());
  if (signal.samples == 0) return absl::DataLossError("every sample of the rhythm strip is missing");
  signal.digital.resize(static_cast<size_t>(kLeads) * signal.samples);
  for (int lead = 0; lead < kLeads; ++lead) {
    const auto found = std::find_if(mv[lead].begin(), mv[lead].end(), [](float value) { return std::isnan(value); });
    if (found != mv[lead].end()) {
      return absl::DataLossError(absl::StrCat(
          "lead ", kLeadNames[lead], ": ", std::count_if(found, mv[lead].end(), [](float v) { return std::isnan(v); }),
          " samples are missing, the first at ", static_cast<double>(found - mv[lead].begin()) / hz, " s"));
    }
    const absl::StatusOr<Calibration> calibration =
        DigitiseInSteps(mv[lead], step_mv[lead], signal.digital.data() + static_cast<size_t>(lead) * signal.samples);
    if (!calibration.ok()) return WithContext(calibration.status(), absl::StrCat("lead ", kLeadNames[lead]));
    signal.calibration[lead] = *calibration;
    if (std::abs(calibration->gain * step_mv[lead] - 1) > 1e-9) {
      signal.rounding_mv = std::max(signal.rounding_mv, RoundingMv(*calibration));
    }
  }
  return twelve;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_TWELVE_LEADS_H_

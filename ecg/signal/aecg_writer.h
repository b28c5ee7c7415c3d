// aecg_writer.h
//
// A recording as HL7's annotated ECG, which aecg.h and other readers of the format read.
//
//   ECG_ASSIGN_OR_RETURN(const std::string xml, FormatAecg(recording));
//   ECG_RETURN_IF_ERROR(WriteFile("patient.xml", xml));
//
// Rhythm strips are sequence sets of one series, and representative beats of a series derived from it. It has no names
// or identifiers of a patient, because a Recording has none.

#ifndef ECG_SIGNAL_AECG_WRITER_H_
#define ECG_SIGNAL_AECG_WRITER_H_

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace aecg_writer_internal {

inline constexpr absl::string_view kMdc = "codeSystem=\"2.16.840.1.113883.6.24\" codeSystemName=\"MDC\"";
inline constexpr absl::string_view kActCode = "codeSystem=\"2.16.840.1.113883.5.4\" codeSystemName=\"ActCode\"";

// Number returns the fewest digits that tell `number` from others.
inline std::string Number(double number) {
  char digits[32];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

inline std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

// Timestamp returns HL7's spelling of an ISO time.
inline std::string Timestamp(absl::string_view iso) {
  return absl::StrReplaceAll(iso, {{"-", ""}, {":", ""}, {"T", ""}});
}

// AppendLead appends the sequence of one lead. Amplitudes are written in its steps, or in nV when it has none.
inline absl::Status AppendLead(const Channel& channel, std::string* xml) {
  const bool plain = !channel.name.empty() && std::all_of(channel.name.begin(), channel.name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
  if (!plain) {
    return absl::InvalidArgumentError(absl::StrCat("HL7 aECG has no code for a lead called \"", channel.name,
                                                   "\": only letters and digits are allowed"));
  }
  const auto in_steps = [&](double step_mv) {
    return step_mv > 0 && std::all_of(channel.mv.begin(), channel.mv.end(), [&](float mv) {
             const double steps = mv / step_mv;
             return std::abs(steps) < 1e5 && std::abs(steps - std::round(steps)) < 0.01;
           });
  };
  const double step_mv = in_steps(channel.step_mv) ? channel.step_mv : 1e-6;
  const std::string code = FindPlainLead(channel.name) ? absl::AsciiStrToUpper(channel.name) : channel.name;
  absl::StrAppend(xml, "<component><sequence><code code=\"MDC_ECG_LEAD_", code, "\" ", kMdc,
                  "/><value xsi:type=\"SLIST_PQ\"><origin value=\"0\" unit=\"uV\"/><scale value=\"",
                  Number(step_mv * 1000), "\" unit=\"uV\"/><digits>");
  for (size_t i = 0; i < channel.mv.size(); ++i) {
    if (!(std::abs(channel.mv[i]) <= 1000)) {
      return absl::InvalidArgumentError(
          absl::StrCat("HL7 aECG cannot hold a missing sample, and lead ", channel.name, " has one at sample ", i));
    }
    absl::StrAppend(xml, i == 0 ? "" : " ", static_cast<int64_t>(std::llround(channel.mv[i] / step_mv)));
  }
  absl::StrAppend(xml, "</digits></value></sequence></component>\n");
  return absl::OkStatus();
}

// AppendStrip appends the sequence set of a strip.
inline absl::Status AppendStrip(const Strip& strip, std::string* xml) {
  absl::StrAppend(xml, "<component><sequenceSet>\n<component><sequence><code code=\"TIME_RELATIVE\" ", kActCode,
                  "/><value xsi:type=\"GLIST_PQ\"><head value=\"", Number(strip.start_seconds),
                  "\" unit=\"s\"/><increment value=\"", Number(1 / strip.sampling_frequency_hz),
                  "\" unit=\"s\"/></value></sequence></component>\n");
  for (const Channel& channel : strip.channels) ECG_RETURN_IF_ERROR(AppendLead(channel, xml));
  absl::StrAppend(xml, "</sequenceSet></component>\n");
  return absl::OkStatus();
}

// AppendSubject appends the age and the sex.
inline void AppendSubject(const Recording& recording, std::string* xml) {
  const absl::string_view sex = recording.sex == "male" ? "M" : recording.sex == "female" ? "F" : "UN";
  absl::StrAppend(xml,
                  "<componentOf><timepointEvent><componentOf><subjectAssignment><subject><trialSubject>"
                  "<subjectDemographicPerson><administrativeGenderCode code=\"",
                  sex,
                  "\" codeSystem=\"2.16.840.1.113883.5.1\"/></subjectDemographicPerson></trialSubject></subject>"
                  "</subjectAssignment></componentOf></timepointEvent></componentOf>\n");
  if (!recording.age_years) return;
  absl::StrAppend(xml,
                  "<controlVariable><relatedObservation><code code=\"21612-7\" codeSystem=\"2.16.840.1.113883.6.1\" "
                  "codeSystemName=\"LOINC\" displayName=\"Reported Age\"/><value xsi:type=\"PQ\" value=\"",
                  Number(*recording.age_years), "\" unit=\"a\"/></relatedObservation></controlVariable>\n");
}

}  // namespace aecg_writer_internal

// FormatAecg returns the document. Missing samples, names of leads that are no codes, and beats without a rhythm strip
// are errors.
inline absl::StatusOr<std::string> FormatAecg(const Recording& recording) {
  using aecg_writer_internal::kActCode;
  const auto is_rhythm = [](const Strip& strip) { return strip.kind == Strip::Kind::kRhythm; };
  if (std::none_of(recording.strips.begin(), recording.strips.end(), is_rhythm)) {
    return absl::InvalidArgumentError(
        "HL7 aECG holds rhythm strips and beats derived from them, and there is no rhythm");
  }
  std::string xml =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AnnotatedECG xmlns=\"urn:hl7-org:v3\" "
      "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" type=\"Observation\">\n"
      "<code code=\"93000\" codeSystem=\"2.16.840.1.113883.6.12\" codeSystemName=\"CPT-4\"/>\n";
  const std::string time =
      recording.recorded_at.empty()
          ? ""
          : absl::StrCat("<effectiveTime><low value=\"", aecg_writer_internal::Timestamp(recording.recorded_at),
                         "\"/></effectiveTime>\n");
  xml += time;
  aecg_writer_internal::AppendSubject(recording, &xml);
  absl::StrAppend(&xml, "<component><series><code code=\"RHYTHM\" ", kActCode, "/>\n", time);
  if (!recording.machine.empty()) {
    absl::StrAppend(&xml, "<author><seriesAuthor><manufacturedSeriesDevice><manufacturerModelName>",
                    aecg_writer_internal::Escape(recording.machine),
                    "</manufacturerModelName></manufacturedSeriesDevice></seriesAuthor></author>\n");
  }
  for (const Strip& strip : recording.strips) {
    if (is_rhythm(strip)) ECG_RETURN_IF_ERROR(aecg_writer_internal::AppendStrip(strip, &xml));
  }
  for (const Strip& strip : recording.strips) {
    if (is_rhythm(strip)) continue;
    absl::StrAppend(&xml, "<derivation><derivedSeries><code code=\"REPRESENTATIVE_BEAT\" ", kActCode, "/>\n");
    ECG_RETURN_IF_ERROR(aecg_writer_internal::AppendStrip(strip, &xml));
    absl::StrAppend(&xml, "</derivedSeries></derivation>\n");
  }
  absl::StrAppend(&xml, "</series></component>\n</AnnotatedECG>\n");
  return xml;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_AECG_WRITER_H_

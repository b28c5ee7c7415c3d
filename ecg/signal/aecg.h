// aecg.h
//
// HL7's annotated ECG (aECG, AnnotatedECG), the format of submissions to the FDA, which also Mortara, Mindray, and
// Dräger's MegaCare export.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, Aecg::Read(RecordingFile{"subject1.xml", bytes}));
//
// A series is a rhythm strip, and a series derived from it a representative beat, unless their codes say something
// else. Each of their sequence sets has a sequence of times, wherever it stands, and one for each lead, whose
// amplitudes are origin + scale * digit, in the units of each.
//
// Format: HL7 aECG Implementation Guide, Final, 21 March 2005.

#ifndef ECG_SIGNAL_AECG_H_
#define ECG_SIGNAL_AECG_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_text.h"
#include "ecg/signal/unit.h"
#include "ecg/signal/xml.h"
#include "ecg/status/status_macros.h"
#include "pugixml.hpp"

namespace ecg {

// Aecg is a RecordingFormat.
class Aecg {
 public:
  static constexpr absl::string_view kName = "HL7 aECG";

  // Recognises tells whether the outermost element is AnnotatedECG.
  static bool Recognises(const RecordingFile& file) { return XmlRootName(file.bytes) == "AnnotatedECG"; }

  // Read reads the sequence sets of all series. Sequences in other units than volts are left out.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ECG_ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(file.bytes));
    const pugi::xml_node root = document.root();
    Recording recording;
    recording.format = std::string(kName);
    std::optional<double> first_start;  // of a strip, in seconds
    for (const pugi::xml_node component : XmlChildren(root, "component")) {
      const pugi::xml_node series = XmlChild(component, "series");
      if (!series) continue;
      ReadSeriesFields(series, &recording);
      ECG_RETURN_IF_ERROR(ReadSeries(series, Strip::Kind::kRhythm, &first_start, &recording));
      for (const pugi::xml_node derivation : XmlChildren(series, "derivation")) {
        ECG_RETURN_IF_ERROR(ReadSeries(XmlChild(derivation, "derivedSeries"), Strip::Kind::kRepresentativeBeat,
                                       &first_start, &recording));
      }
    }
    if (recording.strips.empty()) {
      return absl::DataLossError("no series has a sequence set with a lead, where the samples are expected");
    }
    ReadDemographics(root, &recording);
    return recording;
  }

 private:
  static constexpr absl::string_view kAgeCode = "21612-7";  // LOINC, reported age

  static void ReadDemographics(pugi::xml_node root, Recording* recording) {
    const pugi::xml_node person = XmlPath(root, "componentOf", "timepointEvent", "componentOf", "subjectAssignment",
                                          "subject", "trialSubject", "subjectDemographicPerson");
    recording->sex = SexFromWord(XmlAttribute(XmlChild(person, "administrativeGenderCode"), "code"));
    for (const pugi::xml_node observation : XmlDescendants(root, "relatedObservation")) {
      const pugi::xml_node value = XmlChild(observation, "value");
      double age = 0;
      if (XmlAttribute(XmlChild(observation, "code"), "code") == kAgeCode &&
          absl::SimpleAtod(XmlAttribute(value, "value"), &age)) {
        recording->age_years = AgeInYears(age, XmlAttribute(value, "unit"));
      }
    }
    if (recording->recorded_at.empty()) recording->recorded_at = Begin(root);
    if (!recording->age_years) {
      recording->age_years =
          AgeAt(IsoDate(XmlAttribute(XmlChild(person, "birthTime"), "value")), recording->recorded_at);
    }
  }

  // Begin returns the begin of the effective time of `node`.
  static std::string Begin(pugi::xml_node node) {
    const pugi::xml_node time = XmlChild(node, "effectiveTime");
    for (const absl::string_view name : {"low", "center"}) {
      const std::string begin = IsoTimestamp(XmlAttribute(XmlChild(time, name), "value"));
      if (!begin.empty()) return begin;
    }
    return IsoTimestamp(XmlAttribute(time, "value"));
  }

  static void ReadSeriesFields(pugi::xml_node series, Recording* recording) {
    if (recording->recorded_at.empty()) recording->recorded_at = Begin(series);
    if (recording->machine.empty()) {
      const pugi::xml_node author = XmlPath(series, "author", "seriesAuthor");
      const absl::string_view maker = XmlText(XmlChild(author, "manufacturerOrganization"), "name");
      const absl::string_view model = XmlText(XmlChild(author, "manufacturedSeriesDevice"), "manufacturerModelName");
      recording->machine = absl::StrCat(maker, maker.empty() || model.empty() ? "" : " ", model);
    }
    if (!recording->filters.empty()) return;
    for (const pugi::xml_node outer : XmlChildren(series, "controlVariable")) {
      const pugi::xml_node filter = XmlChild(outer, "controlVariable");
      const absl::string_view code = XmlAttribute(XmlChild(filter, "code"), "code");
      const absl::string_view kind = absl::StrContains(code, "FILTER_LOW_PASS")    ? "low-pass"
                                     : absl::StrContains(code, "FILTER_HIGH_PASS") ? "high-pass"
                                     : absl::StrContains(code, "FILTER_NOTCH")     ? "notch"
                                                                                   : "";
      for (const pugi::xml_node component : XmlChildren(filter, "component")) {
        const pugi::xml_node value = XmlPath(component, "controlVariable", "value");
        const absl::string_view number = XmlAttribute(value, "value");
        if (kind.empty() || number.empty()) continue;
        AddFilter(kind, absl::StrCat(number, " ", XmlAttribute(value, "unit")), &recording->filters);
      }
    }
  }

  static absl::Status ReadSeries(pugi::xml_node series, Strip::Kind kind, std::optional<double>* first_start,
                                 Recording* recording) {
    const absl::string_view code = XmlAttribute(XmlChild(series, "code"), "code");
    if (absl::StrContains(code, "REPRESENTATIVE_BEAT")) {
      kind = Strip::Kind::kRepresentativeBeat;
    } else if (absl::StrContains(code, "RHYTHM")) {
      kind = Strip::Kind::kRhythm;
    }
    int sets = 0;
    for (const pugi::xml_node component : XmlChildren(series, "component")) {
      for (const pugi::xml_node set : XmlChildren(component, "sequenceSet")) {
        ECG_RETURN_IF_ERROR(WithContext(ReadSet(set, kind, first_start, recording),
                                        absl::StrCat("series ", code, ", sequence set ", ++sets)));
      }
    }
    return absl::OkStatus();
  }

  // Seconds returns the number in the attribute value of `node`, in its unit of time; s where it states none.
  static absl::StatusOr<double> Seconds(pugi::xml_node node, absl::string_view name) {
    ECG_ASSIGN_OR_RETURN(const double number, XmlNumber(XmlAttribute(node, "value"), name));
    const absl::string_view unit = XmlAttribute(node, "unit");
    if (unit.empty() || unit == "s" || unit == "sec") return number;
    if (unit == "ms") return number / 1e3;
    if (unit == "us") return number / 1e6;
    if (unit == "ns") return number / 1e9;
    return absl::UnimplementedError(
        absl::StrCat("the unit of ", name, " is \"", unit, "\"; s, ms, us and ns are known"));
  }

  // StartSeconds returns when `times` begins: seconds since some time, or of a day when it is absolute.
  static double StartSeconds(pugi::xml_node times) {
    const pugi::xml_node head = XmlChild(times, "head");
    const std::string iso = IsoTimestamp(XmlAttribute(head, "value"));
    if (iso.size() == 19) {
      const auto part = [&](size_t at, size_t size) {
        int number = 0;
        return absl::SimpleAtoi(absl::string_view(iso).substr(at, size), &number) ? number : 0;
      };
      const absl::CivilDay day(part(0, 4), part(5, 2), part(8, 2));
      const absl::string_view text = XmlAttribute(head, "value");
      const size_t point = text.find('.');
      double fraction = 0;
      if (point != text.npos) {
        const size_t end = std::min(text.find_first_not_of("0123456789", point + 1), text.size());
        if (!absl::SimpleAtod(absl::StrCat("0", text.substr(point, end - point)), &fraction)) fraction = 0;
      }
      return (day - absl::CivilDay(1970, 1, 1)) * 86400.0 + part(11, 2) * 3600 + part(14, 2) * 60 + part(17, 2) +
             fraction;
    }
    return Seconds(head, "head").value_or(0);
  }

  static absl::Status ReadSet(pugi::xml_node set, Strip::Kind kind, std::optional<double>* first_start,
                              Recording* recording) {
    Strip strip;
    strip.kind = kind;
    for (const pugi::xml_node component : XmlChildren(set, "component")) {
      const pugi::xml_node sequence = XmlChild(component, "sequence");
      const absl::string_view code = XmlAttribute(XmlChild(sequence, "code"), "code");
      const pugi::xml_node value = XmlChild(sequence, "value");
      if (const pugi::xml_node increment = XmlChild(value, "increment")) {
        ECG_ASSIGN_OR_RETURN(const double seconds, Seconds(increment, "increment"));
        if (!(seconds > 1e-6 && seconds < 100)) {
          return absl::InvalidArgumentError(absl::StrCat("the increment is ", seconds, " s"));
        }
        strip.sampling_frequency_hz = Frequency(seconds);
        strip.start_seconds = kind == Strip::Kind::kRhythm ? StartSeconds(value) : 0;
        continue;
      }
      if (!XmlChild(value, "digits")) continue;
      absl::StatusOr<std::optional<Channel>> channel = ReadLead(code, value, recording);
      if (!channel.ok()) return WithContext(channel.status(), absl::StrCat("sequence ", code));
      if (channel->has_value()) strip.channels.push_back(*std::move(*channel));
    }
    PadChannels(&strip, &recording->notes);
    if (strip.samples() == 0) return absl::OkStatus();
    if (strip.sampling_frequency_hz == 0) {
      return absl::DataLossError("no sequence of times, which states the interval between samples as its increment");
    }
    if (kind == Strip::Kind::kRhythm) {
      if (!first_start->has_value()) *first_start = strip.start_seconds;
      strip.start_seconds -= **first_start;
    }
    recording->strips.push_back(std::move(strip));
    return absl::OkStatus();
  }

  // Frequency returns 1 / `seconds`, without the rounding of the division.
  static double Frequency(double seconds) {
    const double frequency = 1 / seconds;
    return std::abs(frequency - std::round(frequency)) < 1e-9 * frequency ? std::round(frequency) : frequency;
  }

  // ReadLead returns the lead with the code `code`, or nothing for a sequence that is no voltage.
  static absl::StatusOr<std::optional<Channel>> ReadLead(absl::string_view code, pugi::xml_node value,
                                                         Recording* recording) {
    const pugi::xml_node scale = XmlChild(value, "scale");
    const pugi::xml_node origin = XmlChild(value, "origin");
    const absl::StatusOr<double> units_per_mv = UnitsPerMv(XmlAttribute(scale, "unit"));
    absl::string_view name = code;
    for (const absl::string_view prefix : {"MDC_ECG_LEAD_", "NOM_ECG_LEAD_", "MDC_ECG_ELEC_POTL_"}) {
      absl::ConsumePrefix(&name, prefix);
    }
    if (!units_per_mv.ok()) {
      if (name.size() != code.size()) return units_per_mv.status();
      recording->notes.push_back(absl::StrCat("the sequence ", code, " is left out: it is no voltage"));
      return std::nullopt;
    }
    ECG_ASSIGN_OR_RETURN(const double step, XmlNumber(XmlAttribute(scale, "value"), "scale"));
    double origin_mv = 0;
    if (!XmlAttribute(origin, "value").empty()) {
      ECG_ASSIGN_OR_RETURN(const double number, XmlNumber(XmlAttribute(origin, "value"), "origin"));
      ECG_ASSIGN_OR_RETURN(const double origin_units_per_mv,
                           UnitsPerMv(XmlAttribute(number == 0 ? scale : origin, "unit")));
      origin_mv = number / origin_units_per_mv;
    }
    ECG_ASSIGN_OR_RETURN(const std::vector<double> digits, ParseSamples(XmlText(value, "digits")));
    const double step_mv = step / *units_per_mv;
    Channel channel;
    channel.name = LeadName(name);
    channel.step_mv = std::abs(step_mv);
    for (const double digit : digits) channel.mv.push_back(static_cast<float>(origin_mv + step_mv * digit));
    return channel;
  }
};

static_assert(RecordingFormat<Aecg>);

}  // namespace ecg

#endif  // ECG_SIGNAL_AECG_H_

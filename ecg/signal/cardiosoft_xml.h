// cardiosoft_xml.h
//
// The XML of GE CardioSoft and CASE (CardiologyXML), of resting and stress tests.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, CardioSoftXml::Read(RecordingFile{"rest.xml", bytes}));
//
// Strips and median beats are elements with a WaveformData for each lead: numbers with commas between them, in steps of
// Resolution. FullDisclosure has the whole of a stress test at a lower rate: its numbers are the leads of LeadOrder in
// turn.

#ifndef ECG_SIGNAL_CARDIOSOFT_XML_H_
#define ECG_SIGNAL_CARDIOSOFT_XML_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_text.h"
#include "ecg/signal/unit.h"
#include "ecg/signal/xml.h"
#include "ecg/status/status_macros.h"
#include "pugixml.hpp"

namespace ecg {

// CardioSoftXml is a RecordingFormat.
class CardioSoftXml {
 public:
  static constexpr absl::string_view kName = "CardioSoft XML";

  // Recognises tells whether the outermost element is CardiologyXML.
  static bool Recognises(const RecordingFile& file) { return XmlRootName(file.bytes) == "CardiologyXML"; }

  // Read reads all strips and median beats. A lead with another number of samples than is stated is an error.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ECG_ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(file.bytes));
    const pugi::xml_node root = document.root();
    Recording recording;
    ReadDemographics(root, &recording);
    pugi::xml_node last;
    for (const pugi::xml_node data : XmlDescendants(root, "WaveformData")) {
      if (data.parent() == last) continue;
      last = data.parent();
      ECG_RETURN_IF_ERROR(WithContext(ReadStrip(last, &recording), XmlLocalName(last)));
    }
    for (const pugi::xml_node disclosure : XmlDescendants(root, "FullDisclosure")) {
      ECG_RETURN_IF_ERROR(WithContext(ReadFullDisclosure(disclosure, &recording), "FullDisclosure"));
    }
    if (recording.strips.empty()) {
      return absl::DataLossError("neither WaveformData nor FullDisclosureData, where the samples are expected");
    }
    return recording;
  }

 private:
  static int Integer(absl::string_view text) {
    int number = 0;
    return absl::SimpleAtoi(text, &number) ? number : 0;
  }

  static std::string Date(pugi::xml_node node) {
    return IsoDate(Integer(XmlText(node, "Year")), Integer(XmlText(node, "Month")), Integer(XmlText(node, "Day")));
  }

  static void ReadDemographics(pugi::xml_node root, Recording* recording) {
    const pugi::xml_node device = XmlPath(root, "ClinicalInfo", "DeviceInfo");
    recording->format = std::string(kName);
    recording->machine = absl::StrCat("GE ", XmlText(device, "Desc"), " ", XmlText(device, "SoftwareVer"));
    absl::StripAsciiWhitespace(&recording->machine);
    if (recording->machine == "GE") recording->machine.clear();
    const pugi::xml_node time = XmlChild(root, "ObservationDateTime");
    recording->recorded_at =
        IsoTime(Date(time), absl::StrFormat("%02d%02d%02d", Integer(XmlText(time, "Hour")),
                                            Integer(XmlText(time, "Minute")), Integer(XmlText(time, "Second"))));
    const pugi::xml_node patient = XmlChild(root, "PatientInfo");
    recording->sex = SexFromWord(XmlText(patient, "Gender"));
    double age = 0;
    if (absl::SimpleAtod(XmlText(patient, "Age"), &age)) {
      recording->age_years = AgeInYears(age, XmlAttribute(XmlChild(patient, "Age"), "units"));
    } else {
      recording->age_years = AgeAt(Date(XmlChild(patient, "BirthDateTime")), recording->recorded_at);
    }
    const pugi::xml_node filters = XmlChild(root, "FilterSetting");
    for (const auto& [name, words] : {std::pair("HighPass", "high-pass"), std::pair("LowPass", "low-pass")}) {
      const absl::string_view hz = XmlText(filters, name);
      if (!hz.empty()) AddFilter(words, absl::StrCat(hz, " Hz"), &recording->filters);
    }
    for (const absl::string_view hz : {"50", "60"}) {
      if (absl::EqualsIgnoreCase(XmlText(filters, absl::StrCat("Filter", hz, "Hz")), "Yes")) {
        AddFilter("notch", absl::StrCat(hz, " Hz"), &recording->filters);
      }
    }
    if (absl::EqualsIgnoreCase(XmlText(filters, "CubicSpline"), "Yes")) {
      AddFilter("baseline", "cubic spline", &recording->filters);
    }
  }

  // Inherited returns the element called `name` in `node`, or else in the nearest element around it.
  static pugi::xml_node Inherited(pugi::xml_node node, absl::string_view name) {
    for (; node; node = node.parent()) {
      if (const pugi::xml_node child = XmlChild(node, name)) return child;
    }
    return node;
  }

  static absl::StatusOr<double> SamplingFrequency(pugi::xml_node node) {
    ECG_ASSIGN_OR_RETURN(const double hz, XmlNumber(XmlText(Inherited(node, "SampleRate")), "SampleRate"));
    if (hz > 0 && hz <= 1e6) return hz;
    return absl::InvalidArgumentError(absl::StrCat("SampleRate is ", hz, " Hz"));
  }

  static absl::StatusOr<double> StepMv(pugi::xml_node node) {
    const pugi::xml_node resolution = Inherited(node, "Resolution");
    ECG_ASSIGN_OR_RETURN(const double step, XmlNumber(XmlText(resolution), "Resolution"));
    absl::string_view unit = XmlAttribute(resolution, "units");
    absl::ConsumeSuffix(&unit, "perLsb");
    ECG_ASSIGN_OR_RETURN(const double units_per_mv, UnitsPerMv(unit));
    return step / units_per_mv;
  }

  // StartSeconds returns when the strip `node` of a stress test begins.
  static double StartSeconds(pugi::xml_node node) {
    for (const absl::string_view name : {"StartTime", "Time"}) {
      const pugi::xml_node time = XmlChild(node, name);
      double minutes = 0, seconds = 0;
      if (absl::SimpleAtod(XmlText(time, "Minute"), &minutes) && absl::SimpleAtod(XmlText(time, "Second"), &seconds) &&
          minutes >= 0 && minutes < 1e5 && seconds >= 0 && seconds < 1e5) {
        return 60 * minutes + seconds;
      }
    }
    return 0;
  }

  static absl::Status ReadStrip(pugi::xml_node node, Recording* recording) {
    Strip strip;
    for (pugi::xml_node around = node; around; around = around.parent()) {
      if (absl::StartsWith(XmlLocalName(around), "Median")) strip.kind = Strip::Kind::kRepresentativeBeat;
    }
    ECG_ASSIGN_OR_RETURN(strip.sampling_frequency_hz, SamplingFrequency(node));
    ECG_ASSIGN_OR_RETURN(const double step_mv, StepMv(node));
    strip.start_seconds = StartSeconds(node);
    const absl::string_view stated = XmlText(Inherited(node, "ChannelSampleCountTotal"));
    for (const pugi::xml_node data : XmlChildren(node, "WaveformData")) {
      const absl::string_view lead = XmlAttribute(data, "lead");
      const absl::StatusOr<std::vector<double>> samples = ParseSamples(XmlText(data));
      if (!samples.ok()) return WithContext(samples.status(), absl::StrCat("lead ", lead));
      int count = 0;
      if (absl::SimpleAtoi(stated, &count) && count != static_cast<int>(samples->size())) {
        return absl::DataLossError(absl::StrCat("lead ", lead, ": ChannelSampleCountTotal is ", count,
                                                ", but there are ", samples->size(), " samples"));
      }
      strip.channels.push_back(MakeChannel(lead, *samples, step_mv));
    }
    const absl::string_view first = XmlText(node, "FirstValid"), last = XmlText(node, "LastValid");
    if ((!first.empty() && first != "0") || (!last.empty() && last != absl::StrCat(strip.samples() - 1))) {
      recording->notes.push_back(absl::StrCat(XmlLocalName(node), ": the file calls samples ", first, " to ", last,
                                              " valid, of ", strip.samples()));
    }
    PadChannels(&strip, &recording->notes);
    if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
    return absl::OkStatus();
  }

  static absl::Status ReadFullDisclosure(pugi::xml_node node, Recording* recording) {
    const pugi::xml_node data = XmlChild(node, "FullDisclosureData");
    if (XmlText(data).empty()) return absl::OkStatus();
    Strip strip;
    ECG_ASSIGN_OR_RETURN(strip.sampling_frequency_hz, SamplingFrequency(node));
    ECG_ASSIGN_OR_RETURN(const double step_mv, StepMv(node));
    strip.start_seconds = StartSeconds(node);
    const std::vector<std::string> leads =
        absl::StrSplit(XmlText(node, "LeadOrder"), absl::ByAnyChar(", \t\r\n"), absl::SkipEmpty());
    if (leads.empty()) return absl::DataLossError("LeadOrder names no lead");
    const int channels = Integer(XmlText(node, "NumberOfChannels"));
    if (channels != 0 && channels != static_cast<int>(leads.size())) {
      return absl::DataLossError(
          absl::StrCat("NumberOfChannels is ", channels, ", but LeadOrder names ", leads.size(), " leads"));
    }
    ECG_ASSIGN_OR_RETURN(const std::vector<double> samples, ParseSamples(XmlText(data)));
    if (samples.size() % leads.size() != 0) {
      return absl::DataLossError(
          absl::StrCat(samples.size(), " samples do not make as many of each of ", leads.size(), " leads"));
    }
    std::vector<double> of_lead(samples.size() / leads.size());
    for (size_t lead = 0; lead < leads.size(); ++lead) {
      for (size_t i = 0; i < of_lead.size(); ++i) of_lead[i] = samples[i * leads.size() + lead];
      strip.channels.push_back(MakeChannel(leads[lead], of_lead, step_mv));
    }
    if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
    return absl::OkStatus();
  }
};

static_assert(RecordingFormat<CardioSoftXml>);

}  // namespace ecg

#endif  // ECG_SIGNAL_CARDIOSOFT_XML_H_

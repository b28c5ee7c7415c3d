// schiller_xml.h
//
// The XML of Schiller's data management SEMA (SchillerEDI).
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, SchillerXml::Read(RecordingFile{"at110.xml", bytes}));
//
// An event has wave data of types such as ECG_RHYTHMS and ECG_AVERAGES, in any order, each with its own rate and scale.
// The rate is in Hz where its exponent is 1.

#ifndef ECG_SIGNAL_SCHILLER_XML_H_
#define ECG_SIGNAL_SCHILLER_XML_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_text.h"
#include "ecg/signal/unit.h"
#include "ecg/signal/xml.h"
#include "ecg/status/status_macros.h"
#include "pugixml.hpp"

namespace ecg {

// SchillerXml is a RecordingFormat.
class SchillerXml {
 public:
  static constexpr absl::string_view kName = "Schiller XML";

  // Recognises tells whether the name of the outermost element ends in SchillerEDI, as it does with a Java package in
  // front.
  static bool Recognises(const RecordingFile& file) {
    return absl::EndsWithIgnoreCase(XmlRootName(file.bytes), "SchillerEDI");
  }

  // Read reads the wave data of all events. A lead with another number of samples than is stated is an error.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ECG_ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(file.bytes));
    const pugi::xml_node root = document.root();
    Recording recording;
    ReadDemographics(root, &recording);
    for (const pugi::xml_node waves : XmlDescendants(root, "wavedata")) {
      ECG_RETURN_IF_ERROR(WithContext(ReadWaves(waves, &recording), absl::StrCat("wavedata ", XmlText(waves, "type"))));
    }
    if (recording.strips.empty())
      return absl::DataLossError("no wavedata with a channel, where the samples are expected");
    return recording;
  }

 private:
  static void ReadDemographics(pugi::xml_node root, Recording* recording) {
    const pugi::xml_node examination = XmlChild(root, "examdescript");
    const pugi::xml_node device = XmlChild(examination, "aquiringdevice");
    recording->format = absl::StrCat(kName, " ", XmlText(XmlChild(device, "software"), "version"));
    absl::StripTrailingAsciiWhitespace(&recording->format);
    const pugi::xml_node hardware = XmlChild(device, "hardware");
    recording->machine = absl::StrCat(XmlText(hardware, "vendor"), " ", XmlText(hardware, "model"));
    absl::StripAsciiWhitespace(&recording->machine);
    const pugi::xml_node start = XmlChild(examination, "startdatetime");
    recording->recorded_at = IsoTime(IsoDate(XmlText(start, "date")), XmlText(start, "time"));
    const pugi::xml_node patient = XmlChild(root, "patdata");
    recording->sex = SexFromWord(XmlText(patient, "gender"));
    recording->age_years = AgeAt(IsoDate(XmlText(patient, "birthdate")), recording->recorded_at);
    for (const pugi::xml_node filter : XmlDescendants(root, "filter")) {
      const absl::string_view name = XmlText(filter, "name"), value = XmlText(filter, "value");
      if (value.empty() || value == "-" || absl::EqualsIgnoreCase(value, "OFF")) continue;
      if (name == "HIGHPASS_CUTOFF_FREQ") {
        AddFilter("high-pass", absl::StrCat(value, " Hz"), &recording->filters);
      } else if (name == "LOWPASS_CUTOFF_FREQ") {
        AddFilter("low-pass", absl::StrCat(value, " Hz"), &recording->filters);
      } else {
        AddFilter(absl::AsciiStrToLower(absl::StrReplaceAll(name, {{"_", " "}})), absl::AsciiStrToLower(value),
                  &recording->filters);
      }
    }
  }

  static absl::Status ReadWaves(pugi::xml_node waves, Recording* recording) {
    Strip strip;
    if (absl::StrContains(XmlText(waves, "type"), "AVERAGE")) strip.kind = Strip::Kind::kRepresentativeBeat;
    const pugi::xml_node resolution = XmlChild(waves, "resolution");
    const pugi::xml_node rate = XmlChild(resolution, "samplerate");
    if (const absl::string_view exponent = XmlText(rate, "exponent");
        !exponent.empty() && exponent != "1" && exponent != "0") {
      return absl::UnimplementedError(
          absl::StrCat("the samplerate has the exponent ", exponent, "; only 1 is supported"));
    }
    ECG_ASSIGN_OR_RETURN(strip.sampling_frequency_hz, XmlNumber(XmlText(rate, "value"), "samplerate"));
    if (!(strip.sampling_frequency_hz > 0 && strip.sampling_frequency_hz <= 1e6)) {
      return absl::InvalidArgumentError(absl::StrCat("the samplerate is ", strip.sampling_frequency_hz, " Hz"));
    }
    const pugi::xml_node scale = XmlChild(resolution, "yres");
    ECG_ASSIGN_OR_RETURN(const double step, XmlNumber(XmlText(scale, "unitperbit"), "unitperbit"));
    ECG_ASSIGN_OR_RETURN(const double units_per_mv, UnitsPerMv(XmlText(scale, "units")));
    for (const pugi::xml_node channel : XmlChildren(waves, "channel")) {
      const absl::string_view name = XmlText(channel, "name");
      const absl::StatusOr<std::vector<double>> samples = ParseSamples(XmlText(channel, "data"));
      if (!samples.ok()) return WithContext(samples.status(), absl::StrCat("channel ", name));
      int count = 0;
      if (absl::SimpleAtoi(XmlText(channel, "samplecount"), &count) && count != static_cast<int>(samples->size())) {
        return absl::DataLossError(absl::StrCat("channel ", name, ": samplecount is ", count, ", but there are ",
                                                samples->size(), " samples"));
      }
      strip.channels.push_back(MakeChannel(name, *samples, step / units_per_mv));
    }
    PadChannels(&strip, &recording->notes);
    if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
    return absl::OkStatus();
  }
};

static_assert(RecordingFormat<SchillerXml>);

}  // namespace ecg

#endif  // ECG_SIGNAL_SCHILLER_XML_H_

// muse_xml.h
//
// GE MUSE's XML (RestingECG): usually eight leads, I, II and V1 to V6, as a rhythm strip of 10 s and a median beat.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, MuseXml::Read(RecordingFile{"patient.xml", bytes}));
//
// Samples are 16-bit integers in base64, with a CRC-32, which is verified where it is stated. Each lead has its own
// scale and each waveform its own rate, SampleBase * 10^SampleExponent. HighPassFilter counts hundredths of 1 Hz.

#ifndef ECG_SIGNAL_MUSE_XML_H_
#define ECG_SIGNAL_MUSE_XML_H_

#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
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

// MuseXml is a RecordingFormat.
class MuseXml {
 public:
  static constexpr absl::string_view kName = "GE MUSE XML";

  // Recognises tells whether the outermost element is RestingECG.
  static bool Recognises(const RecordingFile& file) { return XmlRootName(file.bytes) == "RestingECG"; }

  // Read reads all waveforms. A lead whose CRC, or number of samples, is not as stated is an error.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ECG_ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(file.bytes));
    const pugi::xml_node root = document.root();
    Recording recording;
    recording.format = std::string(kName);
    ReadDemographics(root, &recording);
    const std::vector<pugi::xml_node> waveforms = XmlChildren(root, "Waveform");
    for (const pugi::xml_node waveform : waveforms) {
      const absl::Status status = ReadWaveform(root, waveform, &recording);
      if (!status.ok()) return WithContext(status, absl::StrCat("Waveform ", XmlText(waveform, "WaveformType")));
    }
    if (recording.strips.empty()) {
      return absl::DataLossError(waveforms.empty() ? "no Waveform, where the samples are expected"
                                                   : "no Waveform has a lead with samples");
    }
    return recording;
  }

 private:
  static void ReadDemographics(pugi::xml_node root, Recording* recording) {
    if (const absl::string_view version = XmlText(XmlChild(root, "MuseInfo"), "MuseVersion"); !version.empty()) {
      absl::StrAppend(&recording->format, " ", version);
    }
    const pugi::xml_node patient = XmlChild(root, "PatientDemographics");
    recording->sex = SexFromWord(XmlText(patient, "Gender"));
    double age = 0;
    if (absl::SimpleAtod(XmlText(patient, "PatientAge"), &age)) {
      recording->age_years = AgeInYears(age, XmlText(patient, "AgeUnits"));
    }
    double height = 0, weight = 0;
    if (absl::SimpleAtod(XmlText(patient, "HeightCM"), &height) && height > 0) recording->height_cm = height;
    if (absl::SimpleAtod(XmlText(patient, "WeightKG"), &weight) && weight > 0) recording->weight_kg = weight;
    const pugi::xml_node test = XmlChild(root, "TestDemographics");
    if (const absl::string_view device = XmlText(test, "AcquisitionDevice"); !device.empty()) {
      recording->machine =
          absl::StartsWithIgnoreCase(device, "GE ") ? std::string(device) : absl::StrCat("GE ", device);
    }
    const absl::string_view date = XmlText(test, "AcquisitionDate");  // month, day, year
    int month = 0, day = 0, year = 0;
    if (date.size() == 10 && absl::SimpleAtoi(date.substr(0, 2), &month) && absl::SimpleAtoi(date.substr(3, 2), &day) &&
        absl::SimpleAtoi(date.substr(6), &year)) {
      recording->recorded_at = IsoTime(IsoDate(year, month, day), XmlText(test, "AcquisitionTime"));
    }
  }

  static void ReadFilters(pugi::xml_node waveform, Recording* recording) {
    std::string filters;
    double hundredths_hz = 0;
    const absl::string_view high_pass = XmlText(waveform, "HighPassFilter");
    if (absl::SimpleAtod(high_pass, &hundredths_hz) && hundredths_hz > 0) {
      // Other programs than MUSE write Hz.
      const double hz = absl::StrContains(high_pass, ".") ? hundredths_hz : hundredths_hz / 100;
      AddFilter("high-pass", absl::StrCat(hz, " Hz"), &filters);
    }
    double hz = 0;
    if (absl::SimpleAtod(XmlText(waveform, "LowPassFilter"), &hz) && hz > 0) {
      AddFilter("low-pass", absl::StrCat(hz, " Hz"), &filters);
    }
    if (absl::SimpleAtod(XmlText(waveform, "ACFilter"), &hz) && hz > 0) {
      AddFilter("notch", absl::StrCat(hz, " Hz"), &filters);
    }
    if (!filters.empty()) recording->filters = filters;
  }

  static absl::Status ReadWaveform(pugi::xml_node root, pugi::xml_node waveform, Recording* recording) {
    Strip strip;
    if (absl::EqualsIgnoreCase(XmlText(waveform, "WaveformType"), "Median")) {
      strip.kind = Strip::Kind::kRepresentativeBeat;
    }
    absl::string_view base = XmlText(waveform, "SampleBase");
    absl::string_view exponent = XmlText(waveform, "SampleExponent");
    if (base.empty()) {
      const pugi::xml_node measurements = XmlChild(root, "RestingECGMeasurements");
      base = XmlText(measurements, "ECGSampleBase");
      exponent = XmlText(measurements, "ECGSampleExponent");
    }
    ECG_ASSIGN_OR_RETURN(const double mantissa, XmlNumber(base, "SampleBase"));
    ECG_ASSIGN_OR_RETURN(const double power, XmlNumber(exponent.empty() ? "0" : exponent, "SampleExponent"));
    strip.sampling_frequency_hz = mantissa * std::pow(10, power);
    if (!(strip.sampling_frequency_hz > 0 && strip.sampling_frequency_hz <= 1e6)) {
      return absl::InvalidArgumentError(
          absl::StrCat("SampleBase is ", base, " and SampleExponent ", exponent, ", which is no sampling frequency"));
    }
    if (strip.kind == Strip::Kind::kRhythm) ReadFilters(waveform, recording);
    for (const pugi::xml_node lead : XmlChildren(waveform, "LeadData")) {
      const absl::string_view name = XmlText(lead, "LeadID");
      if (name.empty()) return absl::DataLossError("a LeadData without LeadID");
      if (XmlText(lead, "WaveFormData").empty()) {
        recording->notes.push_back(absl::StrCat("lead ", name, " has no samples"));
        continue;
      }
      absl::StatusOr<Channel> channel = ReadLead(lead, name, recording);
      if (!channel.ok()) return WithContext(channel.status(), absl::StrCat("lead ", name));
      strip.channels.push_back(*std::move(channel));
    }
    PadChannels(&strip, &recording->notes);
    if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
    return absl::OkStatus();
  }

  static absl::StatusOr<Channel> ReadLead(pugi::xml_node lead, absl::string_view name, Recording* recording) {
    if (const absl::string_view size = XmlText(lead, "LeadSampleSize"); !size.empty() && size != "2") {
      return absl::UnimplementedError(absl::StrCat("LeadSampleSize is ", size, " bytes; only 2 are supported"));
    }
    ECG_ASSIGN_OR_RETURN(const std::string bytes, Base64Bytes(XmlText(lead, "WaveFormData")));
    ECG_RETURN_IF_ERROR(CheckSum(lead, bytes, recording));
    ECG_ASSIGN_OR_RETURN(const std::vector<int16_t> samples, LittleEndianSamples(bytes));
    if (int64_t stated = 0; absl::SimpleAtoi(XmlText(lead, "LeadSampleCountTotal"), &stated) &&
                            stated != static_cast<int64_t>(samples.size())) {
      return absl::DataLossError(
          absl::StrCat("LeadSampleCountTotal is ", stated, ", but there are ", samples.size(), " samples"));
    }
    ECG_ASSIGN_OR_RETURN(const double step,
                         XmlNumber(XmlText(lead, "LeadAmplitudeUnitsPerBit"), "LeadAmplitudeUnitsPerBit"));
    const absl::string_view unit = XmlText(lead, "LeadAmplitudeUnits");
    // The document type definition gives microvolts as the default.
    ECG_ASSIGN_OR_RETURN(const double units_per_mv, UnitsPerMv(unit.empty() ? "MICROVOLTS" : unit));
    for (const absl::string_view ignored : {"LeadOffsetFirstSample", "FirstSampleBaseline", "LeadTimeOffset"}) {
      const absl::string_view value = XmlText(lead, ignored);
      if (value.empty() || value == "0") continue;
      recording->notes.push_back(absl::StrCat("lead ", name, ": ", ignored, " is ", value, ", which is not applied"));
    }
    if (absl::EqualsIgnoreCase(XmlText(lead, "LeadOff"), "TRUE")) {
      recording->notes.push_back(absl::StrCat("lead ", name, ": the machine says that the lead was off"));
    }
    return MakeChannel(name, samples, step / units_per_mv);
  }

  static absl::Status CheckSum(pugi::xml_node lead, absl::string_view bytes, Recording* recording) {
    int64_t stated = 0;
    if (!absl::SimpleAtoi(XmlText(lead, "LeadDataCRC32"), &stated) || stated == 0) {
      constexpr absl::string_view kNote = "not every lead states a checksum";
      if (recording->notes.empty() || recording->notes.back() != kNote) recording->notes.emplace_back(kNote);
      return absl::OkStatus();
    }
    const uint32_t found = crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
    if (static_cast<uint32_t>(stated) == found) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("LeadDataCRC32 is ", static_cast<uint32_t>(stated), ", but that of the ",
                                            bytes.size(), " bytes is ", found, "; the samples were changed"));
  }
};

static_assert(RecordingFormat<MuseXml>);

}  // namespace ecg

#endif  // ECG_SIGNAL_MUSE_XML_H_

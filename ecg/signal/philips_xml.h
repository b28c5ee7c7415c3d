// philips_xml.h
//
// Philips' Sierra XML, versions 1.03 and 1.04 (document types SierraECG and PhilipsECG), of PageWriter carts and
// HeartStart monitors.
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, PhilipsXml::Read(RecordingFile{"patient.xml", bytes}));
//
// The rhythm strip is usually compressed with XLI, where III, aVR, aVL and aVF are stored as the residual r of what I
// and II say, in integers, with division toward zero:
//
//   III = II - I - r    aVR = -r - (I + II) / 2    aVL = (I - III) / 2 - r    aVF = (II + III) / 2 - r
//
// Most files have a second more than the strip, which ends in a calibration pulse of 1 mV on all channels; it is left
// out. Version 1.03 does not name its channels: the first twelve are the standard leads, and C13 and so on what
// follows. Samples of representative beats may be missing at their end.
//
// Source: the schemas and the readers of https://github.com/sixlettervariables/sierra-ecg-tools.

#ifndef ECG_SIGNAL_PHILIPS_XML_H_
#define ECG_SIGNAL_PHILIPS_XML_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_text.h"
#include "ecg/signal/xli.h"
#include "ecg/signal/xml.h"
#include "ecg/status/status_macros.h"
#include "pugixml.hpp"

namespace ecg {

// PhilipsXml is a RecordingFormat.
class PhilipsXml {
 public:
  static constexpr absl::string_view kName = "Philips Sierra XML";

  // Recognises tells whether the outermost element is restingecgdata.
  static bool Recognises(const RecordingFile& file) { return XmlRootName(file.bytes) == "restingecgdata"; }

  // Read reads the rhythm strip and the representative beats. Compression other than XLI is an error.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    ECG_ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(file.bytes));
    const pugi::xml_node root = document.root();
    Recording recording;
    ReadDemographics(root, &recording);
    const pugi::xml_node waveforms = XmlChild(root, "waveforms");
    if (const pugi::xml_node parsed = XmlChild(waveforms, "parsedwaveforms")) {
      ECG_RETURN_IF_ERROR(WithContext(ReadParsed(root, parsed, &recording), "parsedwaveforms"));
    }
    for (const pugi::xml_node leads : XmlChildren(waveforms, "leadwaveforms")) {
      ECG_RETURN_IF_ERROR(WithContext(ReadLeads(root, leads, &recording), "leadwaveforms"));
    }
    if (const pugi::xml_node beats = XmlChild(waveforms, "repbeats")) {
      ECG_RETURN_IF_ERROR(WithContext(ReadBeats(beats, &recording), "repbeats"));
    }
    if (!recording.strips.empty()) return recording;
    const pugi::xml_node elsewhere = XmlChild(waveforms, "unparsedwaveforms");
    return absl::DataLossError(
        elsewhere ? absl::StrCat("the samples are in another file, ", XmlAttribute(elsewhere, "href"),
                                 "; export the recording with its waveforms")
                  : "no parsedwaveforms, where the samples are expected; export the recording with its waveforms");
  }

 private:
  using Channels = std::vector<std::vector<int32_t>>;

  static constexpr size_t kMostSamples = 4'000'000;  // of a channel; two hours at 500 Hz

  // Scale is how samples are to be understood: attributes of their element, or else of the whole acquisition.
  struct Scale {
    double sampling_frequency_hz = 0;
    double step_mv = 0;
    double offset = 0;
    size_t samples = 0;  // of a channel; 0 when not stated
  };

  static void ReadDemographics(pugi::xml_node root, Recording* recording) {
    const pugi::xml_node info = XmlChild(root, "documentinfo");
    recording->format = absl::StrCat(kName, " ", XmlText(info, "documentversion"));
    const pugi::xml_node acquisition = XmlChild(root, "dataacquisition");
    const absl::string_view machine = XmlText(acquisition, "machine");
    if (!machine.empty()) {
      recording->machine =
          absl::StartsWithIgnoreCase(machine, "Philips") ? std::string(machine) : absl::StrCat("Philips ", machine);
    }
    recording->recorded_at = IsoTime(IsoDate(XmlAttribute(acquisition, "date")), XmlAttribute(acquisition, "time"));
    const pugi::xml_node patient = XmlPath(root, "patient", "generalpatientdata");
    recording->sex = SexFromWord(XmlText(patient, "sex"));
    const pugi::xml_node age = XmlChild(patient, "age");
    for (const absl::string_view unit : {"years", "months", "weeks", "days", "hours"}) {
      double value = 0;
      if (absl::SimpleAtod(XmlText(age, unit), &value)) recording->age_years = AgeInYears(value, unit);
    }
    if (!recording->age_years) {
      recording->age_years = AgeAt(IsoDate(XmlText(age, "dateofbirth")), recording->recorded_at);
    }
  }

  // First returns the first text that is not empty.
  static absl::string_view First(std::initializer_list<absl::string_view> texts) {
    for (const absl::string_view text : texts) {
      if (!text.empty()) return text;
    }
    return "";
  }

  static absl::StatusOr<Scale> ReadScale(pugi::xml_node root, pugi::xml_node element) {
    const pugi::xml_node signal = XmlPath(root, "dataacquisition", "signalcharacteristics");
    Scale scale;
    ECG_ASSIGN_OR_RETURN(scale.sampling_frequency_hz,
                         XmlNumber(First({XmlAttribute(element, "samplespersecond"), XmlText(signal, "samplingrate")}),
                                   "samplespersecond"));
    if (!(scale.sampling_frequency_hz > 0 && scale.sampling_frequency_hz <= 1e6)) {
      return absl::InvalidArgumentError(absl::StrCat("the sampling frequency is ", scale.sampling_frequency_hz, " Hz"));
    }
    ECG_ASSIGN_OR_RETURN(const double step_uv,
                         XmlNumber(First({XmlAttribute(element, "resolution"), XmlText(signal, "resolution"),
                                          XmlText(signal, "signalresolution")}),
                                   "resolution"));
    if (!(std::abs(step_uv) >= 1e-3 && std::abs(step_uv) <= 1e6)) {
      return absl::InvalidArgumentError(absl::StrCat("the resolution is ", step_uv, " uV"));
    }
    scale.step_mv = step_uv / 1000;
    const absl::string_view offset = First({XmlAttribute(element, "signaloffset"), XmlText(signal, "signaloffset")});
    ECG_ASSIGN_OR_RETURN(scale.offset, XmlNumber(First({offset, "0"}), "signaloffset"));
    const absl::string_view bits = First({XmlAttribute(element, "bitspersample"),
                                          XmlAttribute(element, "nbitspersample"), XmlText(signal, "bitspersample")});
    if (!bits.empty() && bits != "16") {
      return absl::UnimplementedError(absl::StrCat("samples of ", bits, " bits are not supported, only of 16"));
    }
    if (double milliseconds = 0; absl::SimpleAtod(XmlAttribute(element, "durationperchannel"), &milliseconds)) {
      const double samples = std::round(milliseconds * scale.sampling_frequency_hz / 1000);
      if (samples >= 0 && samples <= kMostSamples) scale.samples = static_cast<size_t>(samples);
    }
    return scale;
  }

  // Compression returns the method, "XLI", or nothing when the samples are not compressed.
  static absl::string_view Compression(pugi::xml_node element) {
    if (absl::EqualsIgnoreCase(XmlAttribute(element, "compressflag"), "False")) return "";
    const absl::string_view method =
        First({XmlAttribute(element, "compression"), XmlAttribute(element, "compressmethod")});
    return absl::EqualsIgnoreCase(method, "None") || absl::EqualsIgnoreCase(method, "Uncompressed") ? "" : method;
  }

  // Uncompressed returns the samples in `text`, base64 or plain numbers as `element` says.
  static absl::StatusOr<std::vector<int32_t>> Uncompressed(pugi::xml_node element, absl::string_view text) {
    const absl::string_view encoding = XmlAttribute(element, "dataencoding");
    if (absl::EqualsIgnoreCase(encoding, "Plain")) {
      ECG_ASSIGN_OR_RETURN(const std::vector<double> samples, ParseSamples(text));
      for (const double sample : samples) {
        if (!(std::abs(sample) < 1 << 30)) return absl::DataLossError(absl::StrCat("a sample is ", sample));
      }
      return std::vector<int32_t>(samples.begin(), samples.end());
    }
    if (!absl::EqualsIgnoreCase(encoding, "Base64")) {
      return absl::UnimplementedError(
          absl::StrCat("dataencoding is \"", encoding, "\"; Base64 and Plain are supported"));
    }
    ECG_ASSIGN_OR_RETURN(const std::vector<int16_t> samples, Base64Samples(text));
    return std::vector<int32_t>(samples.begin(), samples.end());
  }

  static absl::Status ReadParsed(pugi::xml_node root, pugi::xml_node element, Recording* recording) {
    ECG_ASSIGN_OR_RETURN(const Scale scale, ReadScale(root, element));
    std::vector<std::string> names = absl::StrSplit(XmlAttribute(element, "leadlabels"), ' ', absl::SkipWhitespace());
    size_t leads = 0;
    if (absl::SimpleAtoi(XmlAttribute(element, "numberofleads"), &leads) && leads < names.size()) names.resize(leads);
    const absl::string_view compression = Compression(element);
    Channels channels;
    if (compression == "XLI") {
      ECG_ASSIGN_OR_RETURN(const std::string bytes, Base64Bytes(XmlText(element)));
      ECG_ASSIGN_OR_RETURN(channels, DecompressXli(bytes, scale.samples > 0 ? scale.samples : kMostSamples));
    } else if (compression.empty()) {
      ECG_ASSIGN_OR_RETURN(const std::vector<int32_t> all, Uncompressed(element, XmlText(element)));
      ECG_ASSIGN_OR_RETURN(channels, Split(all, scale, names.size()));
    } else {
      return absl::UnimplementedError(absl::StrCat("the compression \"", compression, "\" is not supported, only XLI"));
    }
    ECG_RETURN_IF_ERROR(CheckLengths(scale, &channels));
    if (names.empty()) {
      NameChannels(root, channels.size(), &names, recording);
    } else if (names.size() > channels.size()) {
      return absl::DataLossError(
          absl::StrCat("leadlabels names ", names.size(), " leads, but there are ", channels.size(), " channels"));
    } else {
      channels.resize(names.size());  // what else is there has no name, and no signal
    }
    if (compression == "XLI") RestoreLeads(names, &channels);
    CutCalibration(scale, &channels, recording);

    Strip strip;
    strip.sampling_frequency_hz = scale.sampling_frequency_hz;
    for (size_t i = 0; i < channels.size(); ++i) {
      strip.channels.push_back(MakeChannel(names[i], channels[i], scale.step_mv, scale.offset));
    }
    recording->strips.push_back(std::move(strip));
    ReadFilters(root, element, recording);
    return absl::OkStatus();
  }

  // Split returns the channels of uncompressed samples, one after the other.
  static absl::StatusOr<Channels> Split(const std::vector<int32_t>& all, const Scale& scale, size_t leads) {
    const size_t samples = scale.samples > 0 ? scale.samples : leads > 0 ? all.size() / leads : 0;
    if (samples == 0 || all.size() % samples != 0 || all.empty()) {
      return absl::DataLossError(absl::StrCat(all.size(), " samples are no whole number of channels of ", samples));
    }
    Channels channels;
    for (size_t begin = 0; begin < all.size(); begin += samples) {
      channels.emplace_back(all.begin() + begin, all.begin() + begin + samples);
    }
    return channels;
  }

  // CheckLengths cuts what padding of the compression has added, and makes sure that all channels have all samples.
  static absl::Status CheckLengths(const Scale& scale, Channels* channels) {
    size_t least = channels->empty() ? 0 : channels->front().size();
    for (const std::vector<int32_t>& channel : *channels) least = std::min(least, channel.size());
    const size_t samples = scale.samples > 0 ? scale.samples : least;
    if (samples == 0 || least < samples) {
      return absl::DataLossError(absl::StrCat("a channel has ", least, " of ", samples, " samples"));
    }
    for (std::vector<int32_t>& channel : *channels) channel.resize(samples);
    return absl::OkStatus();
  }

  // NameChannels names the channels of version 1.03.
  static void NameChannels(pugi::xml_node root, size_t channels, std::vector<std::string>* names,
                           Recording* recording) {
    for (size_t i = 0; i < channels; ++i) {
      names->push_back(i < kLeads ? std::string(kLeadNames[i]) : absl::StrCat("C", i + 1));
    }
    const absl::string_view valid =
        XmlText(XmlPath(root, "dataacquisition", "signalcharacteristics"), "numberchannelsvalid");
    int count = 0;
    if (absl::SimpleAtoi(valid, &count) && count >= 0 && static_cast<size_t>(count) < channels) {
      recording->notes.push_back(absl::StrCat("the file calls ", count, " of its ", channels, " channels valid"));
    }
  }

  // RestoreLeads turns the residuals of III, aVR, aVL and aVF into amplitudes.
  static void RestoreLeads(const std::vector<std::string>& names, Channels* channels) {
    const auto find = [&](int lead) -> std::vector<int32_t>* {
      for (size_t i = 0; i < names.size(); ++i) {
        if (FindLead(names[i]) == lead) return &(*channels)[i];
      }
      return nullptr;
    };
    std::vector<int32_t>* const i = find(0);
    std::vector<int32_t>* const ii = find(1);
    std::vector<int32_t>* const iii = find(2);
    if (i == nullptr || ii == nullptr || iii == nullptr) return;
    std::vector<int32_t>* const avr = find(3);
    std::vector<int32_t>* const avl = find(4);
    std::vector<int32_t>* const avf = find(5);
    for (size_t t = 0; t < i->size(); ++t) {
      const int64_t one = (*i)[t], two = (*ii)[t];
      const int64_t three = two - one - (*iii)[t];
      (*iii)[t] = static_cast<int32_t>(three);
      if (avr != nullptr) (*avr)[t] = static_cast<int32_t>(-int64_t{(*avr)[t]} - (one + two) / 2);
      if (avl != nullptr) (*avl)[t] = static_cast<int32_t>((one - three) / 2 - (*avl)[t]);
      if (avf != nullptr) (*avf)[t] = static_cast<int32_t>((two + three) / 2 - (*avf)[t]);
    }
  }

  // CutCalibration cuts the second that ends in a calibration pulse: zeros, 1 mV for at least 0.1 s and zeros again,
  // the same in all channels.
  static void CutCalibration(const Scale& scale, Channels* channels, Recording* recording) {
    const int32_t pulse = static_cast<int32_t>(std::lround(1 / scale.step_mv));
    const size_t samples = channels->front().size();
    size_t begin = samples;  // of the end that all channels share
    size_t high = 0;         // samples of the pulse
    while (begin > 0) {
      const double value = channels->front()[begin - 1] - scale.offset;
      const auto differs = [&](const std::vector<int32_t>& c) { return c[begin - 1] != channels->front()[begin - 1]; };
      if ((value != 0 && value != pulse) || std::any_of(channels->begin(), channels->end(), differs)) break;
      high += value == pulse;
      --begin;
    }
    const auto second = static_cast<size_t>(begin / scale.sampling_frequency_hz);
    const auto kept = static_cast<size_t>(std::lround(second * scale.sampling_frequency_hz));
    if (high < scale.sampling_frequency_hz / 10 || kept == 0 || kept >= samples) return;
    for (std::vector<int32_t>& channel : *channels) channel.resize(kept);
    recording->notes.push_back(absl::StrCat((samples - kept) / scale.sampling_frequency_hz,
                                            " s at the end, with the calibration pulse of 1 mV, are left out"));
  }

  static void ReadFilters(pugi::xml_node root, pugi::xml_node element, Recording* recording) {
    const pugi::xml_node signal = XmlPath(root, "dataacquisition", "signalcharacteristics");
    const auto hz = [](absl::string_view number) { return number.empty() ? "" : absl::StrCat(number, " Hz"); };
    std::string filters;
    AddFilter("high-pass", hz(First({XmlAttribute(element, "hipass"), XmlText(signal, "hipass")})), &filters);
    AddFilter("low-pass", hz(First({XmlAttribute(element, "lowpass"), XmlText(signal, "lowpass")})), &filters);
    if (filters.empty()) AddFilter("band", hz(XmlText(signal, "signalbandwidth")), &filters);
    if (absl::EqualsIgnoreCase(XmlAttribute(element, "notchfiltered"), "True")) {
      AddFilter("notch", hz(XmlAttribute(element, "notchfilterfreqs")), &filters);
    }
    recording->filters = filters;
  }

  // ReadLeads reads leads that are in elements of their own. Those that begin together make a strip.
  static absl::Status ReadLeads(pugi::xml_node root, pugi::xml_node element, Recording* recording) {
    ECG_ASSIGN_OR_RETURN(const Scale scale, ReadScale(root, element));
    if (!Compression(element).empty()) {
      return absl::UnimplementedError(absl::StrCat("the compression \"", Compression(element), "\" is not supported"));
    }
    std::vector<Strip> strips;
    for (const pugi::xml_node lead : XmlChildren(element, "leadwaveform")) {
      const absl::string_view name = XmlAttribute(lead, "leadname");
      const absl::StatusOr<std::vector<int32_t>> samples = Uncompressed(element, XmlText(lead));
      if (!samples.ok()) return WithContext(samples.status(), absl::StrCat("lead ", name));
      double start_ms = 0;
      if (!absl::SimpleAtod(XmlAttribute(lead, "starttime"), &start_ms) || !std::isfinite(start_ms)) start_ms = 0;
      auto strip = std::find_if(strips.begin(), strips.end(),
                                [&](const Strip& other) { return other.start_seconds == start_ms / 1000; });
      if (strip == strips.end()) {
        strip = strips.insert(strips.end(), Strip());
        strip->sampling_frequency_hz = scale.sampling_frequency_hz;
        strip->start_seconds = start_ms / 1000;
      }
      strip->channels.push_back(MakeChannel(name, *samples, scale.step_mv, scale.offset));
    }
    for (Strip& strip : strips) {
      PadChannels(&strip, &recording->notes);
      if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
    }
    return absl::OkStatus();
  }

  static absl::Status ReadBeats(pugi::xml_node beats, Recording* recording) {
    constexpr int32_t kMissing = 32767;
    const absl::string_view rate = XmlAttribute(beats, "samplespersec");
    const absl::string_view step = XmlAttribute(beats, "resolution");
    if (rate.empty() || step.empty() || !Compression(beats).empty()) {
      recording->notes.push_back(
          Compression(beats).empty()
              ? std::string("the representative beats are left out: the file states no rate or scale for them")
              : absl::StrCat("the representative beats are left out: their compression \"", Compression(beats),
                             "\" is not supported"));
      return absl::OkStatus();
    }
    Strip strip;
    strip.kind = Strip::Kind::kRepresentativeBeat;
    ECG_ASSIGN_OR_RETURN(strip.sampling_frequency_hz, XmlNumber(rate, "samplespersec"));
    ECG_ASSIGN_OR_RETURN(const double step_uv, XmlNumber(step, "resolution"));
    if (!(strip.sampling_frequency_hz > 0 && strip.sampling_frequency_hz <= 1e6)) {
      return absl::InvalidArgumentError(absl::StrCat("samplespersec is ", rate));
    }
    Channels channels;
    std::vector<std::string> names;
    size_t valid = 0;  // samples up to the last that is not missing in some lead
    for (const pugi::xml_node beat : XmlChildren(beats, "repbeat")) {
      names.emplace_back(XmlAttribute(beat, "leadname"));
      const pugi::xml_node waveform = XmlChild(beat, "waveform");  // which version 1.03 does not have
      absl::StatusOr<std::vector<int32_t>> samples = Uncompressed(beats, XmlText(waveform ? waveform : beat));
      if (!samples.ok()) return WithContext(samples.status(), absl::StrCat("lead ", names.back()));
      for (size_t i = valid; i < samples->size(); ++i) {
        if ((*samples)[i] != kMissing) valid = i + 1;
      }
      channels.push_back(*std::move(samples));
    }
    for (size_t i = 0; i < channels.size(); ++i) {
      channels[i].resize(std::min(valid, channels[i].size()));
      strip.channels.push_back(MakeChannel(names[i], channels[i], step_uv / 1000, 0, kMissing));
    }
    PadChannels(&strip, &recording->notes);
    if (strip.samples() > 0) recording->strips.push_back(std::move(strip));
    return absl::OkStatus();
  }
};

static_assert(RecordingFormat<PhilipsXml>);

}  // namespace ecg

#endif  // ECG_SIGNAL_PHILIPS_XML_H_

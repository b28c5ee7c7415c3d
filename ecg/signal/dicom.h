// dicom.h
//
// Recordings in DICOM files: waveforms of all storage classes that can hold an electrocardiogram (12-lead, general,
// ambulatory, hemodynamic, electrophysiology), in any transfer syntax that waveforms have (implicit, explicit, big
// endian, deflated). PS3.3 C.10.9 describes them.
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("patient.dcm"));
//   ECG_ASSIGN_OR_RETURN(Recording recording, Dicom::Read({.path = "patient.dcm", .bytes = bytes}));
//
// Each multiplex group is a strip. A sample is stored number x sensitivity x correction factor + baseline, in the unit
// of the sensitivity. Channels that are no voltage, such as pressures, are left out and noted. Filters that the file
// lists are told, and not applied.
//
// A sample is missing where it is the padding value; but 0 is not believed to be one, which some writers state although
// leads pass through it, and fill the end of a group with -32768 instead.

#ifndef ECG_SIGNAL_DICOM_H_
#define ECG_SIGNAL_DICOM_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/byte_reader.h"
#include "ecg/signal/dicom_dataset.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/scp_lead.h"
#include "ecg/signal/unit.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace dicom_internal {

constexpr uint32_t kAcquisitionDate = DicomTag(0x0008, 0x0022), kAcquisitionTime = DicomTag(0x0008, 0x0032),
                   kAcquisitionDateTime = DicomTag(0x0008, 0x002A), kContentDate = DicomTag(0x0008, 0x0023),
                   kContentTime = DicomTag(0x0008, 0x0033), kStudyDate = DicomTag(0x0008, 0x0020),
                   kStudyTime = DicomTag(0x0008, 0x0030), kMaker = DicomTag(0x0008, 0x0070),
                   kModel = DicomTag(0x0008, 0x1090), kCode = DicomTag(0x0008, 0x0100),
                   kMeaning = DicomTag(0x0008, 0x0104), kSex = DicomTag(0x0010, 0x0040),
                   kAge = DicomTag(0x0010, 0x1010), kSize = DicomTag(0x0010, 0x1020),
                   kWeight = DicomTag(0x0010, 0x1030), kGroupOffset = DicomTag(0x0018, 0x1068),
                   kOriginality = DicomTag(0x003A, 0x0004), kChannels = DicomTag(0x003A, 0x0005),
                   kSamples = DicomTag(0x003A, 0x0010), kFrequency = DicomTag(0x003A, 0x001A),
                   kGroupLabel = DicomTag(0x003A, 0x0020), kDefinitions = DicomTag(0x003A, 0x0200),
                   kChannelLabel = DicomTag(0x003A, 0x0203), kSource = DicomTag(0x003A, 0x0208),
                   kSensitivity = DicomTag(0x003A, 0x0210), kUnit = DicomTag(0x003A, 0x0211),
                   kCorrection = DicomTag(0x003A, 0x0212), kBaseline = DicomTag(0x003A, 0x0213),
                   kHighPass = DicomTag(0x003A, 0x0220), kLowPass = DicomTag(0x003A, 0x0221),
                   kNotch = DicomTag(0x003A, 0x0222), kGroups = DicomTag(0x5400, 0x0100),
                   kBits = DicomTag(0x5400, 0x1004), kInterpretation = DicomTag(0x5400, 0x1006),
                   kPadding = DicomTag(0x5400, 0x100A), kData = DicomTag(0x5400, 0x1010);

// SourceName returns the name of the lead that `source`, an item of the channel source sequence, means.
inline std::string SourceName(const DicomDataset& source) {
  const std::string code = source.Text(kCode), meaning = source.Text(kMeaning);
  // MDC has "2:61", and 131389 in newer files; SCPECG has "5.6.3-9-61". The last number is that of SCP-ECG.
  constexpr size_t kMdcLeads = 131328;
  absl::string_view digits = code;
  size_t number = 0;
  if (absl::ConsumePrefix(&digits, "2:") || absl::ConsumePrefix(&digits, "5.6.3-9-")) {
    if (!absl::SimpleAtoi(digits, &number)) number = 0;
  } else {
    number = absl::SimpleAtoi(digits, &number) && number > kMdcLeads ? number - kMdcLeads : 0;
  }
  if (const std::optional<std::string> name = ScpLeadName(number)) return *name;
  for (const std::string& text : {meaning, code}) {
    if (FindLead(text)) return LeadName(text);
  }
  absl::string_view name = meaning;
  if (absl::StartsWithIgnoreCase(name, "Lead ")) name.remove_prefix(5);
  return std::string(name);
}

// Definition is how a channel's numbers become mV.
struct Definition {
  std::string name;
  double mv_per_step = 0;
  double mv_of_zero = 0;
};

// ReadScale reads sensitivity, correction and baseline, or returns false when the channel is no voltage.
inline bool ReadScale(const DicomDataset& channel, Definition* definition, std::vector<std::string>* notes) {
  const std::vector<DicomDataset>& units = channel.Items(kUnit);
  const std::string unit = units.empty() ? "" : units.front().Text(kCode);
  double mv_per_unit = 0.001;
  if (const absl::StatusOr<double> units_per_mv = UnitsPerMv(unit); units_per_mv.ok()) {
    mv_per_unit = 1 / *units_per_mv;
  } else if (!unit.empty()) {
    return false;
  } else {
    notes->push_back(absl::StrCat("the unit of ", definition->name, " is not stated; taken as uV"));
  }
  const std::optional<double> sensitivity = channel.Number(kSensitivity);
  if (!sensitivity) {
    notes->push_back(absl::StrCat("the sensitivity of ", definition->name, " is not stated; taken as 1"));
  }
  definition->mv_per_step = sensitivity.value_or(1) * channel.Number(kCorrection).value_or(1) * mv_per_unit;
  definition->mv_of_zero = channel.Number(kBaseline).value_or(0) * mv_per_unit;
  return true;
}

inline std::string Filters(const DicomDataset& channel) {
  std::vector<std::string> filters;
  const auto add = [&](absl::string_view kind, uint32_t tag) {
    const std::optional<double> hz = channel.Number(tag);
    if (hz && *hz > 0) filters.push_back(absl::StrCat(kind, " ", *hz, " Hz"));
  };
  add("high-pass", kHighPass);
  add("low-pass", kLowPass);
  add("notch", kNotch);
  return absl::StrJoin(filters, ", ");
}

// Data are the samples of a group: numbers of all channels, then those of the next moment.
struct Data {
  absl::string_view bytes;
  std::endian order = std::endian::little;
  size_t sample_bytes = 0;
  bool is_signed = false;
  // is_swapped is true for bytes that lie in big-endian words of 16 bits.
  bool is_swapped = false;

  int64_t at(size_t index) const {
    const char* from = bytes.data() + (is_swapped ? index ^ 1 : index) * sample_bytes;
    const auto load = [&](auto number) { return static_cast<int64_t>(LoadNumber<decltype(number)>(from, order)); };
    switch (sample_bytes) {
      case 1:
        return is_signed ? load(int8_t{}) : load(uint8_t{});
      case 2:
        return is_signed ? load(int16_t{}) : load(uint16_t{});
      default:
        return is_signed ? load(int32_t{}) : load(uint32_t{});
    }
  }
};

inline absl::StatusOr<Data> ReadData(const DicomDataset& group) {
  Data data = {.bytes = group.Value(kData), .order = group.order()};
  const size_t bits = group.Whole(kBits);
  const std::string kind = group.Text(kInterpretation);
  data.sample_bytes = bits / 8;
  data.is_signed = kind == "SB" || kind == "SS" || kind == "SL";
  const bool is_known = data.is_signed || kind == "UB" || kind == "US" || kind == "UL";
  const size_t expected = kind == "SB" || kind == "UB" ? 8 : kind == "SS" || kind == "US" ? 16 : 32;
  if (!is_known || bits != expected) {
    return absl::UnimplementedError(absl::StrCat("samples of ", bits, " bits of the kind \"", kind,
                                                 "\"; SB and UB of 8, SS and US of 16, SL and UL of 32 bits expected"));
  }
  const DicomElement* element = group.Find(kData);
  data.is_swapped = bits == 8 && data.order == std::endian::big && element != nullptr && element->vr == "OW";
  if (data.is_swapped) data.bytes.remove_suffix(data.bytes.size() % 2);
  return data;
}

// Padding returns the number that stands for no sample, if there is one.
inline std::optional<int64_t> Padding(const DicomDataset& group, Data data) {
  data.bytes = group.Value(kPadding);
  data.is_swapped = data.is_swapped && data.bytes.size() >= 2;
  if (data.bytes.size() < data.sample_bytes) return std::nullopt;
  const int64_t padding = data.at(0);
  return padding == 0 ? std::nullopt : std::optional<int64_t>(padding);
}

// IsBeat tells whether a group is a representative beat, by its label, or by its being derived and short.
inline bool IsBeat(const DicomDataset& group, double seconds) {
  const std::string label = absl::AsciiStrToUpper(group.Text(kGroupLabel));
  for (const absl::string_view word : {"MEDIAN", "AVERAGE", "AVG", "REPRESENTATIVE", "TEMPLATE", "BEAT"}) {
    if (absl::StrContains(label, word)) return true;
  }
  constexpr double kMostBeatSeconds = 2.5;
  return label != "RHYTHM" && group.Text(kOriginality) == "DERIVED" && seconds < kMostBeatSeconds;
}

// Layout is how many channels and samples the data have.
struct Layout {
  size_t channels = 0;
  size_t samples = 0;
};

inline Channel ToChannel(const Data& data, std::optional<int64_t> padding, const Definition& definition, size_t channel,
                         const Layout& layout) {
  Channel result = {.name = definition.name, .mv = {}, .step_mv = std::abs(definition.mv_per_step)};
  result.mv.reserve(layout.samples);
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  const auto step = [&](size_t sample) { return data.at(sample * layout.channels + channel); };
  for (size_t i = 0; i < layout.samples; ++i) {
    const double mv = static_cast<double>(step(i)) * definition.mv_per_step + definition.mv_of_zero;
    result.mv.push_back(padding && step(i) == *padding ? kNaN : static_cast<float>(mv));
  }
  if (data.sample_bytes != 2 || !data.is_signed || padding) return result;
  for (size_t i = layout.samples; i > 0 && step(i - 1) == -32768; --i) result.mv[i - 1] = kNaN;
  return result;
}

inline std::string ChannelName(const DicomDataset& channel, size_t index) {
  const std::vector<DicomDataset>& sources = channel.Items(kSource);
  std::string name = sources.empty() ? "" : SourceName(sources.front());
  const std::string label = channel.Text(kChannelLabel);
  if (name.empty() || (!FindLead(name) && FindLead(label))) name = LeadName(label);
  return name.empty() ? absl::StrCat("channel ", index + 1) : name;
}

// ReadGroup returns the strip of a multiplex group, which messages call `name`.
inline absl::StatusOr<Strip> ReadGroup(const DicomDataset& group, absl::string_view name, Recording* recording) {
  Layout layout = {.channels = group.Whole(kChannels), .samples = group.Whole(kSamples)};
  const std::optional<double> hz = group.Number(kFrequency);
  ECG_ASSIGN_OR_RETURN(const Data data, ReadData(group));
  if (layout.channels == 0 || layout.samples == 0 || !hz || *hz <= 0) {
    return absl::DataLossError(absl::StrCat(layout.channels, " channels of ", layout.samples,
                                            " samples with a frequency of ", group.Text(kFrequency),
                                            " Hz; the file is damaged"));
  }
  const size_t there = data.bytes.size() / data.sample_bytes / layout.channels;
  if (there == 0) return absl::DataLossError("no samples; the file is cut short or damaged");
  if (there < layout.samples) {
    recording->notes.push_back(absl::StrCat(name, " states ", layout.samples, " samples, ", there, " found"));
    layout.samples = there;
  }
  const std::vector<DicomDataset>& definitions = group.Items(kDefinitions);
  if (definitions.size() < layout.channels) {
    return absl::DataLossError(
        absl::StrCat(layout.channels, " channels, of which ", definitions.size(), " are defined; the file is damaged"));
  }
  Strip strip = {.sampling_frequency_hz = *hz, .channels = {}};
  if (IsBeat(group, static_cast<double>(layout.samples) / *hz)) strip.kind = Strip::Kind::kRepresentativeBeat;
  strip.start_seconds = group.Number(kGroupOffset).value_or(0) / 1000;
  const std::optional<int64_t> padding = Padding(group, data);
  std::vector<std::string> others;
  for (size_t i = 0; i < layout.channels; ++i) {
    Definition definition = {.name = ChannelName(definitions[i], i)};
    if (!ReadScale(definitions[i], &definition, &recording->notes)) {
      others.push_back(definition.name);
      continue;
    }
    if (recording->filters.empty()) recording->filters = Filters(definitions[i]);
    strip.channels.push_back(ToChannel(data, padding, definition, i, layout));
  }
  if (!others.empty()) {
    recording->notes.push_back(absl::StrCat("left out, as they are no voltages: ", absl::StrJoin(others, ", ")));
  }
  if (const size_t missing = strip.DropMissingEnd(); missing > 0) {
    recording->notes.push_back(absl::StrCat(name, " ends with ", missing, " missing samples, which are left out"));
  }
  return strip;
}

// RecordedAt returns the begin: "20080710165457.5" is 2008-07-10T16:54:57.5.
inline std::string RecordedAt(const DicomDataset& dataset) {
  std::string digits = dataset.Text(kAcquisitionDateTime);
  if (digits.size() < 8) digits = dataset.Text(kAcquisitionDate) + dataset.Text(kAcquisitionTime);
  if (digits.size() < 8) digits = dataset.Text(kContentDate) + dataset.Text(kContentTime);
  if (digits.size() < 8) digits = dataset.Text(kStudyDate) + dataset.Text(kStudyTime);
  digits = digits.substr(0, digits.find_first_not_of("0123456789."));  // a time zone may follow
  if (digits.size() < 8) return "";
  std::string text = absl::StrCat(digits.substr(0, 4), "-", digits.substr(4, 2), "-", digits.substr(6, 2));
  if (digits.size() < 12) return text;
  absl::StrAppend(&text, "T", digits.substr(8, 2), ":", digits.substr(10, 2), ":",
                  digits.size() < 14 ? "00" : digits.substr(12));
  // ".000000" says nothing.
  if (const size_t point = text.find('.'); point != std::string::npos) {
    text.resize(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

// Positive returns the number in `text` times `factor`, or nothing if it is none, or not positive.
inline std::optional<double> Positive(absl::string_view text, double factor) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !(number > 0)) return std::nullopt;
  return number * factor;
}

inline std::optional<double> Age(absl::string_view text) {
  double number = 0;
  if (text.size() < 2 || !absl::SimpleAtod(text.substr(0, text.size() - 1), &number) || !(number >= 0)) {
    return std::nullopt;
  }
  switch (text.back()) {
    case 'Y':
      return number;
    case 'M':
      return number / 12;
    case 'W':
      return number / 52.18;
    case 'D':
      return number / 365.25;
    default:
      return std::nullopt;
  }
}

// FormatName returns the name of the storage class.
inline std::string FormatName(const DicomDataset& dataset) {
  static constexpr std::pair<absl::string_view, absl::string_view> kClasses[] = {
      {"1.1", "12-lead ECG"},      {"1.2", "general ECG"}, {"1.3", "ambulatory ECG"},
      {"1.4", "32-bit ECG"},       {"2.1", "hemodynamic"}, {"3.1", "cardiac electrophysiology"},
      {"5.1", "arterial pulse"},   {"6.1", "respiratory"}, {"6.2", "multi-channel respiratory"},
      {"7.1", "routine scalp EEG"}};
  const std::string uid = dataset.Text(kDicomSopClassUid);
  absl::string_view number = uid;
  if (absl::ConsumePrefix(&number, "1.2.840.10008.5.1.4.1.1.9.")) {
    for (const auto& [own, name] : kClasses) {
      if (number == own) return absl::StrCat("DICOM ", name);
    }
  }
  return "DICOM";
}

// ReadDicom reads a file, step by step.
inline absl::StatusOr<Recording> ReadDicom(const RecordingFile& file) {
  ECG_ASSIGN_OR_RETURN(const DicomFile parsed, DicomFile::Parse(file.bytes));
  const DicomDataset& dataset = parsed.dataset();
  const auto error = [&](absl::string_view what) {
    const bool is_whole = parsed.error().empty();
    return absl::DataLossError(
        absl::StrCat(what, is_whole ? "" : absl::StrCat("; ", parsed.error(), ": the file is cut short or damaged")));
  };
  Recording recording;
  recording.format = FormatName(dataset);
  const std::vector<DicomDataset>& groups = dataset.Items(kGroups);
  if (groups.empty()) {
    return error(absl::StrCat("the object has no waveforms (class ", dataset.Text(kDicomSopClassUid), ")"));
  }
  std::vector<std::string> failed;
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::string label = groups[i].Text(kGroupLabel);
    const std::string name = absl::StrCat("group ", i + 1, label.empty() ? "" : absl::StrCat(" (", label, ")"));
    absl::StatusOr<Strip> strip = ReadGroup(groups[i], name, &recording);
    if (!strip.ok()) failed.push_back(absl::StrCat(name, ": ", strip.status().message()));
    if (strip.ok() && strip->samples() > 0) recording.strips.push_back(*std::move(strip));
  }
  if (recording.strips.empty()) {
    return error(failed.empty() ? "no channel has samples of a voltage" : absl::StrJoin(failed, "; "));
  }
  for (const std::string& what : failed) recording.notes.push_back(absl::StrCat("left out: ", what));
  if (!parsed.error().empty()) {
    recording.notes.push_back(absl::StrCat(parsed.error(), ": the file is cut short or damaged"));
  }
  const double start = recording.strips.front().start_seconds;
  for (Strip& strip : recording.strips) strip.start_seconds -= start;
  recording.recorded_at = RecordedAt(dataset);
  recording.machine = absl::StrCat(dataset.Text(kMaker), " ", dataset.Text(kModel));
  absl::StripAsciiWhitespace(&recording.machine);
  const std::string sex = dataset.Text(kSex);
  recording.sex = sex == "M" ? "male" : sex == "F" ? "female" : "";
  recording.age_years = Age(dataset.Text(kAge));
  recording.height_cm = Positive(dataset.Text(kSize), 100);  // stored in metres
  recording.weight_kg = Positive(dataset.Text(kWeight), 1);
  return recording;
}

}  // namespace dicom_internal

// Dicom reads DICOM files.
struct Dicom {
  static constexpr absl::string_view kName = "DICOM";

  static bool Recognises(const RecordingFile& file) { return DicomFile::Recognises(file.bytes); }

  static absl::StatusOr<Recording> Read(const RecordingFile& file) { return dicom_internal::ReadDicom(file); }
};

static_assert(RecordingFormat<Dicom>);

}  // namespace ecg

#endif  // ECG_SIGNAL_DICOM_H_

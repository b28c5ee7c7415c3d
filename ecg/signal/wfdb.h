// wfdb.h
//
// Records in the format of PhysioNet's WFDB software: a text file `.hea` that describes the signals, and binary files
// that hold their samples.
//
//   ECG_ASSIGN_OR_RETURN(Signal signal, ReadWfdb("records500/00000/00001_hr"));
//
// What is read: one segment, one sample per frame, formats 16, 24, 32, 80 and 212, in one file or several. Everything
// that the header promises is checked, and whatever is missing or does not fit is an error.
//
// Formats: https://physionet.org/physiotools/wag/header-5.htm and https://physionet.org/physiotools/wag/signal-5.htm

#ifndef ECG_SIGNAL_WFDB_H_
#define ECG_SIGNAL_WFDB_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/file.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// WfdbSignal is what a header says about one signal.
struct WfdbSignal {
  // file is the name of the file with the samples, in the header's own folder.
  std::string file;
  // format is how the samples are stored: 16, 24, 32, 80 or 212.
  int format = 0;
  // skew is how many samples the signal comes late in the file.
  int skew = 0;
  // byte_offset is where the samples start in the file.
  int64_t byte_offset = 0;
  // calibration is in mV, whatever unit the header uses.
  Calibration calibration;
  // initial_value is the first sample that the file stores, when the header says it.
  std::optional<int64_t> initial_value;
  // checksum is the sum of the samples that the file stores, modulo 2^16, when the header says it.
  std::optional<int64_t> checksum;
  // description names the signal, in an electrocardiogram the lead.
  std::string description;
};

// WfdbHeader is what a `.hea` file says.
struct WfdbHeader {
  std::string record;
  int sampling_frequency_hz = 0;
  // samples is the number of samples of each signal.
  int samples = 0;
  std::vector<WfdbSignal> signals;
  // comments are the lines that follow the signals, without "#" and the space around.
  std::vector<std::string> comments;
};

// The sample formats. Each has the number of bytes that `count` samples take, sample `index` of a file, and the sample
// that means that there is none.

// Wfdb16 is 16-bit two's complement, low byte first.
struct Wfdb16 {
  static constexpr int32_t kMissing = -0x8000;
  static int64_t Bytes(int64_t count) { return 2 * count; }
  static int32_t At(const uint8_t* bytes, int64_t index) {
    return static_cast<int16_t>(bytes[2 * index] | bytes[2 * index + 1] << 8);
  }
};

// Wfdb24 is 24-bit two's complement, low byte first.
struct Wfdb24 {
  static constexpr int32_t kMissing = -0x800000;
  static int64_t Bytes(int64_t count) { return 3 * count; }
  static int32_t At(const uint8_t* bytes, int64_t index) {
    const uint8_t* sample = bytes + 3 * index;
    return static_cast<int32_t>(sample[0] << 8 | sample[1] << 16 | uint32_t{sample[2]} << 24) >> 8;
  }
};

// Wfdb32 is 32-bit two's complement, low byte first.
struct Wfdb32 {
  static constexpr int32_t kMissing = std::numeric_limits<int32_t>::min();
  static int64_t Bytes(int64_t count) { return 4 * count; }
  static int32_t At(const uint8_t* bytes, int64_t index) {
    const uint8_t* sample = bytes + 4 * index;
    return static_cast<int32_t>(sample[0] | sample[1] << 8 | sample[2] << 16 | uint32_t{sample[3]} << 24);
  }
};

// Wfdb80 is 8-bit offset binary: 128 stands for 0.
struct Wfdb80 {
  static constexpr int32_t kMissing = -0x80;
  static int64_t Bytes(int64_t count) { return count; }
  static int32_t At(const uint8_t* bytes, int64_t index) { return bytes[index] - 0x80; }
};

// Wfdb212 is 12-bit two's complement, two samples in three bytes: low byte of the first; high four bits of the second
// and of the first; low byte of the second.
struct Wfdb212 {
  static constexpr int32_t kMissing = -0x800;
  static int64_t Bytes(int64_t count) { return (3 * count + 1) / 2; }
  static int32_t At(const uint8_t* bytes, int64_t index) {
    const uint8_t* pair = bytes + index / 2 * 3;
    const uint32_t sample = index % 2 == 0 ? pair[0] | (pair[1] & 0x0fu) << 8 : pair[2] | (pair[1] & 0xf0u) << 4;
    return static_cast<int32_t>(sample << 20) >> 20;
  }
};

namespace wfdb_internal {

// VisitFormat returns visit(Wfdb16{}) and so on for the number of a format, or an error for one that is not supported.
template <typename Visitor>
absl::Status VisitFormat(int format, Visitor visit) {
  switch (format) {
    case 16:
      return visit(Wfdb16());
    case 24:
      return visit(Wfdb24());
    case 32:
      return visit(Wfdb32());
    case 80:
      return visit(Wfdb80());
    case 212:
      return visit(Wfdb212());
    default:
      return absl::UnimplementedError(
          absl::StrCat("sample format ", format, " is not supported; the supported ones are 16, 24, 32, 80 and 212"));
  }
}

// UnitsPerMv returns how many `units` one mV is.
inline absl::StatusOr<double> UnitsPerMv(absl::string_view units) {
  if (units == "mV") return 1;
  if (units == "uV") return 1000;
  if (units == "V") return 0.001;
  return absl::UnimplementedError(
      absl::StrCat("the unit \"", units, "\" is not supported; the supported ones are V, mV and uV"));
}

// Number parses an integer field.
template <typename Integer>
absl::Status Number(absl::string_view field, absl::string_view what, Integer min, Integer* number) {
  if (absl::SimpleAtoi(field, number) && *number >= min) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(what, " is \"", field, "\", not an integer of at least ", min));
}

// NextField cuts the first field off `line`, and returns it; empty at the end of the line.
inline absl::string_view NextField(absl::string_view* line) {
  *line = absl::StripLeadingAsciiWhitespace(*line);
  const absl::string_view field = line->substr(0, line->find_first_of(" \t"));
  line->remove_prefix(field.size());
  return field;
}

// name[/segments] signals [frequency[/counter frequency[(base)]] [samples [time [date]]]]
inline absl::Status ParseRecordLine(absl::string_view line, WfdbHeader* header, int* signals) {
  const absl::string_view name = NextField(&line);
  if (const size_t slash = name.find('/'); slash != name.npos) {
    return absl::UnimplementedError(absl::StrCat("the record has several segments (", name.substr(slash + 1),
                                                 "); only records of one segment are supported"));
  }
  header->record = std::string(name);
  ECG_RETURN_IF_ERROR(Number(NextField(&line), "the number of signals", 1, signals));
  absl::string_view frequency = NextField(&line);
  frequency = frequency.substr(0, frequency.find('/'));
  double frequency_hz = 250;
  if (!frequency.empty() && !absl::SimpleAtod(frequency, &frequency_hz)) frequency_hz = 0;
  if (!(frequency_hz >= 1 && frequency_hz <= 1e6) || frequency_hz != std::floor(frequency_hz)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the sampling frequency is \"", frequency, "\", not a whole number of Hz"));
  }
  header->sampling_frequency_hz = static_cast<int>(frequency_hz);
  const absl::string_view samples = NextField(&line);
  if (samples.empty() || samples == "0") {
    return absl::UnimplementedError(
        "the header does not say how many samples each signal has, so nothing would tell a whole file from a part of "
        "one; write the number behind the sampling frequency");
  }
  return Number(samples, "the number of samples", 1, &header->samples);
}

// file format[xN][:skew][+offset] [gain[(baseline)][/units] [resolution [zero [initial value [checksum [block size
// [description]]]]]]]
inline absl::Status ParseSignalLine(absl::string_view line, WfdbSignal* signal) {
  signal->file = std::string(NextField(&line));
  if (signal->file.find_first_of("/\\") != std::string::npos || signal->file[0] == '.' || signal->file == "-" ||
      signal->file == "~") {
    return absl::InvalidArgumentError(
        absl::StrCat("the samples are said to be in \"", signal->file,
                     "\"; only the name of a file in the header's own folder is accepted"));
  }

  absl::string_view format = NextField(&line);
  const auto suffix = [&format](char mark) -> absl::string_view {
    const size_t position = format.rfind(mark);
    if (position == format.npos) return "";
    const absl::string_view found = format.substr(position + 1);
    format = format.substr(0, position);
    return found.empty() ? "nothing" : found;
  };
  const absl::string_view offset = suffix('+');
  const absl::string_view skew = suffix(':');
  const absl::string_view samples_per_frame = suffix('x');
  ECG_RETURN_IF_ERROR(Number(format, "the sample format", 0, &signal->format));
  ECG_RETURN_IF_ERROR(VisitFormat(signal->format, [](auto) { return absl::OkStatus(); }));
  if (!offset.empty()) ECG_RETURN_IF_ERROR(Number<int64_t>(offset, "the byte offset", 0, &signal->byte_offset));
  if (!skew.empty()) ECG_RETURN_IF_ERROR(Number(skew, "the skew", 0, &signal->skew));
  if (!samples_per_frame.empty() && samples_per_frame != "1") {
    return absl::UnimplementedError(
        absl::StrCat("the signal has ", samples_per_frame, " samples in a frame; only one is supported"));
  }

  absl::string_view gain = NextField(&line);
  absl::string_view units = "mV";
  if (const size_t slash = gain.find('/'); slash != gain.npos) {
    units = gain.substr(slash + 1);
    gain = gain.substr(0, slash);
  }
  absl::string_view baseline;
  if (const size_t parenthesis = gain.find('('); parenthesis != gain.npos) {
    baseline = gain.substr(parenthesis + 1);
    gain = gain.substr(0, parenthesis);
    if (!absl::ConsumeSuffix(&baseline, ")")) {
      return absl::InvalidArgumentError(absl::StrCat("the baseline \"(", baseline, "\" is not closed with \")\""));
    }
  }
  double units_gain = 0;
  if (!gain.empty() && (!absl::SimpleAtod(gain, &units_gain) || !std::isfinite(units_gain))) {
    return absl::InvalidArgumentError(absl::StrCat("the gain is \"", gain, "\", not a number"));
  }
  if (units_gain == 0) units_gain = 200;  // the format's default
  ECG_ASSIGN_OR_RETURN(const double units_per_mv, UnitsPerMv(units));
  signal->calibration.gain = units_gain * units_per_mv;

  NextField(&line);  // the resolution of the converter
  constexpr int32_t kLowest = std::numeric_limits<int32_t>::min();
  int32_t zero = 0;
  if (const auto field = NextField(&line); !field.empty()) {
    ECG_RETURN_IF_ERROR(Number(field, "the zero of the converter", kLowest, &zero));
  }
  signal->calibration.baseline = zero;
  if (!baseline.empty()) {
    ECG_RETURN_IF_ERROR(Number(baseline, "the baseline", kLowest, &signal->calibration.baseline));
  }
  if (const auto field = NextField(&line); !field.empty()) {
    ECG_RETURN_IF_ERROR(Number<int64_t>(field, "the initial value", kLowest, &signal->initial_value.emplace()));
  }
  if (const auto field = NextField(&line); !field.empty()) {
    ECG_RETURN_IF_ERROR(Number<int64_t>(field, "the checksum", kLowest, &signal->checksum.emplace()));
  }
  NextField(&line);  // the block size
  signal->description = std::string(absl::StripAsciiWhitespace(line));
  return absl::OkStatus();
}

// Group is the signals whose samples take turns in one file.
using Group = std::vector<const WfdbSignal*>;

// ReadGroup reads the signals of one file, and puts those that are a lead into `result`.
template <typename Format>
absl::Status ReadGroup(const WfdbHeader& header, const Group& group, const std::filesystem::path& path,
                       Signal* result) {
  const WfdbSignal& first = *group[0];
  int64_t frames = header.samples;
  for (const WfdbSignal* signal : group) {
    frames = std::max(frames, int64_t{header.samples} + signal->skew);
    if (signal->format != first.format || signal->byte_offset != first.byte_offset) {
      return absl::UnimplementedError(absl::StrCat(path.string(),
                                                   ": the header gives the signals of this file "
                                                   "different formats or byte offsets"));
    }
  }
  ECG_ASSIGN_OR_RETURN(const std::string file, ReadFile(path));
  const int64_t stride = static_cast<int64_t>(group.size());
  const int64_t expected = first.byte_offset + Format::Bytes(frames * stride);
  if (static_cast<int64_t>(file.size()) < expected) {
    return absl::DataLossError(absl::StrCat(path.string(), ": ", expected, " bytes expected (", stride, " signals of ",
                                            frames, " samples in format ", first.format, " from byte ",
                                            first.byte_offset, "), ", file.size(),
                                            " found; the file is cut short, fetch it again"));
  }
  // Not before now: a broken header can promise anything, and the file has turned out to hold it.
  result->digital.resize(static_cast<size_t>(kLeads) * header.samples);
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(file.data()) + first.byte_offset;
  std::vector<int16_t> left_out(header.samples);  // where signals that are no lead go
  for (int64_t channel = 0; channel < stride; ++channel) {
    const WfdbSignal& signal = *group[channel];
    const auto stored = [&](int64_t frame) { return Format::At(bytes, frame * stride + channel); };
    const auto context = [&] { return absl::StrCat(path.string(), ": lead ", signal.description, ": "); };
    const std::optional<int> lead = FindLead(signal.description);
    int16_t* out = lead ? result->digital.data() + static_cast<size_t>(*lead) * header.samples : left_out.data();
    uint32_t sum = 0;
    bool good = true;
    for (int sample = 0; sample < header.samples; ++sample) {
      const int32_t value = stored(sample + signal.skew);
      out[sample] = static_cast<int16_t>(value);
      sum += static_cast<uint32_t>(value);
      good &= value != Format::kMissing && value == out[sample];
    }
    // Initial value and checksum are those of the samples as they are stored, before the skew is taken out.
    if (signal.skew != 0) {
      sum = 0;
      for (int frame = 0; frame < header.samples; ++frame) sum += static_cast<uint32_t>(stored(frame));
    }
    if (signal.initial_value && *signal.initial_value != stored(0)) {
      return absl::DataLossError(absl::StrCat(context(), "the first sample is ", stored(0), ", the header says ",
                                              *signal.initial_value, "; the file is damaged, fetch it again"));
    }
    if (signal.checksum && static_cast<uint16_t>(sum) != static_cast<uint16_t>(*signal.checksum)) {
      return absl::DataLossError(absl::StrCat(context(), "the checksum is ", static_cast<uint16_t>(sum),
                                              ", the header says ", static_cast<uint16_t>(*signal.checksum),
                                              "; the file is damaged, fetch it again"));
    }
    if (!lead) continue;
    for (int sample = 0; !good && sample < header.samples; ++sample) {
      const int32_t value = stored(sample + signal.skew);
      if (value == Format::kMissing) {
        return absl::DataLossError(absl::StrCat(context(), "sample ", sample, " is marked as missing (", value, ")"));
      }
      if (value != out[sample]) {
        return absl::OutOfRangeError(
            absl::StrCat(context(), "sample ", sample, " is ", value, ", which does not fit 16 bits"));
      }
    }
    result->calibration[*lead] = signal.calibration;
  }
  return absl::OkStatus();
}

}  // namespace wfdb_internal

// ParseWfdbHeader reads the text of a `.hea` file; messages call it `name`.
inline absl::StatusOr<WfdbHeader> ParseWfdbHeader(absl::string_view text, absl::string_view name) {
  WfdbHeader header;
  int signals = -1;  // not known before the record line
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    const bool complete = signals == static_cast<int>(header.signals.size());
    if (absl::ConsumePrefix(&line, "#")) {
      if (complete) header.comments.emplace_back(absl::StripAsciiWhitespace(line));
      continue;
    }
    absl::Status status;
    if (signals < 0) {
      status = wfdb_internal::ParseRecordLine(line, &header, &signals);
    } else if (complete) {
      status = absl::InvalidArgumentError(absl::StrCat("a line behind the ", signals, " signals"));
    } else {
      status = wfdb_internal::ParseSignalLine(line, &header.signals.emplace_back());
    }
    if (!status.ok()) return WithContext(status, absl::StrCat(name, ":", line_number));
  }
  if (signals != static_cast<int>(header.signals.size())) {
    return absl::InvalidArgumentError(signals < 0 ? absl::StrCat(name, ": the header is empty")
                                                  : absl::StrCat(name, ": ", header.signals.size(), " of ", signals,
                                                                 " signals; the header is cut short"));
  }
  return header;
}

// ReadWfdb reads the twelve leads of the record whose header is `record` + ".hea", found by name and put into the order
// of kLeadNames. Signals that are no lead are checked, but left out. It verifies each signal's initial value and
// checksum where the header has them.
inline absl::StatusOr<Signal> ReadWfdb(const std::filesystem::path& record) {
  const std::string name = record.string() + ".hea";
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(name));
  ECG_ASSIGN_OR_RETURN(const WfdbHeader header, ParseWfdbHeader(text, name));

  std::array<int, kLeads> found = {};
  std::vector<wfdb_internal::Group> groups;
  for (const WfdbSignal& signal : header.signals) {
    if (const std::optional<int> lead = FindLead(signal.description)) ++found[*lead];
    auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g[0]->file == signal.file; });
    if (group == groups.end()) group = groups.emplace(group);
    group->push_back(&signal);
  }
  for (int lead = 0; lead < kLeads; ++lead) {
    if (found[lead] == 1) continue;
    const auto description = [](std::string* out, const WfdbSignal& signal) { out->append(signal.description); };
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", found[lead], " signals called ", kLeadNames[lead],
                                                   ", one expected; the signals are ",
                                                   absl::StrJoin(header.signals, ", ", description)));
  }

  Signal signal;
  signal.sampling_frequency_hz = header.sampling_frequency_hz;
  signal.samples = header.samples;
  signal.checksums_verified = true;  // a lead with a name also has a checksum, which is the field before
  for (const wfdb_internal::Group& group : groups) {
    ECG_RETURN_IF_ERROR(wfdb_internal::VisitFormat(group[0]->format, [&](auto format) {
      return wfdb_internal::ReadGroup<decltype(format)>(header, group, record.parent_path() / group[0]->file, &signal);
    }));
  }
  return signal;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_WFDB_H_

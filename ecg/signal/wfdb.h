// wfdb.h
//
// Records in the format of PhysioNet's WFDB software: a text file `.hea` that describes the signals, and binary files
// that hold their samples.
//
//   ECG_ASSIGN_OR_RETURN(Signal signal, ReadWfdb("records500/00000/00001_hr"));
//
// What is read: one segment, one sample of each lead per frame, formats 16, 24, 32, 80 and 212, in one file or several.
// Everything that the header states of the twelve leads is checked, and whatever is missing or does not fit is an
// error. Other signals are left out, and their units, rates and files are not checked.
//
// Where a header names a MATLAB file of version 5, which programs save in place of the version 4 that "format 16 from
// byte 24" stands for, the samples are those of its matrix `val`.
//
// Formats: https://physionet.org/physiotools/wag/header-5.htm and https://physionet.org/physiotools/wag/signal-5.htm

#ifndef ECG_SIGNAL_WFDB_H_
#define ECG_SIGNAL_WFDB_H_

#include <algorithm>
#include <array>
#include <cassert>
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
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/file.h"
#include "ecg/signal/digitise.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/mat.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/unit.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// WfdbSignal is what a header states about one signal.
struct WfdbSignal {
  // description names the signal, in an electrocardiogram the lead.
  std::string description;
  // lead is the place of the signal in kLeadNames; nothing when it is no lead, or another signal has the plain name.
  std::optional<int> lead;
  // file is the name of the file with the samples, in the header's own folder.
  std::string file;
  // format is how the samples are stored: 16, 24, 32, 80 or 212; 0 when the header names no such format.
  int format = 0;
  // samples_per_frame is how many samples of the signal come one after the other; 1 for a lead.
  int samples_per_frame = 1;
  // skew is how many samples the signal comes late in the file.
  int skew = 0;
  // byte_offset is where the samples start in the file.
  int64_t byte_offset = 0;
  // calibration is in mV, whatever unit the header uses.
  Calibration calibration;
  // initial_value is the first sample that the file stores, when the header states it.
  std::optional<int64_t> initial_value;
  // checksum is the sum of the samples that the file stores, modulo 2^16, when the header states it.
  std::optional<int64_t> checksum;
  // problem is what is wrong with the line of a signal that is no lead. With a lead it is an error of the header.
  absl::Status problem;
};

// WfdbHeader is what a `.hea` file states.
struct WfdbHeader {
  std::string record;
  // sampling_frequency_hz is the number of frames a second, which need not be a whole number.
  double sampling_frequency_hz = 0;
  // samples is the number of samples of each signal.
  int samples = 0;
  // time and date are when the record begins, as the header has them ("12:00:00", "25/12/2001"); empty when not stated.
  std::string time, date;
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
//
// Some programs write the record's folder before its name, too. What stands behind the last slash is a number of
// segments only if it is a number; even then, `segments` may be the name of a record.
inline absl::Status ParseRecordLine(absl::string_view line, WfdbHeader* header, int* signals,
                                    absl::string_view* segments) {
  absl::string_view name = NextField(&line);
  if (const size_t slash = name.rfind('/'); slash != name.npos) {
    name.remove_prefix(slash + 1);
    if (!name.empty() && std::all_of(name.begin(), name.end(), absl::ascii_isdigit)) *segments = name;
  }
  header->record = std::string(name);
  ECG_RETURN_IF_ERROR(Number(NextField(&line), "the number of signals", 1, signals));
  absl::string_view frequency = NextField(&line);
  frequency = frequency.substr(0, frequency.find('/'));
  double frequency_hz = 250;
  if (!frequency.empty() && !absl::SimpleAtod(frequency, &frequency_hz)) frequency_hz = 0;
  if (!(frequency_hz > 0 && frequency_hz <= 1e6)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the sampling frequency is \"", frequency, "\", not a number of Hz"));
  }
  header->sampling_frequency_hz = frequency_hz;
  const absl::string_view samples = NextField(&line);
  if (samples.empty() || samples == "0") {
    return absl::UnimplementedError(
        "the header does not say how many samples each signal has, so nothing would tell a whole file from a part of "
        "one; write the number behind the sampling frequency");
  }
  header->time = std::string(NextField(&line));
  header->date = std::string(NextField(&line));
  return Number(samples, "the number of samples", 1, &header->samples);
}

// SignalLine is the fields of one signal's line:
//
//   file format[xN][:skew][+offset] [gain[(baseline)][/units] [resolution [zero [initial value [checksum [block size
//   [description]]]]]]]
struct SignalLine {
  int number = 0;  // of the line in the header
  absl::string_view file, format, gain, zero, initial_value, checksum, description;
};

inline SignalLine SplitSignalLine(int number, absl::string_view line) {
  SignalLine fields = {.number = number,
                       .file = NextField(&line),
                       .format = NextField(&line),
                       .gain = NextField(&line),
                       .zero = {},
                       .initial_value = {},
                       .checksum = {},
                       .description = {}};
  NextField(&line);  // the resolution of the converter
  fields.zero = NextField(&line);
  fields.initial_value = NextField(&line);
  fields.checksum = NextField(&line);
  NextField(&line);  // the block size
  fields.description = absl::StripAsciiWhitespace(line);
  return fields;
}

// FindLeads returns which lead each signal is. Where one has a lead's plain name, others that would be the same lead
// ("II" beside "ECG II") are none.
inline std::vector<std::optional<int>> FindLeads(const std::vector<SignalLine>& lines) {
  std::array<bool, kLeads> is_plain = {};
  for (const SignalLine& line : lines) {
    if (const std::optional<int> lead = FindPlainLead(line.description)) is_plain[*lead] = true;
  }
  std::vector<std::optional<int>> leads;
  for (const SignalLine& line : lines) {
    std::optional<int>& lead = leads.emplace_back(FindLead(line.description));
    if (lead && is_plain[*lead] && !FindPlainLead(line.description)) lead.reset();
  }
  return leads;
}

inline absl::Status ParseFormat(absl::string_view format, WfdbSignal* signal) {
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
  if (!offset.empty()) {
    ECG_RETURN_IF_ERROR(Number<int64_t>(offset, "the byte offset", 0, &signal->byte_offset));
    if (signal->byte_offset > int64_t{1} << 50) {  // so that nothing can be added to it that overflows
      return absl::InvalidArgumentError(absl::StrCat("the byte offset is ", offset, ", more than any file has"));
    }
  }
  if (!skew.empty()) ECG_RETURN_IF_ERROR(Number(skew, "the skew", 0, &signal->skew));
  if (!samples_per_frame.empty()) {
    ECG_RETURN_IF_ERROR(Number(samples_per_frame, "the number of samples in a frame", 1, &signal->samples_per_frame));
  }
  return absl::OkStatus();
}

// ParseCalibration reads gain(baseline)/units, and the zero of the converter, which is the baseline by default.
inline absl::Status ParseCalibration(absl::string_view gain, absl::string_view zero, WfdbSignal* signal) {
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
  constexpr int32_t kLowest = std::numeric_limits<int32_t>::min();
  signal->calibration.baseline = 0;
  if (!zero.empty()) {
    ECG_RETURN_IF_ERROR(Number(zero, "the zero of the converter", kLowest, &signal->calibration.baseline));
  }
  if (!baseline.empty()) {
    ECG_RETURN_IF_ERROR(Number(baseline, "the baseline", kLowest, &signal->calibration.baseline));
  }
  return absl::OkStatus();
}

inline absl::Status ParseSignalLine(const SignalLine& line, WfdbSignal* signal) {
  signal->file = std::string(line.file);
  // The format comes first: it tells where the samples of other signals lie.
  if (absl::Status status = ParseFormat(line.format, signal); !status.ok()) {
    signal->format = 0;
    return status;
  }
  if (signal->lead && signal->samples_per_frame != 1) {
    return absl::UnimplementedError(
        absl::StrCat("the signal has ", signal->samples_per_frame, " samples in a frame; only one is supported"));
  }
  if (line.file.find_first_of("/\\") != line.file.npos || line.file[0] == '.' || line.file == "-" || line.file == "~") {
    return absl::InvalidArgumentError(
        absl::StrCat("the file of the samples is \"", line.file,
                     "\"; only the name of a file in the header's own folder is accepted"));
  }
  ECG_RETURN_IF_ERROR(ParseCalibration(line.gain, line.zero, signal));
  constexpr int64_t kLowest = std::numeric_limits<int32_t>::min();
  if (!line.initial_value.empty()) {
    ECG_RETURN_IF_ERROR(Number(line.initial_value, "the initial value", kLowest, &signal->initial_value.emplace()));
  }
  if (!line.checksum.empty()) {
    ECG_RETURN_IF_ERROR(Number(line.checksum, "the checksum", kLowest, &signal->checksum.emplace()));
  }
  return absl::OkStatus();
}

// ParseSignalLines reads the lines of all signals. What is wrong with one that is no lead is noted there.
inline absl::Status ParseSignalLines(const std::vector<SignalLine>& lines, absl::string_view name, WfdbHeader* header) {
  const std::vector<std::optional<int>> leads = FindLeads(lines);
  for (size_t i = 0; i < lines.size(); ++i) {
    WfdbSignal& signal = header->signals.emplace_back();
    signal.description = std::string(lines[i].description);
    signal.lead = leads[i];
    signal.problem = WithContext(ParseSignalLine(lines[i], &signal), absl::StrCat(name, ":", lines[i].number));
    if (signal.lead && !signal.problem.ok()) return signal.problem;
  }
  return absl::OkStatus();
}

// ForgetPlaceholders drops initial values, and checksums, that are 0 in every lead: programs write that which do not
// compute them.
inline void ForgetPlaceholders(WfdbHeader* header) {
  for (std::optional<int64_t> WfdbSignal::*field : {&WfdbSignal::initial_value, &WfdbSignal::checksum}) {
    const auto states = [&](const WfdbSignal& signal) { return signal.lead && (signal.*field).value_or(0) != 0; };
    if (std::any_of(header->signals.begin(), header->signals.end(), states)) continue;
    for (WfdbSignal& signal : header->signals) (signal.*field).reset();
  }
}

// Group is the signals whose samples take turns in one file.
struct Group {
  std::vector<const WfdbSignal*> signals;
  int64_t stride = 0;  // samples in a frame
  int64_t frames = 0;

  const WfdbSignal& first() const { return *signals[0]; }
};

// MakeGroup returns the signals that share the file `file`, at least one of which is a lead.
inline absl::StatusOr<Group> MakeGroup(const WfdbHeader& header, const std::string& file, absl::string_view path) {
  Group group = {.signals = {}, .stride = 0, .frames = header.samples};
  for (const WfdbSignal& signal : header.signals) {
    if (signal.file != file) continue;
    group.signals.push_back(&signal);
    if (signal.format == 0 && !signal.problem.ok()) return signal.problem;
    if (signal.format != group.first().format || signal.byte_offset != group.first().byte_offset) {
      return absl::UnimplementedError(
          absl::StrCat(path, ": the header gives the signals of this file different formats or byte offsets"));
    }
    group.stride += signal.samples_per_frame;
    if (group.stride > 1 << 20) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": more than ", 1 << 20, " samples in a frame"));
    }
    if (signal.lead) group.frames = std::max(group.frames, int64_t{header.samples} + signal.skew);
  }
  return group;
}

// IsLaidOut tells whether the samples of a MATLAB file of version 4 lie where the header says.
inline bool IsLaidOut(const mat_internal::Head4& head, const Group& group) {
  return head.type == mat_internal::kInt16 && !head.swapped && !head.is_text_or_sparse && !head.is_complex &&
         group.first().format == 16 && group.first().byte_offset == static_cast<int64_t>(head.values_at()) &&
         head.rows == group.stride;
}

// GroupFile is the samples of a group, as they lie in its file: `bytes` in the group's format, or a MATLAB matrix.
struct GroupFile {
  std::string bytes;
  std::optional<MatMatrix> matrix;
};

// CheckMatrix returns an error unless `val` holds the digital samples of `group`, a row for each signal.
inline absl::Status CheckMatrix(const MatMatrix& val, const Group& group) {
  if (val.rows != group.stride || val.columns < group.frames) {
    return absl::InvalidArgumentError(absl::StrCat("val is ", val.rows, " x ", val.columns, ", where the header has ",
                                                   group.stride, " signals of ", group.frames, " samples"));
  }
  for (size_t i = 0; i < val.values.size(); ++i) {
    const double value = val.values[i];
    if (std::abs(value) <= std::numeric_limits<int32_t>::max() && value == std::floor(value)) continue;
    return absl::InvalidArgumentError(absl::StrCat("val(", i % val.rows + 1, ", ", i / val.rows + 1, ") is ", value,
                                                   ", not a whole number, where digital samples are expected"));
  }
  return absl::OkStatus();
}

// ReadGroupFile reads the file of `group`, and makes sure that all samples are in it.
inline absl::StatusOr<GroupFile> ReadGroupFile(const Group& group, const std::filesystem::path& path) {
  GroupFile file;
  ECG_ASSIGN_OR_RETURN(file.bytes, ReadFile(path));
  const WfdbSignal& first = group.first();
  if (absl::StartsWith(file.bytes, "MATLAB ") || absl::EqualsIgnoreCase(path.extension().string(), ".mat")) {
    const absl::StatusOr<mat_internal::Head4> head = mat_internal::ParseHead4(file.bytes);
    const MatVersion version = MatVersionOf(file.bytes);
    if (version == MatVersion::k5 || version == MatVersion::k73 ||
        (head.ok() && head->bytes() == file.bytes.size() && !IsLaidOut(*head, group))) {
      absl::StatusOr<MatMatrix> val = ParseMatMatrix(file.bytes, "val");
      const absl::Status status = val.ok() ? CheckMatrix(*val, group) : val.status();
      if (status.ok()) return GroupFile{.bytes = "", .matrix = *std::move(val)};
      return absl::Status(
          status.code(),
          absl::StrCat(path.string(), ": a MATLAB file of version ", version == MatVersion::k4 ? "4" : "5 or later",
                       ", whose samples do not lie where the header says (format ", first.format, " from byte ",
                       first.byte_offset,
                       first.format == 16 && first.byte_offset > 0 ? ", the layout of version 4" : "",
                       "), and whose matrix val cannot be read: ", status.message(),
                       "; save the samples as 16-bit integers, a row for each signal, as the matrix val"));
    }
  }
  int64_t expected = first.byte_offset;
  ECG_RETURN_IF_ERROR(VisitFormat(first.format, [&](auto format) {
    expected += format.Bytes(group.frames * group.stride);
    return absl::OkStatus();
  }));
  if (static_cast<int64_t>(file.bytes.size()) >= expected) return file;
  return absl::DataLossError(absl::StrCat(path.string(), ": ", expected, " bytes expected (", group.signals.size(),
                                          " signals of ", group.frames, " samples in format ", first.format,
                                          " from byte ", first.byte_offset, "), ", file.bytes.size(),
                                          " found; the file is cut short, or the header states too many samples"));
}

// Decode returns the samples that lie at `position` in each frame, [frames].
inline std::vector<int32_t> Decode(const GroupFile& file, const Group& group, int64_t position) {
  std::vector<int32_t> samples(group.frames);
  if (file.matrix) {
    for (int64_t frame = 0; frame < group.frames; ++frame) {
      samples[frame] = static_cast<int32_t>(file.matrix->at(static_cast<int>(position), static_cast<int>(frame)));
    }
    return samples;
  }
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(file.bytes.data()) + group.first().byte_offset;
  [[maybe_unused]] const absl::Status known = VisitFormat(group.first().format, [&](auto format) {
    int64_t index = position;
    for (int32_t& sample : samples) {
      sample = format.At(bytes, index);
      index += group.stride;
    }
    return absl::OkStatus();
  });
  assert(known.ok());
  return samples;
}

// CheckStored compares the first `samples` of `stored`, a signal's samples as they are stored, before the skew is taken
// out, with the initial value and the checksum that the header states.
inline absl::Status CheckStored(const WfdbSignal& signal, std::span<const int32_t> stored, int samples) {
  uint32_t sum = 0;
  for (const int32_t sample : stored.first(samples)) sum += static_cast<uint32_t>(sample);
  constexpr absl::string_view kAdvice = "; header and samples do not match: get both from the same source";
  if (signal.initial_value && *signal.initial_value != stored[0]) {
    return absl::DataLossError(
        absl::StrCat("the first sample is ", stored[0], ", the header says ", *signal.initial_value, kAdvice));
  }
  if (signal.checksum && static_cast<uint16_t>(sum) != static_cast<uint16_t>(*signal.checksum)) {
    return absl::DataLossError(absl::StrCat("the checksum is ", static_cast<uint16_t>(sum), ", the header says ",
                                            static_cast<uint16_t>(*signal.checksum), kAdvice));
  }
  return absl::OkStatus();
}

// MissingSample returns the sample that stands for none in the format of `signal`.
inline int32_t MissingSample(const WfdbSignal& signal) {
  int32_t missing = 0;
  [[maybe_unused]] const absl::Status known = VisitFormat(signal.format, [&](auto format) {
    missing = format.kMissing;
    return absl::OkStatus();
  });
  assert(known.ok());
  return missing;
}

// ReadLead checks the samples of one lead, as they are stored, and puts them into `result`.
inline absl::Status ReadLead(const WfdbSignal& signal, std::span<const int32_t> stored, Signal* result) {
  ECG_RETURN_IF_ERROR(CheckStored(signal, stored, result->samples));
  const int32_t missing = MissingSample(signal);
  const std::span<const int32_t> samples = stored.subspan(signal.skew, result->samples);
  if (const auto found = std::find(samples.begin(), samples.end(), missing); found != samples.end()) {
    return absl::DataLossError(
        absl::StrCat("sample ", found - samples.begin(), " is marked as missing (", missing, ")"));
  }
  Calibration& calibration = result->calibration[*signal.lead];
  ECG_ASSIGN_OR_RETURN(calibration,
                       FitTo16Bits(samples, signal.calibration,
                                   result->digital.data() + static_cast<size_t>(*signal.lead) * result->samples));
  if (calibration.gain != signal.calibration.gain) {
    result->rounding_mv = std::max(result->rounding_mv, RoundingMv(calibration));
  }
  return absl::OkStatus();
}

// ReadGroup reads the leads of one file into `result`.
inline absl::Status ReadGroup(const Group& group, const std::filesystem::path& path, Signal* result) {
  ECG_ASSIGN_OR_RETURN(const GroupFile file, ReadGroupFile(group, path));
  // Not before now: a broken header can promise anything, and the file has turned out to hold it.
  result->digital.resize(static_cast<size_t>(kLeads) * result->samples);
  int64_t position = 0;  // in a frame
  for (const WfdbSignal* signal : group.signals) {
    if (signal->lead) {
      const absl::Status status = ReadLead(*signal, Decode(file, group, position), result);
      if (!status.ok()) return WithContext(status, absl::StrCat(path.string(), ": lead ", signal->description));
    }
    position += signal->samples_per_frame;
  }
  return absl::OkStatus();
}

}  // namespace wfdb_internal

// ParseWfdbHeader reads the text of a `.hea` file; messages call it `name`.
inline absl::StatusOr<WfdbHeader> ParseWfdbHeader(absl::string_view text, absl::string_view name) {
  if (absl::StartsWith(text, "\xFF\xFE") || absl::StartsWith(text, "\xFE\xFF")) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": the text is in UTF-16; save it in UTF-8"));
  }
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");  // the byte order mark that editors of Windows write
  WfdbHeader header;
  std::vector<wfdb_internal::SignalLine> lines;
  int signals = -1;  // not known before the record line
  int record_line = 0;
  absl::string_view segments;
  int line_number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++line_number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty()) continue;
    const bool complete = signals == static_cast<int>(lines.size());
    if (absl::ConsumePrefix(&line, "#")) {
      if (complete) header.comments.emplace_back(absl::StripAsciiWhitespace(line));
      continue;
    }
    absl::Status status;
    if (signals < 0) {
      record_line = line_number;
      status = wfdb_internal::ParseRecordLine(line, &header, &signals, &segments);
    } else if (complete) {
      status = absl::InvalidArgumentError(absl::StrCat("a line behind the ", signals, " signals"));
    } else {
      lines.push_back(wfdb_internal::SplitSignalLine(line_number, line));
      // The line of a segment has two fields, its name and its number of samples.
      if (!segments.empty() && lines.back().gain.empty()) {
        return absl::UnimplementedError(absl::StrCat(name, ":", record_line, ": the record has several segments (",
                                                     segments, "); only records of one segment are supported"));
      }
    }
    if (!status.ok()) return WithContext(status, absl::StrCat(name, ":", line_number));
  }
  if (signals != static_cast<int>(lines.size())) {
    return absl::InvalidArgumentError(
        signals < 0 ? absl::StrCat(name, ": the header is empty")
                    : absl::StrCat(name, ": ", lines.size(), " of ", signals, " signals; the header is cut short"));
  }
  ECG_RETURN_IF_ERROR(wfdb_internal::ParseSignalLines(lines, name, &header));
  return header;
}

// ReadWfdb reads the twelve leads of the record whose header is `record` + ".hea", found by name (FindLead) and put
// into the order of kLeadNames. Signals that are no lead are left out. It verifies each lead's initial value and
// checksum where the header states them; one that is 0 in every lead is a placeholder. Samples that do not fit 16 bits
// are scaled (FitTo16Bits).
inline absl::StatusOr<Signal> ReadWfdb(const std::filesystem::path& record) {
  const std::string name = record.string() + ".hea";
  ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(name));
  ECG_ASSIGN_OR_RETURN(WfdbHeader header, ParseWfdbHeader(text, name));
  wfdb_internal::ForgetPlaceholders(&header);
  if (header.sampling_frequency_hz != std::floor(header.sampling_frequency_hz)) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": the sampling frequency is ", header.sampling_frequency_hz,
                                                   " Hz, not a whole number of Hz"));
  }

  std::array<int, kLeads> found = {};
  std::vector<std::string> files;
  for (const WfdbSignal& signal : header.signals) {
    if (!signal.lead) continue;
    ++found[*signal.lead];
    if (std::find(files.begin(), files.end(), signal.file) == files.end()) files.push_back(signal.file);
  }
  for (int lead = 0; lead < kLeads; ++lead) {
    if (found[lead] == 1) continue;
    const auto description = [](std::string* out, const WfdbSignal& signal) { out->append(signal.description); };
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", found[lead], " signals called ", kLeadNames[lead],
                                                   ", one expected; the signals are ",
                                                   absl::StrJoin(header.signals, ", ", description)));
  }

  Signal signal;
  signal.sampling_frequency_hz = static_cast<int>(header.sampling_frequency_hz);
  signal.samples = header.samples;
  signal.checksums_verified = std::all_of(header.signals.begin(), header.signals.end(), [](const WfdbSignal& lead) {
    return !lead.lead || lead.checksum.has_value();
  });
  for (const std::string& file : files) {
    const std::filesystem::path path = record.parent_path() / file;
    ECG_ASSIGN_OR_RETURN(const wfdb_internal::Group group, wfdb_internal::MakeGroup(header, file, path.string()));
    ECG_RETURN_IF_ERROR(wfdb_internal::ReadGroup(group, path, &signal));
  }
  return signal;
}

}  // namespace ecg

#endif  // ECG_SIGNAL_WFDB_H_

// edf.h
//
// Recordings in EDF and EDF+ files (https://www.edfplus.info/specs), and in BDF files, which differ in that samples
// have 24 bits (https://www.biosemi.com/faq/file_format.htm).
//
//   ECG_ASSIGN_OR_RETURN(const std::string bytes, ReadFile("patient.edf"));
//   ECG_ASSIGN_OR_RETURN(Recording recording, Edf::Read({.path = "patient.edf", .bytes = bytes}));
//
// Signals of one rate make a strip. A file with interruptions (EDF+D) has strips for each part between them, with
// start_seconds as the file states it: no samples are made up for an interruption, which may last for days. Signals
// that are no voltage are left out, and noted.
//
// A number is missing where it is the most negative one and the header leaves that out of the digital range, as
// edf_writer.h does: EDF has no other way to say so.

#ifndef ECG_SIGNAL_EDF_H_
#define ECG_SIGNAL_EDF_H_

#include <algorithm>
#include <array>
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
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/byte_reader.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/unit.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace edf_internal {

constexpr size_t kHeadBytes = 256;
constexpr size_t kSignalHeadBytes = 256;

// Number parses a field of the header, or gives nothing. Some writers have a comma in a number.
inline std::optional<double> Number(absl::string_view field) {
  const std::string text = absl::StrReplaceAll(FixedText(field), {{",", "."}});
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number)) return std::nullopt;
  return number;
}

// Signal is the head of a signal, and how its samples become mV.
struct Signal {
  std::string label;
  std::string unit;
  std::string filters;
  double physical_min = 0, physical_max = 0, digital_min = 0, digital_max = 0;
  // samples is the number in a record.
  size_t samples = 0;
  // offset is where the signal starts in a record, in bytes.
  size_t offset = 0;
  double mv_per_unit = 0;

  double mv_per_step() const { return mv_per_unit * (physical_max - physical_min) / (digital_max - digital_min); }
  double mv_of_zero() const { return mv_per_unit * physical_max - mv_per_step() * digital_max; }
};

// File is a file's header.
struct File {
  absl::string_view bytes;
  // sample_bytes is 2 (EDF) or 3 (BDF).
  size_t sample_bytes = 2;
  std::string patient, recording, reserved;
  std::string date, time;
  size_t header_bytes = 0;
  size_t records = 0;
  double record_seconds = 0;
  size_t record_bytes = 0;
  std::vector<Signal> signals;
  // annotations are the signals that hold text.
  std::vector<Signal> annotations;

  bool is_plus() const { return absl::StartsWith(reserved, "EDF+") || absl::StartsWith(reserved, "BDF+"); }
  bool is_interrupted() const { return is_plus() && reserved.size() > 4 && reserved[4] == 'D'; }
  absl::string_view Record(size_t record) const {
    return bytes.substr(header_bytes + record * record_bytes, record_bytes);
  }
};

inline absl::StatusOr<std::vector<Signal>> ParseSignals(absl::string_view heads, size_t count) {
  struct Field {
    absl::string_view name;
    size_t width;
  };
  constexpr std::array<Field, 10> kFields = {{{"label", 16},
                                              {"transducer", 80},
                                              {"unit", 8},
                                              {"physical minimum", 8},
                                              {"physical maximum", 8},
                                              {"digital minimum", 8},
                                              {"digital maximum", 8},
                                              {"filters", 80},
                                              {"samples per record", 8},
                                              {"reserved", 32}}};
  std::vector<Signal> signals(count);
  ByteReader reader(heads);
  for (size_t field = 0; field < kFields.size(); ++field) {
    for (size_t i = 0; i < count; ++i) {
      const absl::string_view text = reader.Take(kFields[field].width);
      Signal& signal = signals[i];
      if (field == 0) signal.label = FixedText(text);
      if (field == 2) signal.unit = std::string(absl::StripAsciiWhitespace(text.substr(0, text.find('\0'))));
      if (field == 7) signal.filters = FixedText(text);
      if ((field < 3 || field > 6) && field != 8) continue;
      const std::optional<double> number = Number(text);
      const bool is_count = field == 8;
      if (!number || (is_count && (*number < 0 || *number > 1e8 || *number != std::floor(*number)))) {
        return absl::DataLossError(absl::StrCat(
            "signal ", i + 1, " (", signal.label, "): the ", kFields[field].name, " is \"", FixedText(text), "\", a ",
            is_count ? "whole number" : "number", " expected; the file is damaged"));
      }
      if (field == 3) signal.physical_min = *number;
      if (field == 4) signal.physical_max = *number;
      if (field == 5) signal.digital_min = *number;
      if (field == 6) signal.digital_max = *number;
      if (is_count) signal.samples = static_cast<size_t>(*number);
    }
  }
  return signals;
}

// CountRecords returns how many records there are.
inline absl::StatusOr<size_t> CountRecords(const File& file, double stated, std::vector<std::string>* notes) {
  const size_t body = file.bytes.size() - file.header_bytes;
  const size_t there = body / file.record_bytes;
  if (there == 0) {
    return absl::DataLossError(absl::StrCat("no record of ", file.record_bytes, " bytes behind the header of ",
                                            file.header_bytes, " bytes; the file is cut short at byte ",
                                            file.bytes.size()));
  }
  if (stated <= 0) {
    notes->push_back(absl::StrCat("the header does not state how many records there are; ", there, " found"));
    return there;
  }
  if (static_cast<double>(there) < stated) {
    notes->push_back(absl::StrCat("the header states ", stated, " records, ", there, " found: the file is cut short"));
    return there;
  }
  if (body != static_cast<size_t>(stated) * file.record_bytes) {
    notes->push_back(absl::StrCat(body - static_cast<size_t>(stated) * file.record_bytes,
                                  " bytes behind the last record are left out"));
  }
  return static_cast<size_t>(stated);
}

inline absl::StatusOr<File> ParseFile(absl::string_view bytes, std::vector<std::string>* notes) {
  File file;
  file.bytes = bytes;
  if (bytes.size() < kHeadBytes) {
    return absl::DataLossError(
        absl::StrCat("a header of ", kHeadBytes, " bytes expected, ", bytes.size(), " found; the file is cut short"));
  }
  ByteReader reader(bytes);
  file.sample_bytes = reader.Take(8)[0] == '\xFF' ? 3 : 2;
  file.patient = FixedText(reader.Take(80));
  file.recording = FixedText(reader.Take(80));
  file.date = FixedText(reader.Take(8));
  file.time = FixedText(reader.Take(8));
  reader.Take(8);  // the size of the header, which follows from the number of signals
  file.reserved = FixedText(reader.Take(44));
  const std::optional<double> records = Number(reader.Take(8));
  const std::optional<double> seconds = Number(reader.Take(8));
  const std::optional<double> signals = Number(reader.Take(4));
  if (!records || !seconds || *seconds < 0 || !signals || *signals < 1 || *signals > 9999 || *records > 1e9) {
    return absl::DataLossError(absl::StrCat("bytes 236 to 255 are \"", FixedText(bytes.substr(236, 20)),
                                            "\"; the numbers of records, of seconds of a record and of signals "
                                            "expected; the file is damaged"));
  }
  file.record_seconds = *seconds;
  const size_t count = static_cast<size_t>(*signals);
  file.header_bytes = kHeadBytes + kSignalHeadBytes * count;
  if (bytes.size() < file.header_bytes) {
    return absl::DataLossError(absl::StrCat("a header of ", file.header_bytes, " bytes for ", count,
                                            " signals expected, ", bytes.size(),
                                            " bytes found; the file is cut short"));
  }
  ECG_ASSIGN_OR_RETURN(std::vector<Signal> all,
                       ParseSignals(bytes.substr(kHeadBytes, kSignalHeadBytes * count), count));
  for (Signal& signal : all) {
    signal.offset = file.record_bytes;
    file.record_bytes += signal.samples * file.sample_bytes;
    const bool is_text = signal.label == "EDF Annotations" || signal.label == "BDF Annotations";
    (is_text ? file.annotations : file.signals).push_back(std::move(signal));
  }
  if (file.record_bytes == 0) return absl::DataLossError("the signals have no samples");
  ECG_ASSIGN_OR_RETURN(file.records, CountRecords(file, *records, notes));
  return file;
}

// FindUnit returns how many mV one unit of `signal` is, or nothing when it is no voltage.
inline std::optional<double> FindUnit(const Signal& signal, std::vector<std::string>* notes) {
  const absl::string_view unit = signal.unit;
  if (const absl::StatusOr<double> units_per_mv = UnitsPerMv(unit); units_per_mv.ok()) return 1 / *units_per_mv;
  const auto note = [&](absl::string_view what) {
    notes->push_back(absl::StrCat("the unit of ", signal.label, " is ", what, "; taken as uV"));
    return 0.001;
  };
  // A sign for micro that another program could not write.
  const bool is_micro = unit.size() >= 2 && unit.size() <= 4 && unit.back() == 'V' &&
                        std::none_of(unit.begin(), unit.end() - 1, [](char c) { return absl::ascii_isalnum(c); });
  if (is_micro) return note(absl::StrCat("\"", unit, "\""));
  const bool is_lead = FindLead(signal.label) || absl::StartsWithIgnoreCase(signal.label, "ECG") ||
                       absl::StartsWithIgnoreCase(signal.label, "EKG");
  if (unit.empty() && is_lead) return note("not stated");
  return std::nullopt;
}

// Voltages returns the signals that are voltages, and notes the others.
inline std::vector<Signal> Voltages(const File& file, std::vector<std::string>* notes) {
  std::vector<Signal> voltages;
  std::vector<std::string> others;
  for (const Signal& signal : file.signals) {
    const std::optional<double> mv_per_unit = FindUnit(signal, notes);
    if (!mv_per_unit) {
      others.push_back(absl::StrCat(signal.label, " (", signal.unit.empty() ? "no unit" : signal.unit, ")"));
    } else if (signal.digital_max == signal.digital_min || signal.physical_max == signal.physical_min) {
      others.push_back(absl::StrCat(signal.label, " (a range of 0)"));
    } else if (signal.samples > 0) {
      voltages.push_back(signal);
      voltages.back().mv_per_unit = *mv_per_unit;
    }
  }
  if (!others.empty())
    notes->push_back(absl::StrCat("left out, as they are no voltages: ", absl::StrJoin(others, ", ")));
  return voltages;
}

// Texts is what the annotation signals hold.
struct Texts {
  // record_seconds is when each record starts; NaN where the file does not say it.
  std::vector<double> record_seconds;
  std::vector<Annotation> annotations;
};

inline Texts ParseTexts(const File& file) {
  constexpr char kEndOfText = '\x14', kDuration = '\x15';
  Texts texts;
  texts.record_seconds.assign(file.records, std::numeric_limits<double>::quiet_NaN());
  for (size_t record = 0; record < file.records; ++record) {
    for (const Signal& signal : file.annotations) {
      const absl::string_view bytes = file.Record(record).substr(signal.offset, signal.samples * file.sample_bytes);
      for (const absl::string_view list : absl::StrSplit(bytes, '\0', absl::SkipEmpty())) {
        const std::vector<absl::string_view> parts = absl::StrSplit(list, kEndOfText);
        const std::pair<absl::string_view, absl::string_view> when =
            absl::StrSplit(parts[0], absl::MaxSplits(kDuration, 1));
        const std::optional<double> start = Number(when.first);
        if (!start) continue;
        // The first text of a record is empty: it tells when the record starts.
        if (parts.size() > 1 && parts[1].empty() && std::isnan(texts.record_seconds[record])) {
          texts.record_seconds[record] = *start;
        }
        for (size_t i = 1; i < parts.size(); ++i) {
          if (parts[i].empty()) continue;
          texts.annotations.push_back({*start, Number(when.second).value_or(0), FixedText(parts[i])});
        }
      }
    }
  }
  return texts;
}

// Part is a run of records without an interruption.
struct Part {
  size_t first = 0, records = 0;
  double start_seconds = 0;
};

inline std::vector<Part> FindParts(const File& file, const Texts& texts, double sample_seconds) {
  const double start = std::isnan(texts.record_seconds[0]) ? 0 : texts.record_seconds[0];
  if (!file.is_interrupted()) return {{0, file.records, 0}};
  std::vector<Part> parts;
  double expected = start;
  for (size_t record = 0; record < file.records; ++record) {
    const double stated = texts.record_seconds[record];
    const double at = std::isnan(stated) ? expected : stated;
    if (parts.empty() || std::abs(at - expected) > sample_seconds / 2) parts.push_back({record, 0, at - start});
    ++parts.back().records;
    expected = at + file.record_seconds;
  }
  return parts;
}

inline Channel ReadChannel(const File& file, const Signal& signal, const Part& part) {
  const double mv_per_step = signal.mv_per_step(), mv_of_zero = signal.mv_of_zero();
  const int32_t least = file.sample_bytes == 2 ? -32768 : -8388608;
  const bool may_miss = std::min(signal.digital_min, signal.digital_max) > least;
  Channel channel = {.name = LeadName(signal.label), .mv = {}, .step_mv = std::abs(mv_per_step)};
  channel.mv.reserve(part.records * signal.samples);
  for (size_t record = part.first; record < part.first + part.records; ++record) {
    const char* bytes = file.Record(record).data() + signal.offset;
    for (size_t i = 0; i < signal.samples; ++i, bytes += file.sample_bytes) {
      int32_t step = LoadNumber<int16_t>(bytes + file.sample_bytes - 2, std::endian::little);
      if (file.sample_bytes == 3) step = step * 256 + static_cast<uint8_t>(*bytes);
      const bool is_missing = may_miss && step == least;
      channel.mv.push_back(is_missing ? std::numeric_limits<float>::quiet_NaN()
                                      : static_cast<float>(mv_of_zero + mv_per_step * step));
    }
  }
  return channel;
}

// Strips returns the strips of a part: one for each number of samples in a record.
inline std::vector<Strip> ReadPart(const File& file, const std::vector<Signal>& signals, const Part& part) {
  std::vector<Strip> strips;
  std::vector<size_t> samples;
  for (const Signal& signal : signals) {
    const size_t i = std::find(samples.begin(), samples.end(), signal.samples) - samples.begin();
    if (i == samples.size()) {
      samples.push_back(signal.samples);
      strips.push_back({.sampling_frequency_hz = static_cast<double>(signal.samples) / file.record_seconds,
                        .start_seconds = part.start_seconds,
                        .channels = {}});
    }
    strips[i].channels.push_back(ReadChannel(file, signal, part));
  }
  return strips;
}

// Day is a date.
struct Day {
  int year = 0, month = 0, day = 0;
};

// ParseDay parses "02-MAY-1951" of EDF+, or "02.05.51" of EDF.
inline std::optional<Day> ParseDay(absl::string_view text) {
  constexpr absl::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  const std::vector<std::string> parts = absl::StrSplit(text, absl::ByAnyChar("-./: "));
  Day day;
  if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &day.day) || !absl::SimpleAtoi(parts[2], &day.year)) {
    return std::nullopt;
  }
  if (!absl::SimpleAtoi(parts[1], &day.month)) {
    const size_t at = parts[1].size() == 3 ? kMonths.find(absl::AsciiStrToLower(parts[1])) : absl::string_view::npos;
    if (at == absl::string_view::npos || at % 3 != 0) return std::nullopt;
    day.month = static_cast<int>(at / 3) + 1;
  }
  if (parts[2].size() == 2) day.year += day.year >= 85 ? 1900 : 2000;
  if (day.year < 1 || day.month < 1 || day.month > 12 || day.day < 1 || day.day > 31) return std::nullopt;
  return day;
}

// RecordedAt returns the begin of the recording; `fraction` is what the annotations add to its seconds.
inline std::string RecordedAt(const std::optional<Day>& day, absl::string_view time, double fraction) {
  if (!day) return "";
  std::string text = absl::StrFormat("%04d-%02d-%02d", day->year, day->month, day->day);
  const std::vector<std::string> parts = absl::StrSplit(time, absl::ByAnyChar(".:"));
  int hour = 0, minute = 0, second = 0;
  const bool is_time = parts.size() == 3 && absl::SimpleAtoi(parts[0], &hour) && absl::SimpleAtoi(parts[1], &minute) &&
                       absl::SimpleAtoi(parts[2], &second) && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 &&
                       second >= 0 && second < 61;
  if (!is_time) return text;
  absl::StrAppendFormat(&text, "T%02d:%02d:%02d", hour, minute, second);
  if (fraction > 0 && fraction < 1) text += absl::StrFormat("%.7g", fraction).substr(1);
  return text;
}

// Filters returns the filters of the signals in words: "HP:0.05Hz LP:150Hz N:50Hz" is "high-pass 0.05 Hz, ...".
inline std::string Filters(const std::vector<Signal>& signals) {
  std::vector<std::string> filters;
  const auto add = [&](std::string filter) {
    if (std::find(filters.begin(), filters.end(), filter) == filters.end()) filters.push_back(std::move(filter));
  };
  for (const Signal& signal : signals) {
    std::vector<std::string> words;
    bool is_standard = true;
    for (absl::string_view word : absl::StrSplit(signal.filters, ' ', absl::SkipEmpty())) {
      const absl::string_view kind = absl::ConsumePrefix(&word, "HP:")   ? "high-pass"
                                     : absl::ConsumePrefix(&word, "LP:") ? "low-pass"
                                     : absl::ConsumePrefix(&word, "N:")  ? "notch"
                                                                         : "";
      const bool has_hz = absl::EndsWithIgnoreCase(word, "Hz");
      const std::optional<double> hz = Number(has_hz ? word.substr(0, word.size() - 2) : word);
      is_standard = is_standard && !kind.empty() && hz;
      if (hz && *hz > 0) words.push_back(absl::StrCat(kind, " ", *hz, " Hz"));
    }
    if (is_standard) {
      for (std::string& word : words) add(std::move(word));
    } else {
      add(signal.filters);
    }
  }
  return absl::StrJoin(filters, ", ");
}

// ReadIdentification reads what EDF+ says in the fields for the patient and the recording.
inline void ReadIdentification(const File& file, double fraction, Recording* recording) {
  const auto fields = [](absl::string_view text) {
    return std::vector<std::string>(absl::StrSplit(text, ' ', absl::SkipEmpty()));
  };
  const std::vector<std::string> patient = fields(file.patient), session = fields(file.recording);
  std::optional<Day> day = ParseDay(file.date);
  if (session.size() >= 2 && session[0] == "Startdate") {
    if (const std::optional<Day> full = ParseDay(session[1])) day = full;
  }
  recording->recorded_at = RecordedAt(day, file.time, fraction);
  if (!file.is_plus()) return;
  if (patient.size() >= 3) {
    recording->sex = patient[1] == "M" ? "male" : patient[1] == "F" ? "female" : "";
    if (const std::optional<Day> birth = ParseDay(patient[2]); birth && day && birth->year <= day->year) {
      const bool had_birthday = std::pair(day->month, day->day) >= std::pair(birth->month, birth->day);
      recording->age_years = std::max(day->year - birth->year - (had_birthday ? 0 : 1), 0);
    }
  }
  constexpr size_t kEquipment = 4;
  if (session.size() > kEquipment && session[kEquipment] != "X") {
    recording->machine = absl::StrReplaceAll(session[kEquipment], {{"_", " "}});
  }
}

// ReadEdf reads a file, step by step.
inline absl::StatusOr<Recording> ReadEdf(const RecordingFile& file) {
  if (!absl::StartsWith(file.bytes, "0") && !absl::StartsWith(file.bytes, "\xFF")) {
    return absl::DataLossError("not an EDF or BDF file: it starts with neither 0 nor BIOSEMI");
  }
  Recording recording;
  ECG_ASSIGN_OR_RETURN(const File parsed, ParseFile(file.bytes, &recording.notes));
  const std::vector<Signal> signals = Voltages(parsed, &recording.notes);
  if (signals.empty()) {
    return absl::DataLossError(absl::StrCat("no signal is a voltage; ", absl::StrJoin(recording.notes, "; ")));
  }
  if (parsed.record_seconds == 0) {
    return absl::DataLossError("a record lasts 0 s, so the signals have no sampling frequency");
  }
  size_t most_samples = 0;
  for (const Signal& signal : signals) most_samples = std::max(most_samples, signal.samples);
  Texts texts = ParseTexts(parsed);
  const double sample_seconds = parsed.record_seconds / static_cast<double>(most_samples);
  size_t missing = 0;
  for (const Part& part : FindParts(parsed, texts, sample_seconds)) {
    for (Strip& strip : ReadPart(parsed, signals, part)) {
      missing += strip.DropMissingEnd();
      if (strip.samples() > 0) recording.strips.push_back(std::move(strip));
    }
  }
  if (missing > 0) {
    recording.notes.push_back(absl::StrCat(missing, " samples that are missing at an end are left out"));
  }
  if (recording.strips.empty()) return absl::DataLossError("all samples are missing");
  const double start = std::isnan(texts.record_seconds[0]) ? 0 : texts.record_seconds[0];
  for (Annotation& annotation : texts.annotations) annotation.start_seconds -= start;
  recording.annotations = std::move(texts.annotations);
  recording.format = parsed.is_plus() ? parsed.reserved.substr(0, 5) : parsed.sample_bytes == 3 ? "BDF" : "EDF";
  if (parsed.is_plus() && parsed.sample_bytes == 3) recording.format[0] = 'B';
  recording.filters = Filters(signals);
  ReadIdentification(parsed, start, &recording);
  return recording;
}

}  // namespace edf_internal

// Edf reads EDF, EDF+, BDF and BDF+ files.
struct Edf {
  static constexpr absl::string_view kName = "EDF";

  static bool Recognises(const RecordingFile& file) {
    const absl::string_view bytes = file.bytes;
    if (absl::StartsWith(bytes,
                         "\xFF"
                         "BIOSEMI")) {
      return true;
    }
    if (bytes.size() < edf_internal::kHeadBytes || FixedText(bytes.substr(0, 8)) != "0") return false;
    const std::optional<double> header_bytes = edf_internal::Number(bytes.substr(184, 8));
    const std::optional<double> signals = edf_internal::Number(bytes.substr(252, 4));
    return header_bytes && signals && *header_bytes == 256 * (1 + *signals);
  }

  static absl::StatusOr<Recording> Read(const RecordingFile& file) { return edf_internal::ReadEdf(file); }
};

static_assert(RecordingFormat<Edf>);

}  // namespace ecg

#endif  // ECG_SIGNAL_EDF_H_

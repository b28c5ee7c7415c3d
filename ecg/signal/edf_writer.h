// edf_writer.h
//
// Writing a recording as EDF+ (https://www.edfplus.info/specs/edfplus.html).
//
//   ECG_RETURN_IF_ERROR(WriteEdf(recording, "patient.edf"));
//
// Samples keep the file's own steps where those fit 16 bits, so that they are the same when they are read again, to
// half a step otherwise. Missing samples are written as -32768, which the digital range leaves out. Strips with the
// same start are written side by side; later ones make the file an interrupted one (EDF+D). EDF has no place for
// representative beats and for an age: they are left out.

#ifndef ECG_SIGNAL_EDF_WRITER_H_
#define ECG_SIGNAL_EDF_WRITER_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "ecg/file/file.h"
#include "ecg/signal/channel_steps.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/status/status_macros.h"

namespace ecg {

namespace edf_writer_internal {

// Field returns `text` in the printable ASCII of a header, with spaces up to `width`.
inline std::string Field(absl::string_view text, size_t width) {
  std::string field(text.substr(0, width));
  for (char& c : field) c = absl::ascii_isprint(c) ? c : '_';
  field.resize(width, ' ');
  return field;
}

// NumberText returns `number` in as many digits as `width` has room for.
inline std::string NumberText(double number, size_t width) {
  for (int digits = 15; digits > 0; --digits) {
    char text[40];
    std::snprintf(text, sizeof text, "%.*g", digits, number);
    if (absl::string_view(text).size() <= width && absl::string_view(text).find('e') == absl::string_view::npos) {
      return text;
    }
  }
  return absl::StrFormat("%.0f", number);
}

// Signal is a channel with its scale.
struct Signal {
  std::string label;
  double mv_per_step = 0;
  int digital_max = kMostSteps;
  std::string physical_max;  // in uV
  size_t samples_per_record = 0;
};

// Scale finds a range that the header has room for and that gives just the channel's step.
inline absl::Status Scale(double largest_mv, double mv_per_step, Signal* signal) {
  constexpr size_t kDigits = 7;  // and a sign
  constexpr std::array<int, 10> kRanges = {32767, 32000, 30000, 25000, 20000, 16000, 10000, 8000, 4000, 2000};
  for (const int range : kRanges) {
    if (largest_mv / mv_per_step > range + 0.25) break;
    const double physical = range * mv_per_step * 1000;
    const std::string text = NumberText(physical, kDigits);
    if (text.size() > kDigits || std::abs(std::strtod(text.c_str(), nullptr) - physical) > 1e-12 * physical) continue;
    signal->digital_max = range;
    signal->physical_max = text;
    signal->mv_per_step = mv_per_step;
    return absl::OkStatus();
  }
  // No range does: a little larger steps.
  const double physical = std::max(largest_mv, 1e-3) * 1000 * (1 + 1e-5);
  signal->digital_max = kMostSteps;
  signal->physical_max = NumberText(physical, kDigits);
  signal->mv_per_step = std::strtod(signal->physical_max.c_str(), nullptr) / 1000 / kMostSteps;
  if (signal->physical_max.size() > kDigits || signal->mv_per_step * kMostSteps < largest_mv) {
    return absl::InvalidArgumentError(
        absl::StrCat("lead ", signal->label, " has an amplitude of ", largest_mv, " mV, too large for EDF"));
  }
  return absl::OkStatus();
}

// Segment is strips that start at the same time.
struct Segment {
  double start_seconds = 0;
  std::vector<const Strip*> strips;
};

inline absl::StatusOr<std::vector<Segment>> FindSegments(const Recording& recording) {
  std::vector<Segment> segments;
  for (const Strip& strip : recording.strips) {
    if (strip.kind != Strip::Kind::kRhythm || strip.samples() == 0) continue;
    if (segments.empty() || segments.back().start_seconds != strip.start_seconds) {
      segments.push_back({strip.start_seconds, {}});
    }
    segments.back().strips.push_back(&strip);
  }
  if (segments.empty()) return absl::InvalidArgumentError("the recording has no rhythm, which EDF could hold");
  const auto is_alike = [](const Strip* a, const Strip* b) {
    return a->sampling_frequency_hz == b->sampling_frequency_hz &&
           std::equal(a->channels.begin(), a->channels.end(), b->channels.begin(), b->channels.end(),
                      [](const Channel& left, const Channel& right) { return left.name == right.name; });
  };
  for (const Segment& segment : segments) {
    if (std::equal(segment.strips.begin(), segment.strips.end(), segments[0].strips.begin(), segments[0].strips.end(),
                   is_alike)) {
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("the strips that start at ", segment.start_seconds,
                     " s have other leads or frequencies than the first; EDF needs the same all the time"));
  }
  return segments;
}

// SamplesPerRecord returns how many samples of each strip a record has, so that records are whole, no longer than EDF
// recommends, and last for a time that the header has room for, as far as that can be.
inline absl::StatusOr<std::vector<size_t>> SamplesPerRecord(const std::vector<Segment>& segments) {
  constexpr size_t kMostRecordBytes = 61440;
  const std::vector<const Strip*>& first = segments[0].strips;
  size_t common = 0;
  for (const Strip* strip : first) common = std::gcd(common, strip->samples());
  std::vector<size_t> best;
  bool best_is_good = false;
  for (size_t records = 1; records <= common; ++records) {
    if (common % records != 0) continue;
    std::vector<size_t> samples;
    size_t bytes = 0;
    for (const Strip* strip : first) {
      samples.push_back(strip->samples() / records);
      bytes += 2 * samples.back() * strip->channels.size();
    }
    const bool fits = std::all_of(segments.begin(), segments.end(), [&](const Segment& segment) {
      const size_t own_records = segment.strips[0]->samples() / samples[0];
      for (size_t i = 0; i < samples.size(); ++i) {
        if (segment.strips[i]->samples() != own_records * samples[i]) return false;
      }
      return true;
    });
    if (!fits) continue;
    const double seconds = static_cast<double>(samples[0]) / first[0]->sampling_frequency_hz;
    const double written = std::strtod(NumberText(seconds, 8).c_str(), nullptr);
    const double error = std::abs(written - seconds) / seconds;
    // Records that are too long are better than a frequency that is wrong.
    const bool is_good = bytes <= kMostRecordBytes && error < 1e-6;
    if (best.empty() || (is_good && (!best_is_good || error < 1e-12))) best = samples;
    best_is_good = best_is_good || is_good;
    if (is_good && error < 1e-12) break;
  }
  if (best.empty()) {
    return absl::InvalidArgumentError("strips of several frequencies do not last for the same time, as EDF needs");
  }
  for (size_t i = 0; i < first.size(); ++i) {
    const double ratio =
        static_cast<double>(best[i]) / first[i]->sampling_frequency_hz * first[0]->sampling_frequency_hz;
    if (std::abs(ratio - static_cast<double>(best[0])) > 1e-6 * static_cast<double>(best[0])) {
      return absl::InvalidArgumentError("strips of several frequencies do not last for the same time, as EDF needs");
    }
  }
  return best;
}

// SecondsText returns a time of an annotation: "+1.25".
inline std::string SecondsText(double seconds) {
  std::string text = absl::StrFormat("%+.6f", seconds);
  text.resize(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// Dates are the forms that a header has of recorded_at; the fraction of its seconds is told by the annotations.
struct Dates {
  std::string day = "01.01.85", time = "00.00.00", long_day = "X";
  double fraction = 0;
};

inline Dates ParseDates(const std::string& recorded_at) {
  Dates dates;
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  const int found =
      std::sscanf(recorded_at.c_str(), "%4d-%2d-%2dT%2d:%2d:%lf", &year, &month, &day, &hour, &minute, &second);
  if (found < 3 || year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return dates;
  constexpr absl::string_view kMonths = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
  dates.long_day = absl::StrFormat("%02d-%s-%04d", day, kMonths.substr(3 * (month - 1), 3), year);
  // Two digits of a year are 1985 to 2084; others are told by the long form alone.
  dates.day = absl::StrFormat("%02d.%02d.%s", day, month,
                              year >= 1985 && year <= 2084 ? absl::StrFormat("%02d", year % 100) : std::string("yy"));
  if (found == 6 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60) {
    dates.time = absl::StrFormat("%02d.%02d.%02d", hour, minute, static_cast<int>(second));
    dates.fraction = second - std::floor(second);
  }
  return dates;
}

// File is what is written, before it is bytes.
struct File {
  std::vector<Segment> segments;
  std::vector<size_t> samples_per_record;  // of each strip
  std::vector<Signal> signals;
  double record_seconds = 0;
  // record_starts is when each record starts.
  std::vector<double> record_starts;
  // texts is the content of the annotation signal, in each record.
  std::vector<std::string> texts;
  size_t text_bytes = 0;
};

inline absl::StatusOr<std::vector<Signal>> MakeSignals(const File& file) {
  std::vector<Signal> signals;
  for (size_t s = 0; s < file.samples_per_record.size(); ++s) {
    const Strip& first = *file.segments[0].strips[s];
    for (size_t c = 0; c < first.channels.size(); ++c) {
      Signal signal = {.label = first.channels[c].name, .physical_max = {}};
      if (FindPlainLead(signal.label)) signal.label = absl::StrCat("ECG ", signal.label);
      signal.samples_per_record = file.samples_per_record[s];
      double largest = 0, step = 0;
      for (const Segment& segment : file.segments) {
        const Channel& channel = segment.strips[s]->channels[c];
        ECG_ASSIGN_OR_RETURN(const double own_largest, LargestMv(channel));
        ECG_ASSIGN_OR_RETURN(const double own_step, StepFor(channel));
        largest = std::max(largest, own_largest);
        step = std::max(step, own_step);
      }
      ECG_RETURN_IF_ERROR(Scale(largest, step, &signal));
      signals.push_back(std::move(signal));
    }
  }
  return signals;
}

// FillTexts puts the start of each record, and the annotations, into the annotation signal.
inline void FillTexts(const Recording& recording, double fraction, File* file) {
  for (const Segment& segment : file->segments) {
    const size_t records = segment.strips[0]->samples() / file->samples_per_record[0];
    for (size_t i = 0; i < records; ++i) {
      file->record_starts.push_back(segment.start_seconds + static_cast<double>(i) * file->record_seconds);
      file->texts.push_back(SecondsText(fraction + file->record_starts.back()) + std::string("\x14\x14\0", 3));
    }
  }
  for (const Annotation& annotation : recording.annotations) {
    const auto after =
        std::upper_bound(file->record_starts.begin(), file->record_starts.end(), annotation.start_seconds);
    const size_t record = after == file->record_starts.begin() ? 0 : after - file->record_starts.begin() - 1;
    std::string text = annotation.text;
    for (char& c : text) c = absl::ascii_iscntrl(c) ? ' ' : c;
    file->texts[record] += SecondsText(fraction + annotation.start_seconds);
    if (annotation.duration_seconds > 0) {
      absl::StrAppend(&file->texts[record], "\x15", SecondsText(annotation.duration_seconds).substr(1));
    }
    file->texts[record] += "\x14" + text + std::string("\x14\0", 2);
  }
  for (const std::string& text : file->texts) file->text_bytes = std::max(file->text_bytes, text.size());
  file->text_bytes += file->text_bytes % 2;
}

inline std::string Filters(const Recording& recording) {
  std::string filters;
  for (const auto& [kind, short_kind] : {std::pair("high-pass", "HP:"), {"low-pass", "LP:"}, {"notch", "N:"}}) {
    const std::optional<double> hz = recording.FilterHz(kind);
    if (hz) absl::StrAppend(&filters, filters.empty() ? "" : " ", short_kind, *hz, "Hz");
  }
  return filters;
}

inline std::string Header(const Recording& recording, const Dates& dates, const File& file) {
  const size_t signals = file.signals.size() + 1;
  const std::string machine = recording.machine.empty() ? "X" : absl::StrReplaceAll(recording.machine, {{" ", "_"}});
  const std::string sex = recording.sex == "male" ? "M" : recording.sex == "female" ? "F" : "X";
  std::string header = Field("0", 8) + Field(absl::StrCat("X ", sex, " X X"), 80) +
                       Field(absl::StrCat("Startdate ", dates.long_day, " X X ", machine), 80) + Field(dates.day, 8) +
                       Field(dates.time, 8) + Field(absl::StrCat(256 * (signals + 1)), 8) +
                       Field(file.segments.size() == 1 ? "EDF+C" : "EDF+D", 44) +
                       Field(absl::StrCat(file.texts.size()), 8) + Field(NumberText(file.record_seconds, 8), 8) +
                       Field(absl::StrCat(signals), 4);
  const auto add = [&](size_t width, const auto& value, absl::string_view of_texts) {
    for (const Signal& signal : file.signals) header += Field(value(signal), width);
    header += Field(of_texts, width);
  };
  const std::string filters = Filters(recording);
  add(
      16, [](const Signal& signal) { return signal.label; }, "EDF Annotations");
  add(
      80, [](const Signal&) { return std::string(); }, "");
  add(
      8, [](const Signal&) { return std::string("uV"); }, "");
  add(
      8, [](const Signal& signal) { return "-" + signal.physical_max; }, "-1");
  add(
      8, [](const Signal& signal) { return signal.physical_max; }, "1");
  add(
      8, [](const Signal& signal) { return absl::StrCat(-signal.digital_max); }, "-32768");
  add(
      8, [](const Signal& signal) { return absl::StrCat(signal.digital_max); }, "32767");
  add(
      80, [&](const Signal&) { return filters; }, "");
  add(
      8, [](const Signal& signal) { return absl::StrCat(signal.samples_per_record); },
      absl::StrCat(file.text_bytes / 2));
  add(
      32, [](const Signal&) { return std::string(); }, "");
  return header;
}

// Format returns the content of a file, made step by step.
inline absl::StatusOr<std::string> Format(const Recording& recording) {
  File file;
  ECG_ASSIGN_OR_RETURN(file.segments, FindSegments(recording));
  ECG_ASSIGN_OR_RETURN(file.samples_per_record, SamplesPerRecord(file.segments));
  ECG_ASSIGN_OR_RETURN(file.signals, MakeSignals(file));
  file.record_seconds =
      static_cast<double>(file.samples_per_record[0]) / file.segments[0].strips[0]->sampling_frequency_hz;
  const Dates dates = ParseDates(recording.recorded_at);
  FillTexts(recording, dates.fraction, &file);
  std::string bytes = Header(recording, dates, file);
  auto text = file.texts.begin();
  for (const auto& segment : file.segments) {
    std::vector<std::vector<int16_t>> steps;
    for (const Strip* strip : segment.strips) {
      for (const Channel& channel : strip->channels) {
        steps.push_back(ToSteps(channel, file.signals[steps.size()].mv_per_step));
      }
    }
    const size_t records = segment.strips[0]->samples() / file.samples_per_record[0];
    for (size_t record = 0; record < records; ++record, ++text) {
      for (size_t i = 0; i < steps.size(); ++i) {
        const size_t count = file.signals[i].samples_per_record;
        for (size_t k = record * count; k < (record + 1) * count; ++k) {
          bytes += static_cast<char>(steps[i][k]);
          bytes += static_cast<char>(steps[i][k] >> 8);
        }
      }
      bytes += *text + std::string(file.text_bytes - text->size(), '\0');
    }
  }
  return bytes;
}

}  // namespace edf_writer_internal

// FormatEdf returns `recording` as the content of an EDF+ file. A recording that EDF cannot hold is an error.
inline absl::StatusOr<std::string> FormatEdf(const Recording& recording) {
  return edf_writer_internal::Format(recording);
}

// WriteEdf writes `recording` to `path` as EDF+.
inline absl::Status WriteEdf(const Recording& recording, const std::filesystem::path& path) {
  ECG_ASSIGN_OR_RETURN(const std::string bytes, FormatEdf(recording));
  return WriteFile(path, bytes);
}

}  // namespace ecg

#endif  // ECG_SIGNAL_EDF_WRITER_H_

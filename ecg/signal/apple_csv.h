// apple_csv.h
//
// The electrocardiogram of an Apple Watch, as the Health app exports it (electrocardiograms/ecg_DATE.csv).
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, AppleCsv::Read(RecordingFile{"ecg_2021-12-17.csv", bytes}));
//
// Lines "key,value" come first, then one amplitude a line. Keys are in the language of the phone, and numbers may have
// a decimal comma, so the lines are told by their values: "513.625 hertz", "µV", "Watch5,1". The rate is as printed,
// which is not 512.

#ifndef ECG_SIGNAL_APPLE_CSV_H_
#define ECG_SIGNAL_APPLE_CSV_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
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
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_text.h"
#include "ecg/signal/unit.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// AppleCsv is a RecordingFormat.
class AppleCsv {
 public:
  static constexpr absl::string_view kName = "Apple Health CSV";

  // Recognises tells whether the first lines have a rate in hertz and a unit of voltage as their values.
  static bool Recognises(const RecordingFile& file) {
    const Head head = ReadHead(Utf8Text(file.bytes.substr(0, 4096)));
    return head.sampling_frequency_hz > 0 && head.units_per_mv > 0;
  }

  // Read reads the one lead.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    const std::string text = Utf8Text(file.bytes);
    const Head head = ReadHead(text);
    if (head.sampling_frequency_hz == 0) return absl::DataLossError("no line states the rate, as in \"512 hertz\"");
    if (head.units_per_mv == 0) return absl::DataLossError("no line states the unit, as in \"µV\"");
    Recording recording;
    recording.format = absl::StrCat(kName, head.version.empty() ? "" : " ", head.version);
    recording.machine = head.machine;
    recording.recorded_at = head.recorded_at;
    Strip strip;
    strip.sampling_frequency_hz = head.sampling_frequency_hz;
    Channel channel;
    channel.name = head.lead;
    int line_number = 0;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      line = Bare(line);
      if (++line_number <= head.lines || line.empty()) continue;
      const absl::StatusOr<double> value = Number(line);
      if (!value.ok()) return WithContext(value.status(), absl::StrCat("line ", line_number));
      channel.mv.push_back(static_cast<float>(*value / head.units_per_mv));
    }
    if (channel.mv.empty()) return absl::DataLossError("no line has a sample");
    strip.channels.push_back(std::move(channel));
    recording.strips.push_back(std::move(strip));
    return recording;
  }

 private:
  // Head is what the lines "key,value" say.
  struct Head {
    int lines = 0;  // up to the last of them
    double sampling_frequency_hz = 0;
    double units_per_mv = 0;
    std::string lead = "I";
    std::string machine, recorded_at, version;
  };

  // Bare returns `line` without the space around it, and the empty cells that spreadsheets add behind it.
  static absl::string_view Bare(absl::string_view line) {
    line = absl::StripAsciiWhitespace(line);
    while (absl::ConsumeSuffix(&line, ",")) {
    }
    return line;
  }

  // Number parses a number with a decimal point or comma.
  static absl::StatusOr<double> Number(absl::string_view text) {
    return ParseSample(absl::StrReplaceAll(text, {{",", "."}}));
  }

  // Frequency returns the rate in "513.625 hertz", "511,422 Hertz" or "512 赫兹"; nothing in "64 bpm".
  static std::optional<double> Frequency(absl::string_view value) {
    const size_t end = value.find_first_not_of("0123456789.,");
    if (end == 0 || end == value.npos) return std::nullopt;
    absl::string_view unit = absl::StripLeadingAsciiWhitespace(value.substr(end));
    absl::ConsumePrefix(&unit, "\xC2\xA0");  // a space that does not break
    if (unit.empty() || unit.find_first_of("0123456789 :-/.,") != unit.npos) return std::nullopt;
    const absl::StatusOr<double> number = Number(value.substr(0, end));
    // No heart beats 200 times a minute here, so in a language whose word for hertz is not known, it is the rate.
    const bool hertz = absl::StartsWithIgnoreCase(unit, "hertz") || absl::EqualsIgnoreCase(unit, "hz");
    if (!number.ok() || !(*number > (hertz ? 0 : 250) && *number < 1e5)) return std::nullopt;
    return *number;
  }

  static Head ReadHead(absl::string_view text) {
    constexpr int kMostLines = 40;
    Head head;
    int line_number = 0;
    for (absl::string_view line : absl::StrSplit(text, '\n')) {
      if (++line_number > kMostLines) break;
      line = Bare(line);
      if (line.empty()) continue;
      if (Number(line).ok()) break;  // a sample, which may have a comma
      const size_t comma = line.find(',');
      if (comma == line.npos) continue;
      absl::string_view value = absl::StripAsciiWhitespace(line.substr(comma + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      head.lines = line_number;
      ReadValue(value, &head);
    }
    return head;
  }

  static void ReadValue(absl::string_view value, Head* head) {
    if (const std::optional<double> frequency = Frequency(value)) {
      head->sampling_frequency_hz = *frequency;
    } else if (const absl::StatusOr<double> units_per_mv = UnitsPerMv(value); units_per_mv.ok()) {
      head->units_per_mv = *units_per_mv;
    } else if (absl::StartsWith(value, "Watch") && value.size() > 5 && absl::ascii_isdigit(value[5])) {
      head->machine = absl::StrCat("Apple ", value);
    } else if (const std::string time = IsoTimestamp(value); time.size() == 19) {
      head->recorded_at = time;
    } else if (const size_t point = value.find('.'); point != value.npos && value.size() <= 8 && Number(value).ok()) {
      head->version = std::string(value);
    } else if (const size_t space = value.rfind(' '); space != value.npos && FindPlainLead(value.substr(space + 1))) {
      head->lead = LeadName(value.substr(space + 1));  // "Lead I", "Ableitung I"
    }
  }
};

static_assert(RecordingFormat<AppleCsv>);

}  // namespace ecg

#endif  // ECG_SIGNAL_APPLE_CSV_H_

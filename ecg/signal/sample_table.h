// sample_table.h
//
// A table of samples as text, CSV or TSV: a column for each lead, a row for each sample.
//
//   time (s),I (mV),II (mV)
//   0,0.012,0.034
//   0.002,0.015,0.031
//
//   ECG_ASSIGN_OR_RETURN(const Recording recording, SampleTable::Read(RecordingFile{"ecg.csv", bytes}));
//
// Columns are separated by commas, semicolons, tabs or spaces; with all but commas, numbers may have a decimal comma.
// Units are those of the header, in parentheses or behind a "_", or of a second row, as in PhysioNet's tables. A column
// of times gives the rate, in s or ms or as a clock ("0:00.002"). What a table does not say is never guessed: leads,
// unit and rate are then given as RecordingOptions. Empty cells, and NaN, are missing samples.

#ifndef ECG_SIGNAL_SAMPLE_TABLE_H_
#define ECG_SIGNAL_SAMPLE_TABLE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
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
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/recording.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/sample_text.h"
#include "ecg/signal/unit.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// SampleTable is a RecordingFormat.
class SampleTable {
 public:
  static constexpr absl::string_view kName = "table (CSV, TSV)";

  // Recognises tells whether `file` is text whose first lines have a row of numbers.
  static bool Recognises(const RecordingFile& file) {
    const std::string text = Utf8Text(file.bytes.substr(0, 1 << 16));
    const bool printable = std::all_of(text.begin(), text.begin() + std::min<size_t>(text.size(), 4096), [](char c) {
      return static_cast<unsigned char>(c) >= ' ' || c == '\t' || c == '\r' || c == '\n';
    });
    const absl::string_view begin = absl::StripLeadingAsciiWhitespace(text);
    if (!printable || begin.empty() || begin[0] == '<' || begin[0] == '{' || absl::StartsWith(begin, "%PDF"))
      return false;
    const char separator = Separator(text);
    Rows rows(text);
    absl::string_view line;
    for (int row = 0; row < 5 && rows.Next(&line); ++row) {
      const std::vector<std::string> cells = Cells(line, separator);
      const size_t numbers =
          std::count_if(cells.begin(), cells.end(), [](const std::string& c) { return IsNumber(c); });
      if (2 * numbers > cells.size() || (numbers > 0 && cells.size() > 2)) return true;
    }
    return false;
  }

  // Read reads the table. Columns that are no numbers, and do not have the name of a lead, are left out.
  static absl::StatusOr<Recording> Read(const RecordingFile& file) {
    const std::string text = Utf8Text(file.bytes);
    const char separator = Separator(text);
    Recording recording;
    recording.format = absl::StrCat("table, ", SeparatorName(separator), "-separated");
    Rows rows(text);
    ECG_ASSIGN_OR_RETURN(std::vector<Column> columns, ReadHeader(file.options, separator, &rows));
    ECG_RETURN_IF_ERROR(ReadRows(separator, &rows, &columns, &recording));
    Strip strip;
    ECG_ASSIGN_OR_RETURN(strip.sampling_frequency_hz, Frequency(file.options, columns));
    for (Column& column : columns) {
      if (column.kind != Column::Kind::kLead) continue;
      ECG_ASSIGN_OR_RETURN(const double units_per_mv, Unit(file.options, column));
      Channel channel;
      channel.name = LeadName(column.name);
      for (const double value : column.values) channel.mv.push_back(static_cast<float>(value / units_per_mv));
      strip.channels.push_back(std::move(channel));
      column.values = {};
    }
    if (strip.samples() == 0) return absl::DataLossError("the table has no column of samples");
    recording.strips.push_back(std::move(strip));
    return recording;
  }

 private:
  // Column is a column of the table.
  struct Column {
    enum class Kind { kLead, kTime, kLeftOut };

    Kind kind = Kind::kLead;
    std::string name;
    std::string unit;    // of the amplitudes or times; empty when the table does not say it
    bool clock = false;  // times are clock times
    int decimals = 0;    // the most that a time has
    std::vector<double> values;
  };

  // Rows walks the lines that are neither empty nor comments.
  class Rows {
   public:
    explicit Rows(absl::string_view text) : text_(text) {}

    bool Next(absl::string_view* line) {
      while (!text_.empty()) {
        ++number_;
        const size_t end = std::min(text_.find('\n'), text_.size());
        *line = text_.substr(0, end);
        text_.remove_prefix(std::min(end + 1, text_.size()));
        if (absl::EndsWith(*line, "\r")) line->remove_suffix(1);
        const absl::string_view bare = absl::StripAsciiWhitespace(*line);
        if (!bare.empty() && bare[0] != '#') return true;
      }
      return false;
    }

    // Back makes Next return the line `line` again.
    void Back(absl::string_view line) {
      text_ = absl::string_view(line.data(), text_.data() + text_.size() - line.data());
      --number_;
    }

    int number() const { return number_; }

   private:
    absl::string_view text_;
    int number_ = 0;
  };

  static std::string SeparatorName(char separator) {
    return separator == ',' ? "comma" : separator == ';' ? "semicolon" : separator == '\t' ? "tab" : "space";
  }

  // Separator returns the one that the rows behind the first have, which may be a header. A comma there is a decimal
  // one where the first row has none.
  static char Separator(absl::string_view text) {
    Rows rows(text);
    absl::string_view first, line;
    rows.Next(&first);
    std::string rest;
    for (int row = 0; row < 4 && rows.Next(&line); ++row)
      absl::StrAppend(&rest, absl::StripAsciiWhitespace(line), "\n");
    if (rest.empty()) rest = std::string(absl::StripAsciiWhitespace(first));
    for (const absl::string_view separator : {"\t", ";"}) {
      if (absl::StrContains(rest, separator)) return separator[0];
    }
    if (absl::StrContains(rest, ",") && absl::StrContains(first, ",")) return ',';
    if (absl::StrContains(rest, " ")) return ' ';
    return absl::StrContains(rest, ",") ? ';' : ',';
  }

  // Cells returns the cells of a row, without quotes and the space around them, and with decimal points.
  static std::vector<std::string> Cells(absl::string_view line, char separator) {
    std::vector<std::string> cells(1);
    char quote = 0;
    for (const char c : line) {
      if (quote != 0) {
        if (c == quote) {
          quote = 0;
        } else {
          cells.back() += c;
        }
      } else if ((c == '"' || c == '\'') && absl::StripAsciiWhitespace(cells.back()).empty()) {
        quote = c;
        cells.back().clear();
      } else if (c == separator) {
        if (separator != ' ' || !cells.back().empty()) cells.emplace_back();
      } else {
        cells.back() += c;
      }
    }
    if (separator == ' ' && cells.back().empty() && cells.size() > 1) cells.pop_back();
    for (std::string& cell : cells) {
      absl::StripAsciiWhitespace(&cell);
      const bool decimal = separator != ',' && std::count(cell.begin(), cell.end(), ',') == 1 &&
                           cell.find_first_not_of("0123456789,+-eE") == cell.npos;
      if (decimal) cell[cell.find(',')] = '.';
    }
    return cells;
  }

  static bool IsMissing(absl::string_view cell) {
    for (const absl::string_view word : {"", "nan", "na", "n/a", "null", "-"}) {
      if (absl::EqualsIgnoreCase(cell, word)) return true;
    }
    return false;
  }

  // Clock returns the seconds in "0:00.002", "00:00:00.002" or "[00:00:00.002 01/01/2000]".
  static std::optional<double> Clock(absl::string_view cell) {
    absl::ConsumePrefix(&cell, "[");
    cell = cell.substr(0, cell.find(' '));
    absl::ConsumeSuffix(&cell, "]");
    const std::vector<absl::string_view> parts = absl::StrSplit(cell, ':');
    if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
    double seconds = 0;
    for (const absl::string_view part : parts) {
      const absl::StatusOr<double> number = ParseSample(part);
      if (!number.ok() || !(*number >= 0)) return std::nullopt;
      seconds = 60 * seconds + *number;
    }
    return seconds;
  }

  static bool IsNumber(absl::string_view cell) { return ParseSample(cell).ok() || Clock(cell).has_value(); }

  // SecondsIn returns how many seconds a unit of time is; nothing for any other word.
  static std::optional<double> SecondsIn(absl::string_view unit) {
    for (const absl::string_view word : {"s", "sec", "secs", "second", "seconds"}) {
      if (absl::EqualsIgnoreCase(unit, word)) return 1;
    }
    for (const absl::string_view word : {"ms", "msec", "millisecond", "milliseconds"}) {
      if (absl::EqualsIgnoreCase(unit, word)) return 1e-3;
    }
    for (const absl::string_view word : {"us", "microsecond", "microseconds"}) {
      if (absl::EqualsIgnoreCase(unit, word)) return 1e-6;
    }
    return std::nullopt;
  }

  // ParseName returns the column with the header `text`: "I", "I (mV)", "aVR [uV]", "V1_mV", "time (ms)", "sample".
  static Column ParseName(absl::string_view text) {
    Column column;
    column.name = std::string(absl::StripAsciiWhitespace(text));
    const size_t bracket = text.find_last_of("([");
    const size_t mark = text.find_last_of("_/ ");
    if (bracket != text.npos && bracket > 0 && (text.back() == ')' || text.back() == ']')) {
      column.name = std::string(absl::StripAsciiWhitespace(text.substr(0, bracket)));
      column.unit = std::string(text.substr(bracket + 1, text.size() - bracket - 2));
    } else if (mark != text.npos && mark > 0) {
      const absl::string_view unit = text.substr(mark + 1);
      if ((UnitsPerMv(unit).ok() && unit.size() > 1) || SecondsIn(unit)) {
        column.name = std::string(absl::StripAsciiWhitespace(text.substr(0, mark)));
        column.unit = std::string(unit);
      }
    }
    const std::string word = absl::AsciiStrToLower(column.name);
    for (const absl::string_view time : {"time", "t", "times", "elapsed time", "timestamp"}) {
      if (word == time) column.kind = Column::Kind::kTime;
    }
    if (SecondsIn(word)) {
      column.kind = Column::Kind::kTime;
      column.unit = word;
    }
    for (const absl::string_view index :
         {"", "-", "index", "sample", "samples", "sample number", "n", "no", "no.", "row", "unnamed: 0", "sample #"}) {
      if (word == index) column.kind = Column::Kind::kLeftOut;
    }
    return column;
  }

  // ReadHeader reads the rows of words in front, if there are any, and returns the columns.
  static absl::StatusOr<std::vector<Column>> ReadHeader(const RecordingOptions& options, char separator, Rows* rows) {
    absl::string_view line;
    if (!rows->Next(&line)) return absl::DataLossError("the table is empty");
    std::vector<std::string> names = Cells(line, separator);
    const size_t numbers = std::count_if(names.begin(), names.end(), [](const std::string& c) { return IsNumber(c); });
    const bool has_header = 2 * numbers < names.size();
    const size_t count = names.size();
    if (!has_header) rows->Back(line);
    if (!options.leads.empty()) {
      names = options.leads;
      if (names.size() != count && !(names.size() + 1 == count && separator == ',' && absl::EndsWith(line, ","))) {
        return absl::InvalidArgumentError(
            absl::StrCat("the table has ", count, " columns, but --leads names ", names.size(),
                         "; name each: \"-\" leaves a column out, and \"time (s)\" or \"time (ms)\" is one of times"));
      }
    } else if (!has_header) {
      return absl::InvalidArgumentError(
          absl::StrCat("the table does not name its leads; name each of its ", count,
                       " columns with --leads=I,II,...: \"-\" leaves a column out, and \"time (s)\" is one of times"));
    }
    std::vector<Column> columns;
    for (const std::string& name : names) columns.push_back(ParseName(name));
    if (has_header) ReadUnitRow(separator, rows, &columns);
    return columns;
  }

  // ReadUnitRow reads a row of units, if the next one is such.
  static void ReadUnitRow(char separator, Rows* rows, std::vector<Column>* columns) {
    absl::string_view line;
    if (!rows->Next(&line)) return;
    const std::vector<std::string> cells = Cells(line, separator);
    size_t units = 0;
    for (const std::string& cell : cells) units += UnitsPerMv(cell).ok() ? 1 : 0;
    if (units == 0 || cells.size() != columns->size()) return rows->Back(line);
    for (size_t i = 0; i < cells.size(); ++i) {
      if (UnitsPerMv(cells[i]).ok() || SecondsIn(cells[i])) (*columns)[i].unit = cells[i];
    }
  }

  static absl::Status ReadRows(char separator, Rows* rows, std::vector<Column>* columns, Recording* recording) {
    absl::string_view line;
    bool first = true;
    while (rows->Next(&line)) {
      std::vector<std::string> cells = Cells(line, separator);
      if (cells.size() == columns->size() + 1 && cells.back().empty()) cells.pop_back();
      if (cells.size() != columns->size()) {
        return absl::DataLossError(absl::StrCat("line ", rows->number(), ": ", cells.size(), " cells, but there are ",
                                                columns->size(), " columns"));
      }
      for (size_t i = 0; i < cells.size(); ++i) {
        const absl::Status status = ReadCell(cells[i], first, &(*columns)[i], recording);
        if (!status.ok()) {
          return WithContext(status, absl::StrCat("line ", rows->number(), ", column ", (*columns)[i].name));
        }
      }
      first = false;
    }
    return absl::OkStatus();
  }

  static absl::Status ReadCell(const std::string& cell, bool first, Column* column, Recording* recording) {
    if (column->kind == Column::Kind::kLeftOut) return absl::OkStatus();
    if (IsMissing(cell)) {
      column->values.push_back(std::numeric_limits<double>::quiet_NaN());
      return absl::OkStatus();
    }
    if (column->kind == Column::Kind::kTime) {
      if (const std::optional<double> seconds = Clock(cell)) {
        column->clock = true;
        column->values.push_back(*seconds);
        column->decimals = std::max(column->decimals, Decimals(cell.substr(0, cell.find(' '))));
        return absl::OkStatus();
      }
      column->decimals = std::max(column->decimals, Decimals(cell));
    }
    const absl::StatusOr<double> value = ParseSample(cell);
    if (value.ok()) {
      column->values.push_back(*value);
      return absl::OkStatus();
    }
    if (!first || FindLead(column->name) || !column->unit.empty()) return value.status();
    recording->notes.push_back(absl::StrCat("the column ", column->name, " is left out: \"", cell, "\" is no number"));
    column->kind = Column::Kind::kLeftOut;
    return absl::OkStatus();
  }

  static int Decimals(absl::string_view number) {
    const size_t point = number.find('.');
    if (point == number.npos || number.find_first_of("eE") != number.npos) return point == number.npos ? 0 : 12;
    return static_cast<int>(std::min(number.find_first_not_of("0123456789", point + 1), number.size()) - point - 1);
  }

  // Frequency returns the rate of the user, or that of the column of times.
  static absl::StatusOr<double> Frequency(const RecordingOptions& options, const std::vector<Column>& columns) {
    const double stated = options.sampling_frequency_hz;
    for (const Column& column : columns) {
      if (column.kind != Column::Kind::kTime) continue;
      const std::optional<double> seconds = column.clock ? 1 : SecondsIn(column.unit);
      if (!seconds && stated > 0) continue;
      if (!seconds) {
        return absl::InvalidArgumentError(
            absl::StrCat("the column ", column.name, " does not say in which unit its times are; call it \"",
                         column.name, " (s)\" or \"", column.name, " (ms)\", or give the rate with --rate=HZ"));
      }
      ECG_ASSIGN_OR_RETURN(const double found, FrequencyOf(column, *seconds));
      if (stated > 0 && std::abs(found / stated - 1) > 0.01) {
        return absl::InvalidArgumentError(
            absl::StrCat("the column ", column.name, " says ", found, " samples a second, but --rate says ", stated));
      }
      return stated > 0 ? stated : found;
    }
    if (stated > 0 && stated <= 1e6) return stated;
    return absl::InvalidArgumentError(
        "the table does not say how many samples a second it has; give the number with --rate=HZ");
  }

  // FrequencyOf returns the rate of evenly spaced times; a whole number where their rounding leaves it open.
  static absl::StatusOr<double> FrequencyOf(const Column& times, double seconds) {
    const std::vector<double>& t = times.values;
    if (t.size() < 2) return absl::InvalidArgumentError("one row is too few to tell the rate; give it with --rate=HZ");
    const double duration = (t.back() - t.front()) * seconds;
    const double rate = (static_cast<double>(t.size()) - 1) / duration;
    if (!(rate > 0 && rate <= 1e6)) {
      return absl::InvalidArgumentError(absl::StrCat("the times go from ", t.front(), " to ", t.back(), ", in ",
                                                     t.size(), " rows, which is no rate; give it with --rate=HZ"));
    }
    for (size_t i = 0; i < t.size(); ++i) {
      const double expected = static_cast<double>(i) / rate;
      if (std::abs((t[i] - t.front()) * seconds - expected) * rate <= 0.75) continue;
      return absl::InvalidArgumentError(absl::StrCat("row ", i + 1, " has the time ", t[i],
                                                     ", where evenly spaced ones have ", t.front() + expected / seconds,
                                                     "; samples are missing there"));
    }
    const double rounding = std::pow(10.0, -times.decimals) * seconds;
    const double open = rate * rounding / duration + 1e-9 * rate;
    return std::abs(rate - std::round(rate)) <= open && std::round(rate) > 0 ? std::round(rate) : rate;
  }

  static absl::StatusOr<double> Unit(const RecordingOptions& options, const Column& column) {
    if (column.unit.empty() && options.unit.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("the table does not say in which unit ", column.name,
                                                     " is; give it with --unit=mV (or uV, V, nV)"));
    }
    const absl::StatusOr<double> units_per_mv = UnitsPerMv(column.unit.empty() ? options.unit : column.unit);
    if (!units_per_mv.ok()) return WithContext(units_per_mv.status(), absl::StrCat("column ", column.name));
    if (!options.unit.empty() && UnitsPerMv(options.unit).value_or(0) != *units_per_mv) {
      return absl::InvalidArgumentError(
          absl::StrCat("column ", column.name, " is in ", column.unit, ", but --unit says ", options.unit));
    }
    return units_per_mv;
  }
};

static_assert(RecordingFormat<SampleTable>);

}  // namespace ecg

#endif  // ECG_SIGNAL_SAMPLE_TABLE_H_

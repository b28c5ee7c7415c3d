// csv.h
//
// Tables of comma-separated values, as RFC 4180 describes them: the first row names the columns; a field in quotes may
// hold commas, line breaks and doubled quotes.
//
//   ECG_ASSIGN_OR_RETURN(const CsvTable table, CsvTable::Read("ptbxl_database.csv"));
//   ECG_ASSIGN_OR_RETURN(const int fold, table.Column("strat_fold"));
//   for (int row = 0; row < table.rows(); ++row) std::cout << table.at(row, fold);
//
// Tables that people make may have semicolons or tabs in place of commas, as spreadsheets write them in countries with a
// decimal comma: CsvSeparators::kAny takes the most frequent of the three in the header.

#ifndef ECG_FILE_CSV_H_
#define ECG_FILE_CSV_H_

#include <csv.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// CsvSeparators says what may separate the columns of a table.
enum class CsvSeparators {
  kComma,  // anything else is an error
  kAny,    // commas, semicolons or tabs
};

// CsvTable is a table in memory. Every row has as many fields as the header; fields are kept as they are in the file.
class CsvTable {
 public:
  // Read reads the file `path`.
  static absl::StatusOr<CsvTable> Read(const std::filesystem::path& path,
                                       CsvSeparators separators = CsvSeparators::kComma) {
    ECG_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
    return Parse(text, path.string(), separators);
  }

  // Parse reads `text`; messages call it `name`.
  static absl::StatusOr<CsvTable> Parse(absl::string_view text, absl::string_view name,
                                        CsvSeparators separators = CsvSeparators::kComma) {
    absl::ConsumePrefix(&text, "\xEF\xBB\xBF");  // the byte order mark that spreadsheets write
    CsvTable table;
    table.name_ = std::string(name);
    ECG_ASSIGN_OR_RETURN(table.separator_, FindSeparator(text, name, separators));
    Reader reader = {.table = table};
    csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) return absl::InternalError("cannot start libcsv");
    // Spaces belong to a field; libcsv would strip them.
    csv_set_space_func(&parser, [](unsigned char) { return 0; });
    csv_set_delim(&parser, static_cast<unsigned char>(table.separator_));
    // One physical line at a time, so that the callbacks know which line they are in.
    bool good = true;
    while (good && !text.empty()) {
      const absl::string_view line = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
      if (!reader.in_row) reader.row_line = reader.line;
      reader.in_row |= line.find_first_not_of("\r\n") != line.npos;
      good = csv_parse(&parser, line.data(), line.size(), OnField, OnRow, &reader) == line.size();
      text.remove_prefix(line.size());
      if (good) ++reader.line;
    }
    if (good) good = csv_fini(&parser, OnField, OnRow, &reader) == 0;
    const std::string error = good ? "" : csv_strerror(csv_error(&parser));
    csv_free(&parser);
    if (!good) {
      return absl::InvalidArgumentError(absl::StrCat(
          name, ":", reader.row_line, ": the row that starts here has a quote that is not closed, or not doubled (",
          error, " at line ", reader.line, ")"));
    }
    if (!reader.error.ok()) return reader.error;
    if (table.header_.empty()) return absl::InvalidArgumentError(absl::StrCat(name, ": the table is empty"));
    return table;
  }

  // name returns the file's name, for messages.
  const std::string& name() const { return name_; }

  // header returns the columns' names.
  const std::vector<std::string>& header() const { return header_; }

  // rows returns the number of rows, the header not counted.
  int rows() const { return static_cast<int>(lines_.size()); }

  // at returns a field.
  const std::string& at(int row, int column) const { return fields_[row * header_.size() + column]; }

  // Number returns a field that is a number; with a decimal comma, too, where commas do not separate the columns.
  absl::StatusOr<double> Number(int row, int column) const {
    double number = 0;
    std::string text = at(row, column);
    if (separator_ != ',') std::replace(text.begin(), text.end(), ',', '.');
    if (absl::SimpleAtod(text, &number)) return number;
    return ErrorAt(row, column, absl::StrCat("\"", at(row, column), "\" is not a number"));
  }

  // line returns the line of the file where `row` starts; the header is line 1.
  int line(int row) const { return lines_[row]; }

  // Column returns the position of the column called `column`.
  absl::StatusOr<int> Column(absl::string_view column) const {
    const auto found = std::find(header_.begin(), header_.end(), column);
    if (found == header_.end()) {
      return absl::NotFoundError(absl::StrCat(name_, ": no column \"", column, "\"; the columns are \"",
                                              absl::StrJoin(header_, "\", \""), "\""));
    }
    return static_cast<int>(found - header_.begin());
  }

  // ErrorAt returns an error about a field, with its line and column.
  absl::Status ErrorAt(int row, int column, absl::string_view message) const {
    return absl::InvalidArgumentError(
        absl::StrCat(name_, ":", line(row), ": column \"", header_[column], "\": ", message));
  }

 private:
  // FindSeparator returns what separates the columns. With kComma, a first line that has no comma but another separator
  // is an error before the rows are read: what is wrong with them would be said in other words.
  static absl::StatusOr<char> FindSeparator(absl::string_view text, absl::string_view name, CsvSeparators separators) {
    if (absl::StartsWith(text, "\xFF\xFE") || absl::StartsWith(text, "\xFE\xFF")) {
      return absl::InvalidArgumentError(absl::StrCat(name, ": the table is in UTF-16; save it as CSV in UTF-8"));
    }
    text = text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
    int commas = 0, semicolons = 0, tabs = 0;
    bool quoted = false;
    for (const char c : text.substr(0, text.find_first_of("\r\n"))) {
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      commas += c == ',';
      semicolons += c == ';';
      tabs += c == '\t';
    }
    if (separators == CsvSeparators::kAny) {
      return commas >= semicolons && commas >= tabs ? ',' : semicolons >= tabs ? ';' : '\t';
    }
    if (commas > 0 || semicolons + tabs == 0) return ',';
    return absl::InvalidArgumentError(absl::StrCat(name, ":1: the columns are separated by ",
                                                   semicolons > 0 ? "semicolons" : "tabs",
                                                   ", commas expected; save the table with commas (spreadsheets let "
                                                   "you choose the separator when they save CSV)"));
  }

  // What libcsv's callbacks work on.
  struct Reader {
    CsvTable& table;
    std::vector<std::string> row = {};
    int line = 1;      // the line being read
    int row_line = 1;  // the line that the present row starts in
    bool in_row = false;
    absl::Status error = absl::OkStatus();
  };

  static void OnField(void* bytes, size_t size, void* opaque) {
    Reader& reader = *static_cast<Reader*>(opaque);
    reader.row.emplace_back(static_cast<const char*>(bytes), size);
  }

  static void OnRow(int /*terminator*/, void* opaque) {
    Reader& reader = *static_cast<Reader*>(opaque);
    CsvTable& table = reader.table;
    if (table.header_.empty()) {
      table.header_ = reader.row;
    } else if (reader.row.size() == table.header_.size()) {
      std::move(reader.row.begin(), reader.row.end(), std::back_inserter(table.fields_));
      table.lines_.push_back(reader.row_line);
    } else if (reader.error.ok()) {
      reader.error = absl::InvalidArgumentError(
          absl::StrCat(table.name_, ":", reader.row_line, ": ", reader.row.size(), " fields, where the header has ",
                       table.header_.size(),
                       table.separator_ == ',' && reader.row.size() > table.header_.size()
                           ? "; a field with a comma in it, such as a number with a decimal comma, must be in quotes"
                           : ""));
    }
    reader.row.clear();
    reader.in_row = false;
  }

  std::string name_;
  char separator_ = ',';
  std::vector<std::string> header_;
  std::vector<std::string> fields_;  // [rows, columns]
  std::vector<int> lines_;
};

// AppendCsvRow adds a row to `text`, with quotes around the fields that need them.
inline void AppendCsvRow(const std::vector<std::string>& fields, std::string* text) {
  const char* separator = "";
  for (const std::string& field : fields) {
    *text += separator;
    separator = ",";
    // A row of one empty field would be a blank line, which readers skip.
    if (field.find_first_of(",\"\r\n") == std::string::npos && !(field.empty() && fields.size() == 1)) {
      *text += field;
      continue;
    }
    const size_t start = text->size();
    text->resize(start + csv_write(nullptr, 0, field.data(), field.size()));
    csv_write(text->data() + start, text->size() - start, field.data(), field.size());
  }
  *text += '\n';
}

}  // namespace ecg

#endif  // ECG_FILE_CSV_H_

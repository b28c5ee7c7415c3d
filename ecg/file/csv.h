// csv.h
//
// Tables of comma-separated values that are small enough to be kept in memory, and writing such tables. What a table
// may look like is said in csv_reader.h, which reads it row by row.
//
//   ECG_ASSIGN_OR_RETURN(const CsvTable table, CsvTable::Read("scp_statements.csv"));
//   ECG_ASSIGN_OR_RETURN(const int diagnostic, table.Column("diagnostic"));
//   for (int row = 0; row < table.rows(); ++row) std::cout << table.at(row, diagnostic);

#ifndef ECG_FILE_CSV_H_
#define ECG_FILE_CSV_H_

#include <csv.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/file/csv_reader.h"
#include "ecg/status/status_macros.h"

namespace ecg {

// CsvTable is a table in memory. Every row has as many fields as the header; fields are kept as they are in the file. A
// table that may have millions of rows is better read with CsvReader.
class CsvTable {
 public:
  // Read reads the file `path`.
  static absl::StatusOr<CsvTable> Read(const std::filesystem::path& path,
                                       CsvSeparators separators = CsvSeparators::kComma) {
    return Collect(CsvReader::Open(path, separators));
  }

  // Parse reads `text`; messages call it `name`.
  static absl::StatusOr<CsvTable> Parse(absl::string_view text, absl::string_view name,
                                        CsvSeparators separators = CsvSeparators::kComma) {
    return Collect(CsvReader::Parse(std::string(text), name, separators));
  }

  // name returns the file's name, for messages.
  const std::string& name() const { return header_.name; }

  // header returns the columns' names.
  const std::vector<std::string>& header() const { return header_.columns; }

  // rows returns the number of rows, the header not counted.
  int rows() const { return static_cast<int>(lines_.size()); }

  // at returns a field.
  const std::string& at(int row, int column) const { return fields_[row * header_.columns.size() + column]; }

  // Number returns a field that is a number; with a decimal comma, too, where commas do not separate the columns.
  absl::StatusOr<double> Number(int row, int column) const {
    return header_.Number(at(row, column), line(row), column);
  }

  // line returns the line of the file where `row` starts; the header is line 1.
  int line(int row) const { return lines_[row]; }

  // Column returns the position of the column called `column`.
  absl::StatusOr<int> Column(absl::string_view column) const { return header_.Column(column); }

  // ErrorAt returns an error about a field, with its line and column.
  absl::Status ErrorAt(int row, int column, absl::string_view message) const {
    return header_.ErrorAt(line(row), column, message);
  }

 private:
  static absl::StatusOr<CsvTable> Collect(absl::StatusOr<CsvReader> reader) {
    if (!reader.ok()) return reader.status();
    CsvTable table;
    table.header_ = reader->header();
    while (reader->Next()) {
      for (int column = 0; column < static_cast<int>(table.header_.columns.size()); ++column) {
        table.fields_.push_back(reader->at(column));
      }
      table.lines_.push_back(reader->line());
    }
    ECG_RETURN_IF_ERROR(reader->status());
    return table;
  }

  CsvHeader header_;
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

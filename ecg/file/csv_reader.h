// csv_reader.h
//
// Tables of comma-separated values, one row at a time, so that a table of any length needs the memory of one row. The
// first row names the columns; a field in quotes may hold commas, line breaks and doubled quotes (RFC 4180).
//
//   ECG_ASSIGN_OR_RETURN(CsvReader reader, CsvReader::Open("ptbxl_database.csv"));
//   ECG_ASSIGN_OR_RETURN(const int fold, reader.Column("strat_fold"));
//   while (reader.Next()) std::cout << reader.at(fold);
//   ECG_RETURN_IF_ERROR(reader.status());
//
// Tables that people make may have semicolons or tabs in place of commas, as spreadsheets write them in countries with
// a decimal comma: CsvSeparators::kAny takes the most frequent of the three in the header.

#ifndef ECG_FILE_CSV_READER_H_
#define ECG_FILE_CSV_READER_H_

#include <csv.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace ecg {

// CsvSeparators says what may separate the columns of a table.
enum class CsvSeparators {
  kComma,  // anything else is an error
  kAny,    // commas, semicolons or tabs
};

// CsvHeader is what is known of a table before its rows.
struct CsvHeader {
  // name is the file's name, for messages.
  std::string name;
  // separator separates the columns.
  char separator = ',';
  // columns are the columns' names.
  std::vector<std::string> columns;

  // Column returns the position of the column called `column`.
  absl::StatusOr<int> Column(absl::string_view column) const;

  // ErrorAt returns an error about a field, with its line and column.
  absl::Status ErrorAt(int line, int column, absl::string_view message) const;

  // Number returns `field` as a number; with a decimal comma, too, where commas do not separate the columns.
  absl::StatusOr<double> Number(const std::string& field, int line, int column) const;
};

// CsvReader reads a table from its beginning to its end. Every row has as many fields as the header; fields are kept as
// they are in the file.
class CsvReader {
 public:
  // Open opens the file `path` and reads its header.
  static absl::StatusOr<CsvReader> Open(const std::filesystem::path& path,
                                        CsvSeparators separators = CsvSeparators::kComma);

  // Parse reads `text`; messages call it `name`.
  static absl::StatusOr<CsvReader> Parse(std::string text, absl::string_view name,
                                         CsvSeparators separators = CsvSeparators::kComma);

  // header returns the columns' names, the table's name and its separator.
  const CsvHeader& header() const { return header_; }

  // Column returns the position of the column called `column`.
  absl::StatusOr<int> Column(absl::string_view column) const { return header_.Column(column); }

  // Next reads the next row. It returns false at the end of the table and at the first error; status() tells.
  bool Next();

  // status returns why Next returned false: OK at the end of the table.
  const absl::Status& status() const { return status_; }

  // at returns a field of the row that Next read; it is valid until the next call of Next.
  const std::string& at(int column) const { return parsed_.fields[parsed_.rows[next_ - 1].first + column]; }

  // line returns the line of the file where the row starts; the header is line 1.
  int line() const { return parsed_.rows[next_ - 1].line; }

  // Number returns a field that is a number; with a decimal comma, too, where commas do not separate the columns.
  absl::StatusOr<double> Number(int column) const { return header_.Number(at(column), line(), column); }

  // ErrorAt returns an error about a field, with its line and column.
  absl::Status ErrorAt(int column, absl::string_view message) const { return header_.ErrorAt(line(), column, message); }

 private:
  static constexpr size_t kPieceBytes = 1 << 16;

  // An open file; none if there is no descriptor.
  struct File {
    explicit File(int descriptor = -1) : descriptor(descriptor) {}
    File(File&& other) noexcept : descriptor(std::exchange(other.descriptor, -1)) {}
    File& operator=(File&& other) noexcept {
      std::swap(descriptor, other.descriptor);
      return *this;
    }
    ~File() {
      if (descriptor >= 0) close(descriptor);
    }
    int descriptor;
  };

  struct DeleteParser {
    void operator()(csv_parser* parser) const {
      csv_free(parser);
      delete parser;
    }
  };

  struct Row {
    size_t first;   // in Parsed::fields
    size_t fields;  // how many
    int line;
  };

  // What libcsv's callbacks work on: the rows that were parsed and not yet returned. Usually this is one; a line of the
  // file holds several where rows end with a carriage return only. The strings are used again for the next rows.
  struct Parsed {
    std::vector<std::string> fields;
    std::vector<Row> rows;
    size_t first = 0;  // the first field of the row that is being parsed
    size_t used = 0;   // of fields
    int line = 1;      // the line being read
    int row_line = 1;  // the line that the present row starts in
    bool in_row = false;
  };

  CsvReader() = default;

  static void OnField(void* bytes, size_t size, void* opaque);

  static void OnRow(int /*terminator*/, void* opaque);

  // Fill appends more of the file to the buffer. It returns false at the end of the file, or if it cannot be read.
  bool Fill();

  absl::Status ReadHeader(CsvSeparators separators);

  // FindRow moves on to the next row, and parses more of the table until there is one.
  bool FindRow();

  // DropReturnedRows makes room for the next rows. The fields that are already parsed of the present row stay.
  void DropReturnedRows();

  bool Fail();

  // FindSeparator returns what separates the columns. With kComma, a first line that has no comma but another separator
  // is an error before the rows are read: what is wrong with them would be said in other words.
  static absl::StatusOr<char> FindSeparator(absl::string_view text, absl::string_view name, CsvSeparators separators);

  CsvHeader header_;
  File file_;
  std::string buffer_;                                // of the file's bytes
  size_t read_ = 0;                                   // how many of them are parsed
  std::unique_ptr<csv_parser, DeleteParser> parser_;  // none at the end
  Parsed parsed_;
  size_t next_ = 0;  // one after the present row
  absl::Status status_;
};

}  // namespace ecg

#endif  // ECG_FILE_CSV_READER_H_

#include "ecg/file/csv_reader.h"

#include <csv.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
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
#include "ecg/file/file.h"
#include "ecg/status/status_macros.h"

namespace ecg {

absl::StatusOr<int> CsvHeader::Column(absl::string_view column) const {
  const auto found = std::find(columns.begin(), columns.end(), column);
  if (found == columns.end()) {
    return absl::NotFoundError(
        absl::StrCat(name, ": no column \"", column, "\"; the columns are \"", absl::StrJoin(columns, "\", \""), "\""));
  }
  return static_cast<int>(found - columns.begin());
}

absl::Status CsvHeader::ErrorAt(int line, int column, absl::string_view message) const {
  return absl::InvalidArgumentError(absl::StrCat(name, ":", line, ": column \"", columns[column], "\": ", message));
}

absl::StatusOr<double> CsvHeader::Number(const std::string& field, int line, int column) const {
  double number = 0;
  std::string text = field;
  if (separator != ',') std::replace(text.begin(), text.end(), ',', '.');
  if (absl::SimpleAtod(text, &number)) return number;
  return ErrorAt(line, column, absl::StrCat("\"", field, "\" is not a number"));
}

absl::StatusOr<CsvReader> CsvReader::Open(const std::filesystem::path& path, CsvSeparators separators) {
  CsvReader reader;
  reader.header_.name = path.string();
  reader.file_ = File(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (reader.file_.descriptor < 0) return ErrnoError("read", path);
  ECG_RETURN_IF_ERROR(reader.ReadHeader(separators));
  return reader;
}

absl::StatusOr<CsvReader> CsvReader::Parse(std::string text, absl::string_view name, CsvSeparators separators) {
  CsvReader reader;
  reader.header_.name = std::string(name);
  reader.buffer_ = std::move(text);
  ECG_RETURN_IF_ERROR(reader.ReadHeader(separators));
  return reader;
}

bool CsvReader::Next() {
  if (!FindRow()) return false;
  const Row& row = parsed_.rows[next_ - 1];
  if (row.fields == header_.columns.size()) return true;
  status_ = absl::InvalidArgumentError(absl::StrCat(
      header_.name, ":", row.line, ": ", row.fields, " fields, where the header has ", header_.columns.size(),
      header_.separator == ',' && row.fields > header_.columns.size()
          ? "; a field with a comma in it, such as a number with a decimal comma, must be in quotes"
          : ""));
  return false;
}

void CsvReader::OnField(void* bytes, size_t size, void* opaque) {
  Parsed& parsed = *static_cast<Parsed*>(opaque);
  if (parsed.used == parsed.fields.size()) parsed.fields.emplace_back();
  parsed.fields[parsed.used++].assign(static_cast<const char*>(bytes), size);
}

void CsvReader::OnRow(int /*terminator*/, void* opaque) {
  Parsed& parsed = *static_cast<Parsed*>(opaque);
  parsed.rows.push_back({parsed.first, parsed.used - parsed.first, parsed.row_line});
  parsed.first = parsed.used;
  parsed.in_row = false;
}

bool CsvReader::Fill() {
  if (file_.descriptor < 0) return false;
  buffer_.erase(0, std::exchange(read_, 0));
  const size_t size = buffer_.size();
  buffer_.resize(size + kPieceBytes);
  ssize_t count;
  do {
    count = read(file_.descriptor, buffer_.data() + size, kPieceBytes);
  } while (count < 0 && errno == EINTR);
  if (count < 0) status_ = ErrnoError("read", header_.name);
  buffer_.resize(size + std::max<ssize_t>(count, 0));
  return count > 0;
}

absl::Status CsvReader::ReadHeader(CsvSeparators separators) {
  const auto has_first_line = [this] {
    const size_t begin = buffer_.find_first_not_of("\xEF\xBB\xBF\r\n");
    return begin != buffer_.npos && buffer_.find_first_of("\r\n", begin) != buffer_.npos;
  };
  while (!has_first_line() && Fill()) continue;
  ECG_RETURN_IF_ERROR(status_);
  if (absl::StartsWith(buffer_, "\xEF\xBB\xBF")) read_ = 3;  // the byte order mark that spreadsheets write
  ECG_ASSIGN_OR_RETURN(header_.separator,
                       FindSeparator(absl::string_view(buffer_).substr(read_), header_.name, separators));
  auto parser = std::make_unique<csv_parser>();
  if (csv_init(parser.get(), CSV_STRICT | CSV_STRICT_FINI) != 0) return absl::InternalError("cannot start libcsv");
  parser_.reset(parser.release());
  // Spaces belong to a field; libcsv would strip them.
  csv_set_space_func(parser_.get(), [](unsigned char) { return 0; });
  csv_set_delim(parser_.get(), static_cast<unsigned char>(header_.separator));
  if (!FindRow()) {
    ECG_RETURN_IF_ERROR(status_);
    return absl::InvalidArgumentError(absl::StrCat(header_.name, ": the table is empty"));
  }
  const Row& row = parsed_.rows[0];
  header_.columns.assign(parsed_.fields.begin(), parsed_.fields.begin() + static_cast<std::ptrdiff_t>(row.fields));
  return absl::OkStatus();
}

bool CsvReader::FindRow() {
  if (!status_.ok()) return false;
  while (next_ == parsed_.rows.size()) {
    if (parser_ == nullptr) return false;  // at the end
    DropReturnedRows();
    if (read_ == buffer_.size() && !Fill()) {
      if (!status_.ok()) return false;
      if (csv_fini(parser_.get(), OnField, OnRow, &parsed_) != 0) return Fail();
      parser_.reset();
      continue;
    }
    // One physical line at a time, or what is there of it, so that the callbacks know which line they are in.
    const absl::string_view left = absl::string_view(buffer_).substr(read_);
    const absl::string_view line = left.substr(0, std::min(left.find('\n'), left.size() - 1) + 1);
    if (!parsed_.in_row) parsed_.row_line = parsed_.line;
    parsed_.in_row |= line.find_first_not_of("\r\n") != line.npos;
    if (csv_parse(parser_.get(), line.data(), line.size(), OnField, OnRow, &parsed_) != line.size()) return Fail();
    read_ += line.size();
    if (line.back() == '\n') ++parsed_.line;
  }
  ++next_;
  return true;
}

void CsvReader::DropReturnedRows() {
  std::rotate(parsed_.fields.begin(), parsed_.fields.begin() + static_cast<std::ptrdiff_t>(parsed_.first),
              parsed_.fields.begin() + static_cast<std::ptrdiff_t>(parsed_.used));
  parsed_.used -= std::exchange(parsed_.first, 0);
  parsed_.rows.clear();
  next_ = 0;
}

bool CsvReader::Fail() {
  status_ = absl::InvalidArgumentError(
      absl::StrCat(header_.name, ":", parsed_.row_line,
                   ": the row that starts here has a quote that is not closed, or not doubled (",
                   csv_strerror(csv_error(parser_.get())), " at line ", parsed_.line, ")"));
  return false;
}

absl::StatusOr<char> CsvReader::FindSeparator(absl::string_view text, absl::string_view name,
                                              CsvSeparators separators) {
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

}  // namespace ecg

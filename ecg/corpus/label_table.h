// label_table.h
//
// The table of labels of a corpus of one's own: a row for each record, with what the record is called, its labels, and
// its patient, fold and age where the table has them. The columns are those of spec::Recordings.
//
//   id;patient;fold;age;labels                     id,AFIB,LVH
//   0001;p17;1;63,5;AFIB|LVH                       0001,1,0
//   0002;p17;1;63,5;NORM                           0002,0,0
//
//   ECG_ASSIGN_OR_RETURN(const LabelTable table, LabelTable::Read(folder / "labels.csv", spec::Recordings()));
//   table.rows()[0].labels;   // AFIB, LVH
//
// What people get wrong in such tables is an error with line and column: nothing is guessed.

#ifndef ECG_CORPUS_LABEL_TABLE_H_
#define ECG_CORPUS_LABEL_TABLE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/file/csv.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"

namespace ecg {

// LabelRow is what the table says of one record.
struct LabelRow {
  // line is where the row starts in the file.
  int line = 0;
  // id is the record's name, and file its path; file is empty where the table has no such column.
  std::string id = {}, file = {};
  // patient is empty where the table has no such column.
  std::string patient = {};
  // fold is the place of the record's fold in LabelTable::folds, from 1; 0 where the table has no such column.
  int fold = 0;
  std::optional<double> age_years = {};
  std::vector<std::string> labels = {};
};

// LabelTable is the table.
class LabelTable {
 public:
  // Read reads the table at `path`.
  static absl::StatusOr<LabelTable> Read(const std::filesystem::path& path, const spec::Recordings& spec) {
    ECG_ASSIGN_OR_RETURN(CsvTable csv, CsvTable::Read(path, CsvSeparators::kAny));
    LabelTable table(std::move(csv), spec);
    ECG_RETURN_IF_ERROR(table.FindColumns());
    ECG_RETURN_IF_ERROR(table.ReadRows());
    ECG_RETURN_IF_ERROR(table.ReadFolds());
    ECG_RETURN_IF_ERROR(table.CheckLabels());
    return table;
  }

  const std::vector<LabelRow>& rows() const { return rows_; }
  // folds returns the folds in ascending order, as the table writes them; "train", "validation" and "test" in this order.
  const std::vector<std::string>& folds() const { return folds_; }
  // folds_are_parts is true where the folds are train, validation and test.
  bool folds_are_parts() const { return folds_are_parts_; }
  // has_patients is true where the table says whose record each is.
  bool has_patients() const { return patient_ >= 0; }
  // file_column returns the name of the column of paths; empty where there is none.
  std::string file_column() const { return file_ >= 0 ? csv_.header()[file_] : ""; }
  // empty_rows returns how many rows were left out because their label is empty.
  int empty_rows() const { return empty_rows_; }

 private:
  static constexpr int kNone = -1;

  LabelTable(CsvTable csv, const spec::Recordings& spec) : csv_(std::move(csv)), spec_(spec) {
    for (const std::string& name : csv_.header()) header_.emplace_back(absl::StripAsciiWhitespace(name));
  }

  // Field returns a field without the spaces around it.
  std::string Field(int row, int column) const { return std::string(absl::StripAsciiWhitespace(csv_.at(row, column))); }

  // IsEmpty takes what pandas and spreadsheets write for a missing value as empty.
  static bool IsEmpty(absl::string_view field) {
    return field.empty() || absl::EqualsIgnoreCase(field, "nan") || absl::EqualsIgnoreCase(field, "null") ||
           field == "None" || field == "NA" || field == "#N/A";
  }

  // Find returns the column called `name`.
  absl::StatusOr<int> Find(absl::string_view name, absl::string_view field) const {
    for (size_t column = 0; column < header_.size(); ++column) {
      if (header_[column] == name) return static_cast<int>(column);
    }
    return absl::NotFoundError(absl::StrCat(csv_.name(), ": no column \"", name, "\"; the columns are \"",
                                            absl::StrJoin(header_, "\", \""),
                                            "\"; name the right one with recordings { ", field, ": \"...\" }"));
  }

  // FindOptional returns the column that the spec names, which must be there, or else the first of `usual`, in upper or
  // lower case; kNone if there is none.
  absl::StatusOr<int> FindOptional(const std::string& named, absl::string_view field,
                                   const std::vector<absl::string_view>& usual) const {
    if (!named.empty()) return Find(named, field);
    for (const absl::string_view name : usual) {
      for (size_t column = 0; column < header_.size(); ++column) {
        if (absl::EqualsIgnoreCase(header_[column], name)) return static_cast<int>(column);
      }
    }
    return kNone;
  }

  absl::Status FindColumns() {
    for (size_t column = 0; column < header_.size(); ++column) {
      const auto other =
          std::find(header_.begin(), header_.begin() + static_cast<std::ptrdiff_t>(column), header_[column]);
      if (other == header_.begin() + static_cast<std::ptrdiff_t>(column)) continue;
      return absl::InvalidArgumentError(absl::StrCat(csv_.name(), ":1: the columns ", other - header_.begin() + 1,
                                                     " and ", column + 1, " are both called \"", header_[column],
                                                     "\""));
    }
    ECG_ASSIGN_OR_RETURN(id_, Find(spec_.id_column(), "id_column"));
    ECG_ASSIGN_OR_RETURN(file_, FindOptional(spec_.file_column(), "file_column", {"file"}));
    ECG_ASSIGN_OR_RETURN(patient_, FindOptional(spec_.patient_column(), "patient_column", {"patient", "patient_id"}));
    ECG_ASSIGN_OR_RETURN(fold_, FindOptional(spec_.fold_column(), "fold_column", {"fold", "split"}));
    ECG_ASSIGN_OR_RETURN(age_, FindOptional(spec_.age_column(), "age_column", {"age"}));
    ECG_ASSIGN_OR_RETURN(labels_, FindOptional(spec_.labels_column(), "labels_column", {"labels", "label"}));
    if (labels_ != kNone) return absl::OkStatus();
    for (const std::string& name : spec_.classes()) {
      ECG_ASSIGN_OR_RETURN(const int column, Find(name, "classes"));
      label_columns_.push_back(column);
    }
    for (int column = 0; spec_.classes().empty() && column < static_cast<int>(header_.size()); ++column) {
      const std::string& name = header_[column];
      const bool is_sex = absl::EqualsIgnoreCase(name, "sex") || absl::EqualsIgnoreCase(name, "gender");
      if (is_sex || column == id_ || column == file_ || column == patient_ || column == fold_ || column == age_)
        continue;
      label_columns_.push_back(column);
    }
    if (!label_columns_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(csv_.name(), ": no column of labels among \"",
                                                   absl::StrJoin(header_, "\", \""),
                                                   "\"; add one called \"labels\", or one for each label with 0 and 1, "
                                                   "or name it with recordings { labels_column: "
                                                   "\"...\" }"));
  }

  absl::Status ReadRows() {
    absl::flat_hash_map<std::string, int> lines;
    for (int row = 0; row < csv_.rows(); ++row) {
      LabelRow read;
      read.line = csv_.line(row);
      read.id = Field(row, id_);
      if (IsEmpty(read.id)) return csv_.ErrorAt(row, id_, "empty; each record needs a name");
      ECG_RETURN_IF_ERROR(CheckText(row, id_, read.id));
      if (const auto [other, is_new] = lines.emplace(read.id, read.line); !is_new) {
        return csv_.ErrorAt(row, id_,
                            absl::StrCat("the record \"", read.id, "\" is in line ", other->second, ", too; ",
                                         "write all of its labels in one row"));
      }
      if (file_ != kNone) {
        read.file = Field(row, file_);
        if (IsEmpty(read.file)) return csv_.ErrorAt(row, file_, "empty; the path of the record's file is expected");
      }
      if (patient_ != kNone) {
        read.patient = Field(row, patient_);
        if (IsEmpty(read.patient)) {
          return csv_.ErrorAt(
              row, patient_,
              "empty; a record of an unknown patient could be in another part than the patient's others. "
              "Write a name of its own where nothing is known");
        }
      }
      ECG_RETURN_IF_ERROR(ReadAge(row, read));
      ECG_ASSIGN_OR_RETURN(const bool is_labelled,
                           labels_ != kNone ? ReadLabels(row, read) : ReadLabelColumns(row, read));
      if (is_labelled) {
        csv_rows_.push_back(row);
        rows_.push_back(std::move(read));
      } else {
        ++empty_rows_;
      }
    }
    if (!rows_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(csv_.name(), ": no row with labels; a header and a row for each record are expected"));
  }

  absl::Status ReadAge(int row, LabelRow& read) const {
    if (age_ == kNone || IsEmpty(Field(row, age_))) return absl::OkStatus();
    ECG_ASSIGN_OR_RETURN(const double age, csv_.Number(row, age_));
    if (!(age >= 0 && age <= 130)) {
      return csv_.ErrorAt(row, age_,
                          absl::StrCat("\"", Field(row, age_), "\" is no age in years, 0 to 130, nor empty"));
    }
    read.age_years = age;
    return absl::OkStatus();
  }

  // Empty decides on an empty label: false leaves the row out.
  absl::StatusOr<bool> Empty(int row, int column) const {
    if (spec_.empty_labels() == spec::Recordings::NEGATIVE) return true;
    if (spec_.empty_labels() == spec::Recordings::LEAVE_OUT) return false;
    return csv_.ErrorAt(
        row, column,
        "empty; say with recordings { empty_labels: NEGATIVE } that an empty field means that nothing was "
        "found, or with LEAVE_OUT that nobody looked");
  }

  // ReadLabels reads the one column of labels.
  absl::StatusOr<bool> ReadLabels(int row, LabelRow& read) const {
    const std::string field = Field(row, labels_);
    if (IsEmpty(field)) return Empty(row, labels_);
    ECG_RETURN_IF_ERROR(CheckText(row, labels_, field));
    if (field[0] == '[' || field[0] == '{' || field[0] == '(') {
      return csv_.ErrorAt(row, labels_,
                          absl::StrCat("\"", field, "\" is a list as a program writes it; write the labels ",
                                       "with a separator between them, such as AFIB;LVH"));
    }
    for (absl::string_view label : absl::StrSplit(field, absl::ByAnyChar(spec_.label_separators()))) {
      label = absl::StripAsciiWhitespace(label);
      if (label.empty()) continue;
      if (std::find(read.labels.begin(), read.labels.end(), label) == read.labels.end())
        read.labels.emplace_back(label);
    }
    if (read.labels.empty()) return Empty(row, labels_);
    return true;
  }

  // ReadLabelColumns reads a column for each label.
  absl::StatusOr<bool> ReadLabelColumns(int row, LabelRow& read) const {
    for (const int column : label_columns_) {
      const std::string field = Field(row, column);
      if (IsEmpty(field)) {
        ECG_ASSIGN_OR_RETURN(const bool keep, Empty(row, column));
        if (!keep) return false;
        continue;
      }
      const absl::StatusOr<double> number = csv_.Number(row, column);
      const bool is_true = absl::EqualsIgnoreCase(field, "true") || (number.ok() && *number == 1);
      const bool is_false = absl::EqualsIgnoreCase(field, "false") || (number.ok() && *number == 0);
      if (is_true) read.labels.push_back(header_[column]);
      if (is_true || is_false) continue;
      return csv_.ErrorAt(
          row, column,
          absl::StrCat("\"", field,
                       "\" is neither 0 nor 1. Without a column \"labels\" every column is a "
                       "label; name those that are with recordings { classes: \"...\" }, or the one that "
                       "holds the labels with labels_column"));
    }
    return true;
  }

  // CheckText refuses text in another encoding than UTF-8, which results could not hold.
  absl::Status CheckText(int row, int column, const std::string& text) const {
    try {
      (void)nlohmann::json(text).dump();
    } catch (const nlohmann::json::exception&) {
      return csv_.ErrorAt(row, column, "the text is not in UTF-8; save the table as CSV in UTF-8");
    }
    return absl::OkStatus();
  }

  // PartOf returns the place of a word in train, validation and test; nothing for any other.
  static std::optional<int> PartOf(absl::string_view word) {
    constexpr std::pair<absl::string_view, int> kWords[] = {{"train", 0}, {"training", 0},   {"val", 1},
                                                            {"valid", 1}, {"validation", 1}, {"dev", 1},
                                                            {"test", 2},  {"testing", 2}};
    for (const auto& [known, part] : kWords) {
      if (absl::EqualsIgnoreCase(word, known)) return part;
    }
    return std::nullopt;
  }

  // ReadFolds sets folds_, and the fold of each row.
  absl::Status ReadFolds() {
    if (fold_ == kNone) return absl::OkStatus();
    folds_are_parts_ = PartOf(Field(csv_rows_[0], fold_)).has_value();
    std::vector<int> values;
    for (const int row : csv_rows_) {
      const std::string field = Field(row, fold_);
      if (IsEmpty(field)) return csv_.ErrorAt(row, fold_, "empty; every record needs a fold");
      const std::optional<int> part = PartOf(field);
      const absl::StatusOr<double> number = csv_.Number(row, fold_);
      const bool is_number = number.ok() && *number == std::floor(*number) && std::abs(*number) < 1e6;
      if (folds_are_parts_ ? !part : !is_number) {
        return csv_.ErrorAt(
            row, fold_,
            absl::StrCat("\"", field, "\" is ", folds_are_parts_ ? "not train, validation or test" : "no whole number",
                         folds_are_parts_ ? ", as the first row's is"
                                          : "; whole numbers are expected, or train, "
                                            "validation and test"));
      }
      values.push_back(folds_are_parts_ ? *part : static_cast<int>(*number));
    }
    std::set<int> distinct(values.begin(), values.end());
    if (folds_are_parts_) {
      folds_ = {"train", "validation", "test"};
      for (int part = 0; part < 3; ++part) {
        if (distinct.contains(part)) continue;
        return absl::InvalidArgumentError(
            absl::StrCat(csv_.name(), ": column \"", header_[fold_], "\": no record is in ", folds_[part]));
      }
    } else {
      for (const int fold : distinct) folds_.push_back(absl::StrCat(fold));
      if (folds_.size() < 3) {
        return absl::InvalidArgumentError(absl::StrCat(
            csv_.name(), ": column \"", header_[fold_], "\" has only the folds ", absl::StrJoin(folds_, " and "),
            "; one for validation, one for the test and at least one for training are needed"));
      }
    }
    for (size_t row = 0; row < rows_.size(); ++row) {
      rows_[row].fold = 1 + static_cast<int>(std::distance(distinct.begin(), distinct.find(values[row])));
    }
    return absl::OkStatus();
  }

  // CheckLabels refuses labels that cannot be names of classes, and columns that say nothing.
  absl::Status CheckLabels() const {
    std::set<std::string> found;
    for (const LabelRow& row : rows_) found.insert(row.labels.begin(), row.labels.end());
    for (const std::string& label : found) {
      if (label.find_first_of(",\r\n") == label.npos) continue;
      return absl::InvalidArgumentError(absl::StrCat(csv_.name(), ": the label \"", label,
                                                     "\" has a comma or a line break in it, which the name of a class "
                                                     "cannot have; write it otherwise"));
    }
    for (const int column : label_columns_) {
      ECG_RETURN_IF_ERROR(CheckText(0, column, header_[column]));
      if (found.contains(header_[column])) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(csv_.name(), ": column \"", header_[column],
                       "\" is 1 in no record, so nothing can be learned of it; delete it, or "
                       "name the others with recordings { classes: \"...\" }"));
    }
    if (!found.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(csv_.name(), ": no record has a label"));
  }

  CsvTable csv_;
  spec::Recordings spec_;
  std::vector<std::string> header_;
  int id_ = kNone, file_ = kNone, patient_ = kNone, fold_ = kNone, age_ = kNone, labels_ = kNone;
  std::vector<int> label_columns_;  // where labels_ is kNone
  std::vector<LabelRow> rows_;
  std::vector<int> csv_rows_;  // of each of rows_
  std::vector<std::string> folds_;
  bool folds_are_parts_ = false;
  int empty_rows_ = 0;
};

}  // namespace ecg

#endif  // ECG_CORPUS_LABEL_TABLE_H_

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
//   table.records()[0].statements;   // AFIB, LVH
//
// What people get wrong in such tables is an error with line and column: nothing is guessed.

#ifndef ECG_CORPUS_LABEL_TABLE_H_
#define ECG_CORPUS_LABEL_TABLE_H_

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/records.h"
#include "ecg/file/csv_reader.h"
#include "proto/experiment.pb.h"

namespace ecg {

// LabelTable is the table.
class LabelTable {
 public:
  // Read reads the table at `path`.
  static absl::StatusOr<LabelTable> Read(const std::filesystem::path& path, const spec::Recordings& spec);

  // records returns what the table says of each record. The path is what the column of paths has, and empty where there
  // is none, as the patient is; the fold is a place in folds(), from 1, and 0 where there is none.
  const Records& records() const { return records_; }
  // TakeRecords moves them out of the table.
  Records TakeRecords() { return std::move(records_); }
  // line returns where the row of a record starts in the file.
  int line(size_t record) const { return lines_[record]; }
  // folds returns the folds in ascending order, as the table writes them; "train", "validation" and "test" in this
  // order.
  const std::vector<std::string>& folds() const { return folds_; }
  // folds_are_parts is true where the folds are train, validation and test.
  bool folds_are_parts() const { return folds_are_parts_; }
  // has_patients is true where the table says whose record each is.
  bool has_patients() const { return patient_ >= 0; }
  // file_column returns the name of the column of paths; empty where there is none.
  std::string file_column() const { return file_ >= 0 ? csv_.header().columns[file_] : ""; }
  // empty_rows returns how many rows were left out because their label is empty.
  int empty_rows() const { return empty_rows_; }
  // unknown_sexes returns how many records have a sex that is no word for female or male.
  int unknown_sexes() const { return unknown_sexes_; }

 private:
  static constexpr int kNone = -1;

  LabelTable(CsvReader csv, const spec::Recordings& spec);

  // Field returns a field of the present row without the spaces around it.
  std::string Field(int column) const { return std::string(absl::StripAsciiWhitespace(csv_.at(column))); }

  // IsEmpty takes what pandas and spreadsheets write for a missing value as empty.
  static bool IsEmpty(absl::string_view field);

  // Find returns the column called `name`.
  absl::StatusOr<int> Find(absl::string_view name, absl::string_view field) const;

  // FindOptional returns the column that the spec names, which must be there, or else the first of `usual`, in upper or
  // lower case; kNone if there is none.
  absl::StatusOr<int> FindOptional(const std::string& named, absl::string_view field,
                                   const std::vector<absl::string_view>& usual) const;

  absl::Status FindColumns();

  absl::Status ReadRows();

  absl::Status ReadAge(Record& read) const;

  // ReadPatient reads what else the table says of the patient. What it does not tell in a known way counts as unknown.
  void ReadPatient(Record& read);

  // Empty decides on an empty label: false leaves the row out.
  absl::StatusOr<bool> Empty(int column) const;

  // ReadLabels reads the one column of labels.
  absl::StatusOr<bool> ReadLabels(Record& read) const;

  // ReadLabelColumns reads a column for each label.
  absl::StatusOr<bool> ReadLabelColumns(Record& read) const;

  // CheckText refuses text in another encoding than UTF-8, which results could not hold.
  absl::Status CheckText(int line, int column, const std::string& text) const;
  absl::Status CheckText(int column, const std::string& text) const { return CheckText(csv_.line(), column, text); }

  // PartOf returns the place of a word in train, validation and test; nothing for any other.
  static std::optional<int> PartOf(absl::string_view word);

  // ReadFold reads the fold as a number, or as a part: 0 to 2.
  absl::Status ReadFold(Record& read);

  // SetFolds sets folds_, and the fold of each record to its place there.
  absl::Status SetFolds();

  // CheckLabels refuses labels that cannot be names of classes, and columns that say nothing.
  absl::Status CheckLabels() const;

  CsvReader csv_;
  spec::Recordings spec_;
  std::vector<std::string> header_;
  int id_ = kNone, file_ = kNone, patient_ = kNone, fold_ = kNone, labels_ = kNone;
  int age_ = kNone, sex_ = kNone, height_ = kNone, weight_ = kNone;
  std::vector<int> label_columns_;  // where labels_ is kNone
  Records records_;
  std::vector<int> lines_;  // of each record
  int first_line_ = 0;      // of the first row
  std::vector<std::string> folds_;
  bool folds_are_parts_ = false;
  int empty_rows_ = 0;
  int unknown_sexes_ = 0;
};

}  // namespace ecg

#endif  // ECG_CORPUS_LABEL_TABLE_H_

#include "ecg/corpus/label_table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/records.h"
#include "ecg/corpus/text_column.h"
#include "ecg/file/csv_reader.h"
#include "ecg/signal/recording_fields.h"
#include "ecg/status/status_macros.h"
#include "nlohmann/json.hpp"
#include "proto/experiment.pb.h"

namespace ecg {

absl::StatusOr<LabelTable> LabelTable::Read(const std::filesystem::path& path, const spec::Recordings& spec) {
  ECG_ASSIGN_OR_RETURN(CsvReader csv, CsvReader::Open(path, CsvSeparators::kAny));
  LabelTable table(std::move(csv), spec);
  ECG_RETURN_IF_ERROR(table.FindColumns());
  ECG_RETURN_IF_ERROR(table.ReadRows());
  ECG_RETURN_IF_ERROR(table.SetFolds());
  ECG_RETURN_IF_ERROR(table.CheckLabels());
  return table;
}

LabelTable::LabelTable(CsvReader csv, const spec::Recordings& spec) : csv_(std::move(csv)), spec_(spec) {
  for (const std::string& name : csv_.header().columns) header_.emplace_back(absl::StripAsciiWhitespace(name));
}

bool LabelTable::IsEmpty(absl::string_view field) {
  return field.empty() || absl::EqualsIgnoreCase(field, "nan") || absl::EqualsIgnoreCase(field, "null") ||
         field == "None" || field == "NA" || field == "#N/A";
}

absl::StatusOr<int> LabelTable::Find(absl::string_view name, absl::string_view field) const {
  for (size_t column = 0; column < header_.size(); ++column) {
    if (header_[column] == name) return static_cast<int>(column);
  }
  return absl::NotFoundError(absl::StrCat(csv_.header().name, ": no column \"", name, "\"; the columns are \"",
                                          absl::StrJoin(header_, "\", \""), "\"; name the right one with recordings { ",
                                          field, ": \"...\" }"));
}

absl::StatusOr<int> LabelTable::FindOptional(const std::string& named, absl::string_view field,
                                             const std::vector<absl::string_view>& usual) const {
  if (!named.empty()) return Find(named, field);
  for (const absl::string_view name : usual) {
    for (size_t column = 0; column < header_.size(); ++column) {
      if (absl::EqualsIgnoreCase(header_[column], name)) return static_cast<int>(column);
    }
  }
  return kNone;
}

absl::Status LabelTable::FindColumns() {
  for (size_t column = 0; column < header_.size(); ++column) {
    const auto other =
        std::find(header_.begin(), header_.begin() + static_cast<std::ptrdiff_t>(column), header_[column]);
    if (other == header_.begin() + static_cast<std::ptrdiff_t>(column)) continue;
    return absl::InvalidArgumentError(absl::StrCat(csv_.header().name, ":1: the columns ", other - header_.begin() + 1,
                                                   " and ", column + 1, " are both called \"", header_[column], "\""));
  }
  ECG_ASSIGN_OR_RETURN(id_, Find(spec_.id_column(), "id_column"));
  ECG_ASSIGN_OR_RETURN(file_, FindOptional(spec_.file_column(), "file_column", {"file"}));
  ECG_ASSIGN_OR_RETURN(patient_, FindOptional(spec_.patient_column(), "patient_column", {"patient", "patient_id"}));
  ECG_ASSIGN_OR_RETURN(fold_, FindOptional(spec_.fold_column(), "fold_column", {"fold", "split"}));
  ECG_ASSIGN_OR_RETURN(age_, FindOptional(spec_.age_column(), "age_column", {"age"}));
  ECG_ASSIGN_OR_RETURN(sex_, FindOptional("", "", {"sex", "gender"}));
  ECG_ASSIGN_OR_RETURN(height_, FindOptional("", "", {"height", "height_cm"}));
  ECG_ASSIGN_OR_RETURN(weight_, FindOptional("", "", {"weight", "weight_kg"}));
  ECG_ASSIGN_OR_RETURN(labels_, FindOptional(spec_.labels_column(), "labels_column", {"labels", "label"}));
  if (labels_ != kNone) return absl::OkStatus();
  for (const std::string& name : spec_.classes()) {
    ECG_ASSIGN_OR_RETURN(const int column, Find(name, "classes"));
    label_columns_.push_back(column);
  }
  for (int column = 0; spec_.classes().empty() && column < static_cast<int>(header_.size()); ++column) {
    const std::initializer_list<int> others = {id_, file_, patient_, fold_, age_, sex_, height_, weight_};
    if (std::ranges::find(others, column) != others.end()) continue;
    label_columns_.push_back(column);
  }
  if (!label_columns_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(csv_.header().name, ": no column of labels among \"",
                                                 absl::StrJoin(header_, "\", \""),
                                                 "\"; add one called \"labels\", or one for each label with 0 and 1, "
                                                 "or name it with recordings { labels_column: "
                                                 "\"...\" }"));
}

absl::Status LabelTable::ReadRows() {
  TextIndex known(records_.ids());
  // The records without a label, and their lines.
  TextColumn left_out;
  TextIndex known_left_out(left_out);
  std::vector<int> left_out_lines;
  while (csv_.Next()) {
    if (first_line_ == 0) first_line_ = csv_.line();
    Record read;
    read.id = Field(id_);
    if (IsEmpty(read.id)) return csv_.ErrorAt(id_, "empty; each record needs a name");
    ECG_RETURN_IF_ERROR(CheckText(id_, read.id));
    const std::optional<int> same = known.Find(read.id);
    const std::optional<int> same_left_out = known_left_out.Find(read.id);
    if (same || same_left_out) {
      return csv_.ErrorAt(id_, absl::StrCat("the record \"", read.id, "\" is in line ",
                                            same ? lines_[*same] : left_out_lines[*same_left_out], ", too; ",
                                            "write all of its labels in one row"));
    }
    if (file_ != kNone) {
      read.path = Field(file_);
      if (IsEmpty(read.path)) return csv_.ErrorAt(file_, "empty; the path of the record's file is expected");
    }
    if (patient_ != kNone) {
      read.patient_id = Field(patient_);
      if (IsEmpty(read.patient_id)) {
        return csv_.ErrorAt(patient_,
                            "empty; a record of an unknown patient could be in another part than the patient's "
                            "others. Write a name of its own where nothing is known");
      }
    }
    ECG_RETURN_IF_ERROR(ReadAge(read));
    ReadPatient(read);
    ECG_ASSIGN_OR_RETURN(const bool is_labelled, labels_ != kNone ? ReadLabels(read) : ReadLabelColumns(read));
    if (!is_labelled) {
      left_out.Add(read.id);
      known_left_out.Add(empty_rows_);
      left_out_lines.push_back(csv_.line());
      ++empty_rows_;
      continue;
    }
    ECG_RETURN_IF_ERROR(ReadFold(read));
    records_.Add(read);
    known.Add(static_cast<int>(lines_.size()));
    lines_.push_back(csv_.line());
  }
  ECG_RETURN_IF_ERROR(csv_.status());
  if (!records_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(csv_.header().name, ": no row with labels; a header and a row for each record are expected"));
}

absl::Status LabelTable::ReadAge(Record& read) const {
  if (age_ == kNone || IsEmpty(Field(age_))) return absl::OkStatus();
  ECG_ASSIGN_OR_RETURN(const double age, csv_.Number(age_));
  if (!(age >= 0 && age <= 130)) {
    return csv_.ErrorAt(age_, absl::StrCat("\"", Field(age_), "\" is no age in years, 0 to 130, nor empty"));
  }
  read.demographics.age_years = age;
  return absl::OkStatus();
}

void LabelTable::ReadPatient(Record& read) {
  const auto positive = [&](int column) -> std::optional<double> {
    if (column == kNone) return std::nullopt;
    const absl::StatusOr<double> number = csv_.Number(column);
    return number.ok() && *number > 0 ? std::optional(*number) : std::nullopt;
  };
  read.demographics.height_cm = positive(height_);
  read.demographics.weight_kg = positive(weight_);
  if (sex_ == kNone) return;
  read.demographics.sex = SexFromWord(csv_.at(sex_));
  if (read.demographics.sex.empty() && !IsEmpty(Field(sex_))) ++unknown_sexes_;
}

absl::StatusOr<bool> LabelTable::Empty(int column) const {
  if (spec_.empty_labels() == spec::Recordings::NEGATIVE) return true;
  if (spec_.empty_labels() == spec::Recordings::LEAVE_OUT) return false;
  return csv_.ErrorAt(
      column,
      "empty; say with recordings { empty_labels: NEGATIVE } that an empty field means that nothing was "
      "found, or with LEAVE_OUT that nobody looked");
}

absl::StatusOr<bool> LabelTable::ReadLabels(Record& read) const {
  const std::string field = Field(labels_);
  if (IsEmpty(field)) return Empty(labels_);
  ECG_RETURN_IF_ERROR(CheckText(labels_, field));
  if (field[0] == '[' || field[0] == '{' || field[0] == '(') {
    return csv_.ErrorAt(labels_, absl::StrCat("\"", field, "\" is a list as a program writes it; write the labels ",
                                              "with a separator between them, such as AFIB;LVH"));
  }
  for (absl::string_view label : absl::StrSplit(field, absl::ByAnyChar(spec_.label_separators()))) {
    label = absl::StripAsciiWhitespace(label);
    if (label.empty()) continue;
    if (std::find(read.statements.begin(), read.statements.end(), label) == read.statements.end())
      read.statements.emplace_back(label);
  }
  if (read.statements.empty()) return Empty(labels_);
  return true;
}

absl::StatusOr<bool> LabelTable::ReadLabelColumns(Record& read) const {
  for (const int column : label_columns_) {
    const std::string field = Field(column);
    if (IsEmpty(field)) {
      ECG_ASSIGN_OR_RETURN(const bool keep, Empty(column));
      if (!keep) return false;
      continue;
    }
    const absl::StatusOr<double> number = csv_.Number(column);
    const bool is_true = absl::EqualsIgnoreCase(field, "true") || (number.ok() && *number == 1);
    const bool is_false = absl::EqualsIgnoreCase(field, "false") || (number.ok() && *number == 0);
    if (is_true) read.statements.push_back(header_[column]);
    if (is_true || is_false) continue;
    return csv_.ErrorAt(column,
                        absl::StrCat("\"", field,
                                     "\" is neither 0 nor 1. Without a column \"labels\" every column is a "
                                     "label; name those that are with recordings { classes: \"...\" }, or the one that "
                                     "holds the labels with labels_column"));
  }
  return true;
}

absl::Status LabelTable::CheckText(int line, int column, const std::string& text) const {
  if (std::all_of(text.begin(), text.end(), absl::ascii_isascii)) return absl::OkStatus();
  try {
    (void)nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    return csv_.header().ErrorAt(line, column, "the text is not in UTF-8; save the table as CSV in UTF-8");
  }
  return absl::OkStatus();
}

std::optional<int> LabelTable::PartOf(absl::string_view word) {
  constexpr std::pair<absl::string_view, int> kWords[] = {{"train", 0}, {"training", 0},   {"val", 1},
                                                          {"valid", 1}, {"validation", 1}, {"dev", 1},
                                                          {"test", 2},  {"testing", 2}};
  for (const auto& [known, part] : kWords) {
    if (absl::EqualsIgnoreCase(word, known)) return part;
  }
  return std::nullopt;
}

absl::Status LabelTable::ReadFold(Record& read) {
  if (fold_ == kNone) return absl::OkStatus();
  const std::string field = Field(fold_);
  const std::optional<int> part = PartOf(field);
  if (records_.empty()) folds_are_parts_ = part.has_value();
  if (IsEmpty(field)) return csv_.ErrorAt(fold_, "empty; every record needs a fold");
  const absl::StatusOr<double> number = csv_.Number(fold_);
  const bool is_number = number.ok() && *number == std::floor(*number) && std::abs(*number) < 1e6;
  if (folds_are_parts_ ? !part : !is_number) {
    return csv_.ErrorAt(fold_, absl::StrCat("\"", field, "\" is ",
                                            folds_are_parts_ ? "not train, validation or test" : "no whole number",
                                            folds_are_parts_ ? ", as the first row's is"
                                                             : "; whole numbers are expected, or train, "
                                                               "validation and test"));
  }
  read.fold = folds_are_parts_ ? *part : static_cast<int>(*number);
  return absl::OkStatus();
}

absl::Status LabelTable::SetFolds() {
  if (fold_ == kNone) return absl::OkStatus();
  std::set<int> distinct;
  for (size_t record = 0; record < records_.size(); ++record) distinct.insert(records_.fold(record));
  if (folds_are_parts_) {
    folds_ = {"train", "validation", "test"};
    for (int part = 0; part < 3; ++part) {
      if (distinct.contains(part)) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(csv_.header().name, ": column \"", header_[fold_], "\": no record is in ", folds_[part]));
    }
  } else {
    for (const int fold : distinct) folds_.push_back(absl::StrCat(fold));
    if (folds_.size() < 3) {
      return absl::InvalidArgumentError(absl::StrCat(
          csv_.header().name, ": column \"", header_[fold_], "\" has only the folds ", absl::StrJoin(folds_, " and "),
          "; one for validation, one for the test and at least one for training are needed"));
    }
  }
  std::map<int, int> place_of;
  for (const int fold : distinct) place_of.emplace(fold, 1 + static_cast<int>(place_of.size()));
  for (size_t record = 0; record < records_.size(); ++record) {
    records_.SetFold(record, place_of.at(records_.fold(record)));
  }
  return absl::OkStatus();
}

absl::Status LabelTable::CheckLabels() const {
  const std::vector<std::string>& labels = records_.statements().texts();
  const std::set<std::string> found(labels.begin(), labels.end());
  for (const std::string& label : found) {
    if (label.find_first_of(",\r\n") == label.npos) continue;
    return absl::InvalidArgumentError(absl::StrCat(csv_.header().name, ": the label \"", label,
                                                   "\" has a comma or a line break in it, which the name of a class "
                                                   "cannot have; write it otherwise"));
  }
  for (const int column : label_columns_) {
    ECG_RETURN_IF_ERROR(CheckText(first_line_, column, header_[column]));
    if (found.contains(header_[column])) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(csv_.header().name, ": column \"", header_[column],
                     "\" is 1 in no record, so nothing can be learned of it; delete it, or "
                     "name the others with recordings { classes: \"...\" }"));
  }
  if (!found.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(csv_.header().name, ": no record has a label"));
}

}  // namespace ecg

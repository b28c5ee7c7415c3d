#include "ecg/corpus/ptbxl.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/records.h"
#include "ecg/corpus/scp_codes.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/text_column.h"
#include "ecg/corpus/text_list_column.h"
#include "ecg/file/csv.h"
#include "ecg/file/csv_reader.h"
#include "ecg/signal/signal.h"
#include "ecg/signal/wfdb.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {
namespace {

// VersionOf returns the release, or "" for a part of one. The folder does not state it, but releases differ in their
// number of records.
const char* VersionOf(size_t records) {
  switch (records) {
    case 21837:
      return "1.0.1";
    case 21801:
      return "1.0.2";
    case 21799:
      return "1.0.3";
    default:
      return "";
  }
}

// ParseFold parses a fold. pandas writes "3.0" if some row of the column is empty.
std::optional<int> ParseFold(const std::string& field) {
  double fold = 0;
  if (!absl::SimpleAtod(field, &fold) || !(fold >= 1 && fold <= PtbXl::kFolds) || fold != std::floor(fold)) {
    return std::nullopt;
  }
  return static_cast<int>(fold);
}

// WithoutPointZero strips ".0" from an integer: pandas writes "101.0" if some row of the column is empty, as in the
// patient_id column that PTB-XL ships.
std::string WithoutPointZero(absl::string_view field) { return std::string(absl::StripSuffix(field, ".0")); }

// FindStatementColumn returns the column of scp_statements.csv that holds the statements. It is the first, and has no
// name; after a round trip through pandas the first may hold row numbers, and the statements are in "Unnamed: 0".
absl::StatusOr<int> FindStatementColumn(const CsvTable& table, const Corpus& corpus) {
  const std::vector<std::string>& statements = corpus.records.statements().texts();
  const std::set<std::string> known(statements.begin(), statements.end());
  std::vector<int> candidates = {0};
  for (size_t column = 1; column < table.header().size(); ++column) {
    const std::string& name = table.header()[column];
    if (name.empty() || absl::StartsWith(name, "Unnamed:")) candidates.push_back(static_cast<int>(column));
  }
  if (known.empty()) return 0;
  for (const int column : candidates) {
    for (int row = 0; row < table.rows(); ++row) {
      if (known.contains(table.at(row, column))) return column;
    }
  }
  std::vector<std::string> found;
  for (int row = 0; row < std::min(table.rows(), 3); ++row) found.push_back(table.at(row, 0));
  return absl::InvalidArgumentError(
      absl::StrCat(table.name(), ": column \"", table.header()[0], "\" has none of the statements of ",
                   PtbXl::kDatabaseFile, ", such as \"", *known.begin(), "\", but \"", absl::StrJoin(found, "\", \""),
                   "\"; take the file as PTB-XL has it, whose first column holds the statements"));
}

// ParseAge returns an age; infinity for 300, which PTB-XL has in place of ages above 89, and nothing for what is none.
std::optional<double> ParseAge(const std::string& text) {
  double age = 0;
  if (!absl::SimpleAtod(text, &age) || !(age >= 0)) return std::nullopt;
  return age == 300 ? std::numeric_limits<double>::infinity() : age;
}

// ParseSex returns the sex; nothing for what is none.
std::string ParseSex(const std::string& text) {
  const std::string number = WithoutPointZero(text);
  return number == "0" ? "male" : number == "1" ? "female" : "";
}

// ParsePositive returns a positive number; nothing for what is none.
std::optional<double> ParsePositive(const std::string& text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !(number > 0)) return std::nullopt;
  return number;
}

// ReadStatements returns the label in `task` of each statement that has one, from scp_statements.csv.
absl::StatusOr<absl::flat_hash_map<std::string, std::string>> ReadStatements(PtbXl::Spec::Task task,
                                                                             const Corpus& corpus) {
  ECG_ASSIGN_OR_RETURN(const CsvTable table, CsvTable::Read(corpus.data_dir / PtbXl::kStatementsFile));
  absl::flat_hash_map<std::string, std::string> labels;
  if (task == PtbXl::Spec::ALL) return labels;  // every statement is its own label
  ECG_ASSIGN_OR_RETURN(const int statement, FindStatementColumn(table, corpus));
  const char* member_column = task == PtbXl::Spec::FORM     ? "form"
                              : task == PtbXl::Spec::RHYTHM ? "rhythm"
                                                            : "diagnostic";
  ECG_ASSIGN_OR_RETURN(const int member, table.Column(member_column));
  int label = statement;
  if (task == PtbXl::Spec::SUBDIAGNOSTIC) {
    ECG_ASSIGN_OR_RETURN(label, table.Column("diagnostic_subclass"));
  } else if (task == PtbXl::Spec::SUPERDIAGNOSTIC) {
    ECG_ASSIGN_OR_RETURN(label, table.Column("diagnostic_class"));
  }
  for (int row = 0; row < table.rows(); ++row) {
    const std::string& field = table.at(row, member);
    double is_member = 0;  // an empty field means no
    if (!field.empty() && (!absl::SimpleAtod(field, &is_member) || (is_member != 0 && is_member != 1))) {
      return table.ErrorAt(row, member, absl::StrCat("\"", field, "\" is neither 1.0 nor empty"));
    }
    if (is_member != 1 || table.at(row, label).empty()) continue;
    if (!labels.emplace(table.at(row, statement), table.at(row, label)).second) {
      return table.ErrorAt(row, statement, absl::StrCat("a second row for \"", table.at(row, statement), "\""));
    }
  }
  return labels;
}

}  // namespace

absl::StatusOr<PtbXl> PtbXl::Open(const Spec& spec, const std::filesystem::path& data_dir, int split) {
  for (const char* file : {kDatabaseFile, kStatementsFile}) {
    if (std::error_code error; std::filesystem::is_regular_file(data_dir / file, error)) continue;
    return absl::NotFoundError(absl::StrCat(
        "no PTB-XL in ", data_dir.string(), ": there is no file ", file,
        " in it; name the folder that holds it, or get PTB-XL with `bazel run //cli:download -- ptbxl --output_dir=",
        data_dir.string(), "`"));
  }
  PtbXl ptbxl;
  ECG_RETURN_IF_ERROR(ptbxl.ReadDatabase(spec.sampling_frequency_hz(), spec.likelihood_targets(), data_dir));
  ECG_RETURN_IF_ERROR(ptbxl.CheckRate());
  ECG_RETURN_IF_ERROR(ptbxl.ReadLabels(spec.task(), spec.likelihood_targets()));
  ECG_ASSIGN_OR_RETURN(const HeldOutFolds held_out, HoldOutFolds(kFolds, spec.cross_validation(), split));
  ptbxl.split_ = SplitByFold(ptbxl.corpus_, ptbxl.labels_, held_out);
  return ptbxl;
}

absl::StatusOr<Signal> PtbXl::ReadSignal(int record) const {
  const std::filesystem::path path = corpus_.data_dir / corpus_.records[record].path;
  absl::StatusOr<Signal> signal = ReadWfdb(path);
  if (!signal.ok()) return signal;
  if (signal->sampling_frequency_hz != corpus_.sampling_frequency_hz || signal->samples != corpus_.samples) {
    return absl::InvalidArgumentError(absl::StrCat(path.string(), ".hea: ", signal->samples, " samples at ",
                                                   signal->sampling_frequency_hz, " Hz, where ", corpus_.samples,
                                                   " at ", corpus_.sampling_frequency_hz, " Hz are expected"));
  }
  return signal;
}

absl::Status PtbXl::ReadDatabase(int sampling_frequency_hz, bool likelihood_targets,
                                 const std::filesystem::path& data_dir) {
  if (sampling_frequency_hz != 100 && sampling_frequency_hz != 500) {
    return absl::InvalidArgumentError(
        absl::StrCat("sampling_frequency_hz is ", sampling_frequency_hz, "; PTB-XL has 100 and 500"));
  }
  ECG_ASSIGN_OR_RETURN(CsvReader table, CsvReader::Open(data_dir / kDatabaseFile));
  ECG_ASSIGN_OR_RETURN(const int id, table.Column("ecg_id"));
  ECG_ASSIGN_OR_RETURN(const int patient, table.Column("patient_id"));
  ECG_ASSIGN_OR_RETURN(const int codes, table.Column("scp_codes"));
  ECG_ASSIGN_OR_RETURN(const int fold, table.Column("strat_fold"));
  const bool is_slow = sampling_frequency_hz == 100;
  ECG_ASSIGN_OR_RETURN(const int path, table.Column(is_slow ? "filename_lr" : "filename_hr"));
  const absl::StatusOr<int> age = table.Column("age"), sex = table.Column("sex"), height = table.Column("height"),
                            weight = table.Column("weight");
  const absl::StatusOr<int> other_path = table.Column(is_slow ? "filename_hr" : "filename_lr");
  const auto is_there = [&data_dir](const std::string& path) {
    std::error_code error;
    return !path.empty() && std::filesystem::exists(data_dir / (path + ".hea"), error);
  };
  TextIndex known(corpus_.records.ids());
  std::vector<int> lines;
  while (table.Next()) {
    Record record;
    record.id = WithoutPointZero(table.at(id));
    record.path = table.at(path);
    record.patient_id = WithoutPointZero(table.at(patient));
    const int row = static_cast<int>(lines.size());
    if (const std::optional<int> other = known.Find(record.id)) {
      return table.ErrorAt(id, absl::StrCat("\"", record.id, "\" is also the record of line ", lines[*other]));
    }
    lines.push_back(table.line());
    const std::filesystem::path normal = std::filesystem::path(record.path).lexically_normal();
    if (record.path.empty() || normal.is_absolute() || *normal.begin() == "..") {
      return table.ErrorAt(path, absl::StrCat("\"", record.path, "\" is not a file below the corpus's folder"));
    }
    // Usually the first record is there, and no other file is looked for.
    if (!is_at_rate_) is_at_rate_ = is_there(record.path);
    if (!is_at_rate_ && other_path.ok() && path_at_other_rate_.empty() && is_there(table.at(*other_path))) {
      path_at_other_rate_ = table.at(*other_path);
    }
    if (age.ok()) record.demographics.age_years = ParseAge(table.at(*age));
    if (sex.ok()) record.demographics.sex = ParseSex(table.at(*sex));
    if (height.ok()) record.demographics.height_cm = ParsePositive(table.at(*height));
    if (weight.ok()) record.demographics.weight_kg = ParsePositive(table.at(*weight));
    const std::optional<int> parsed_fold = ParseFold(table.at(fold));
    if (!parsed_fold) {
      return table.ErrorAt(fold, absl::StrCat("\"", table.at(fold), "\" is not a fold from 1 to ", kFolds));
    }
    record.fold = *parsed_fold;
    const absl::StatusOr<std::vector<ScpCode>> parsed = ParseScpCodes(table.at(codes));
    if (!parsed.ok()) return table.ErrorAt(codes, parsed.status().message());
    for (const ScpCode& code : *parsed) {
      record.statements.push_back(code.statement);
      if (!likelihood_targets) continue;
      // 0 is an unknown likelihood.
      likelihoods_.push_back(code.likelihood == 0 ? 1 : static_cast<float>(std::clamp(code.likelihood / 100, 0., 1.)));
    }
    corpus_.records.Add(record);
    known.Add(row);
  }
  ECG_RETURN_IF_ERROR(table.status());
  corpus_.dataset = kName;
  SetOrigin(data_dir, VersionOf(corpus_.records.size()), corpus_);
  corpus_.index_files = {kDatabaseFile, kStatementsFile};
  corpus_.record_extensions = {".hea", ".dat"};
  corpus_.sampling_frequency_hz = sampling_frequency_hz;
  corpus_.samples = kSeconds * sampling_frequency_hz;
  return absl::OkStatus();
}

absl::Status PtbXl::CheckRate() {
  if (is_at_rate_ || path_at_other_rate_.empty()) return absl::OkStatus();
  const int hz = corpus_.sampling_frequency_hz, other_hz = hz == 100 ? 500 : 100;
  return absl::NotFoundError(absl::StrCat(corpus_.data_dir.string(), " has no record at ", hz, " Hz (",
                                          corpus_.records.paths()[0], ".hea and so on), but at ", other_hz, " Hz (",
                                          path_at_other_rate_, ".hea); set sampling_frequency_hz: ", other_hz,
                                          ", or get the records at ", hz, " Hz, too"));
}

absl::Status PtbXl::ReadLabels(Spec::Task task, bool likelihood_targets) {
  ECG_ASSIGN_OR_RETURN(const auto label_of, ReadStatements(task, corpus_));
  const TextListColumn& statements = corpus_.records.statements();
  // Returns the label of a statement, a place in statements.texts(); nullptr if it has none.
  const auto find_label = [&, &label_of = label_of](int code) -> const std::string* {
    const std::string& statement = statements.texts()[code];
    if (task == Spec::ALL) return &statement;
    const auto label = label_of.find(statement);
    return label == label_of.end() ? nullptr : &label->second;
  };
  TextListColumn labels;
  std::vector<std::string> of_record;
  for (size_t record = 0; record < statements.size(); ++record) {
    of_record.clear();
    for (const int code : statements.codes(record)) {
      if (const std::string* label = find_label(code)) of_record.push_back(*label);
    }
    labels.Add(of_record);
  }
  labels_ = MakeLabels(labels);
  if (!likelihood_targets) return absl::OkStatus();
  const auto likelihoods_of = [&](int record) {
    std::map<std::string, float> likelihoods;
    const float* of_statement = likelihoods_.data() + statements.first(record);
    for (const int code : statements.codes(record)) {
      const float likelihood = *of_statement++;
      const std::string* label = find_label(code);
      if (label == nullptr) continue;
      float& largest = likelihoods[*label];
      largest = std::max(largest, likelihood);
    }
    return likelihoods;
  };
  SetLikelihoods(likelihoods_of, labels_);
  likelihoods_ = {};
  return absl::OkStatus();
}

}  // namespace ecg

// csv_dataset.h
//
// A dataset: a folder of CSV files, one a record, with a column for each lead in mV, and labels.csv, a row for each
// record:
//
//     record,fold,labels
//     a0001,1,AFIB LVH
//
// Fold 1 tests, fold 2 validates, all others train.

#ifndef EXAMPLES_OWN_PARTS_CSV_DATASET_H_
#define EXAMPLES_OWN_PARTS_CSV_DATASET_H_

#include <filesystem>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/records.h"
#include "ecg/file/csv.h"
#include "ecg/file/csv_reader.h"
#include "ecg/signal/digitise.h"
#include "ecg/spec/own_values.h"
#include "ecg/status/status_macros.h"

namespace my {

class CsvDataset {
 public:
  using Spec = ecg::spec::Own;
  static constexpr char kName[] = "csv";

  static absl::StatusOr<CsvDataset> Open(const Spec& spec, const std::filesystem::path& data_dir, int /*split*/) {
    CsvDataset opened;
    ecg::Corpus& corpus = opened.corpus_;
    corpus.dataset = kName;
    corpus.index_files = {"labels.csv"};
    corpus.record_extensions = {".csv"};
    corpus.sampling_frequency_hz =
        ecg::OwnValues(spec, {{"sampling_frequency_hz"}}).Whole("sampling_frequency_hz", 50, 8000);
    ecg::SetOrigin(data_dir, "unknown", corpus);
    ECG_ASSIGN_OR_RETURN(ecg::CsvReader table, ecg::CsvReader::Open(data_dir / "labels.csv"));
    ECG_ASSIGN_OR_RETURN(const int id, table.Column("record"));
    ECG_ASSIGN_OR_RETURN(const int fold, table.Column("fold"));
    ECG_ASSIGN_OR_RETURN(const int labels, table.Column("labels"));
    while (table.Next()) {
      ecg::Record record = {.id = table.at(id), .path = table.at(id)};
      ECG_ASSIGN_OR_RETURN(record.fold, table.Number(fold));
      record.statements = absl::StrSplit(table.at(labels), ' ', absl::SkipEmpty());
      corpus.records.Add(record);
    }
    ECG_RETURN_IF_ERROR(table.status());
    opened.labels_ = ecg::MakeLabels(corpus.records.statements());
    opened.split_ = ecg::SplitByFold(corpus, opened.labels_, {.validation = 2, .first_test = 1, .last_test = 1});
    return opened;
  }

  const ecg::Corpus& corpus() const { return corpus_; }
  const ecg::Labels& labels() const { return labels_; }
  const ecg::Split& split() const { return split_; }

  absl::StatusOr<ecg::Signal> ReadSignal(int record) const {
    ECG_ASSIGN_OR_RETURN(const ecg::CsvTable table,
                         ecg::CsvTable::Read(corpus_.data_dir / (corpus_.records[record].path + ".csv")));
    const auto fill = [&table](int lead, std::span<double> mv) -> absl::Status {
      ECG_ASSIGN_OR_RETURN(const int column, table.Column(ecg::kLeadNames[lead]));
      for (int row = 0; row < table.rows(); ++row) {
        ECG_ASSIGN_OR_RETURN(mv[row], table.Number(row, column));
      }
      return absl::OkStatus();
    };
    return ecg::DigitiseLeads(corpus_.sampling_frequency_hz, table.rows(), fill);
  }

 private:
  ecg::Corpus corpus_;
  ecg::Labels labels_;
  ecg::Split split_;
};

static_assert(ecg::Dataset<CsvDataset>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_CSV_DATASET_H_

// csv_dataset.h
//
// A dataset: a folder of CSV files, one a record, with a column for each lead in mV, and labels.csv, a row for each record:
//
//     record,fold,labels
//     a0001,1,AFIB LVH
//
// Fold 1 tests, fold 2 validates, all others train.

#ifndef EXAMPLES_OWN_PARTS_CSV_DATASET_H_
#define EXAMPLES_OWN_PARTS_CSV_DATASET_H_

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/file/csv.h"
#include "ecg/signal/digitise.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/signal.h"
#include "ecg/spec/own_values.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace my {

class CsvDataset {
 public:
  using Spec = ecg::spec::Own;
  static constexpr char kName[] = "csv";

  static absl::StatusOr<CsvDataset> Open(const Spec& spec, const std::filesystem::path& data_dir, int /*split*/) {
    CsvDataset dataset;
    ecg::Corpus& corpus = dataset.corpus_;
    corpus.dataset = kName;
    ecg::SetOrigin(data_dir, "unknown", corpus);
    corpus.index_files = {"labels.csv"};
    corpus.record_extensions = {".csv"};
    corpus.sampling_frequency_hz =
        ecg::OwnValues(spec, {{"sampling_frequency_hz"}}).Whole("sampling_frequency_hz", 50, 8000);
    ECG_ASSIGN_OR_RETURN(const ecg::CsvTable table, ecg::CsvTable::Read(data_dir / "labels.csv"));
    ECG_ASSIGN_OR_RETURN(const int id, table.Column("record"));
    ECG_ASSIGN_OR_RETURN(const int fold, table.Column("fold"));
    ECG_ASSIGN_OR_RETURN(const int labels, table.Column("labels"));
    std::vector<std::vector<std::string>> statements;
    for (int row = 0; row < table.rows(); ++row) {
      ecg::Record& record =
          corpus.records.emplace_back(ecg::Record{.id = table.at(row, id), .path = table.at(row, id)});
      if (!absl::SimpleAtoi(table.at(row, fold), &record.fold)) return table.ErrorAt(row, fold, "expected a number");
      record.statements = absl::StrSplit(table.at(row, labels), ' ', absl::SkipEmpty());
      statements.push_back(record.statements);
    }
    dataset.labels_ = ecg::MakeLabels(statements);
    dataset.split_ = ecg::SplitByFold(corpus, dataset.labels_, /*validation_fold=*/2, /*test_fold=*/1);
    return dataset;
  }

  const ecg::Corpus& corpus() const { return corpus_; }
  const ecg::Labels& labels() const { return labels_; }
  const ecg::Split& split() const { return split_; }

  absl::StatusOr<ecg::Signal> ReadSignal(int record) const {
    ECG_ASSIGN_OR_RETURN(const ecg::CsvTable table,
                         ecg::CsvTable::Read(corpus_.data_dir / (corpus_.records[record].path + ".csv")));
    ecg::Signal signal;
    signal.sampling_frequency_hz = corpus_.sampling_frequency_hz;
    signal.samples = table.rows();
    signal.digital.resize(static_cast<size_t>(ecg::kLeads) * table.rows());
    std::vector<double> mv(table.rows());
    for (int lead = 0; lead < ecg::kLeads; ++lead) {
      ECG_ASSIGN_OR_RETURN(const int column, table.Column(ecg::kLeadNames[lead]));
      for (int i = 0; i < table.rows(); ++i) {
        if (!absl::SimpleAtod(table.at(i, column), &mv[i])) return table.ErrorAt(i, column, "expected a number, in mV");
      }
      ECG_ASSIGN_OR_RETURN(signal.calibration[lead],
                           ecg::Digitise(mv, signal.digital.data() + static_cast<size_t>(lead) * table.rows()));
    }
    return signal;
  }

 private:
  ecg::Corpus corpus_;
  ecg::Labels labels_;
  ecg::Split split_;
};

static_assert(ecg::Dataset<CsvDataset>);

}  // namespace my

#endif  // EXAMPLES_OWN_PARTS_CSV_DATASET_H_

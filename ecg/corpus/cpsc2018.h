// cpsc2018.h
//
// The training set of the China Physiological Signal Challenge 2018 (Liu et al. 2018, doi:10.1166/jmihi.2018.2442), as
// it is published:
//
//   REFERENCE.csv             a row for each record: up to three labels, 1 to 9
//   TrainingSet1/A0001.mat    a record: a MATLAB struct ECG with the fields sex, age and data
//
//   ECG_ASSIGN_OR_RETURN(Cpsc2018 cpsc, Cpsc2018::Open(spec::Cpsc2018(), folder));
//   cpsc.labels().classes;   // AF, IAVB, LBBB, Normal, PAC, PVC, RBBB, STD, STE
//
// Records are 6 to 60 seconds long, at 500 Hz, with the leads I, II, III, aVR, aVL, aVF, V1 to V6. Their samples are
// floating point, in mV, and are quantised to 16 bits, to within 1/131,000 of each lead's range
// (ecg/signal/digitise.h). Labels and splits follow "In-depth Benchmarking of Deep Neural Network Architectures for ECG
// Diagnosis" (Nonaka and Seita 2021), except for the random numbers of the split (stratified_split.h).

#ifndef ECG_CORPUS_CPSC2018_H_
#define ECG_CORPUS_CPSC2018_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/records.h"
#include "ecg/corpus/split.h"
#include "ecg/corpus/stratified_split.h"
#include "ecg/corpus/text_column.h"
#include "ecg/file/csv_reader.h"
#include "ecg/signal/digitise.h"
#include "ecg/signal/lead.h"
#include "ecg/signal/mat.h"
#include "ecg/signal/signal.h"
#include "ecg/status/status_macros.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Cpsc2018 is a Dataset.
class Cpsc2018 {
 public:
  using Spec = spec::Cpsc2018;
  static constexpr char kName[] = "cpsc2018";
  static constexpr char kDirectoryVariable[] = "ECG_CPSC2018_DIR";

  static constexpr char kReferenceFile[] = "REFERENCE.csv";
  static constexpr int kSamplingFrequencyHz = 500;
  // kLabels are the labels 1 to 9 of REFERENCE.csv: normal, atrial fibrillation, first-degree atrioventricular block,
  // left and right bundle branch block, premature atrial and ventricular contractions, ST depression and elevation.
  static constexpr std::array<absl::string_view, 9> kLabels = {"Normal", "AF",  "IAVB", "LBBB", "RBBB",
                                                               "PAC",    "PVC", "STD",  "STE"};

  // IsIn returns whether `folder` has the layout of CPSC 2018.
  static bool IsIn(const std::filesystem::path& folder) { return !Find(folder, kReferenceFile).empty(); }

  // Open reads REFERENCE.csv in `data_dir`, or else in TrainingSet3, TrainingSet2 or TrainingSet1 below it. `split`
  // seeds the stratified split.
  static absl::StatusOr<Cpsc2018> Open(const Spec&, const std::filesystem::path& data_dir, int split = 1) {
    const std::string reference = Find(data_dir, kReferenceFile);
    if (reference.empty()) {
      return absl::NotFoundError(absl::StrCat(
          "no CPSC 2018 in ", data_dir.string(), ": there is no file ", kReferenceFile,
          " in it, nor in its folders "
          "TrainingSet1 to TrainingSet3; name the folder that holds it, or let `bazel run //cli:download -- cpsc2018 "
          "--output_dir=",
          data_dir.string(), "` tell how to get it"));
    }
    Cpsc2018 cpsc;
    ECG_RETURN_IF_ERROR(cpsc.ReadReference(data_dir, reference));
    cpsc.split_ = StratifiedSplit(cpsc.labels_, split);
    return cpsc;
  }

  // corpus returns all records, in the order of REFERENCE.csv.
  const Corpus& corpus() const { return corpus_; }
  // labels returns the label matrix.
  const Labels& labels() const { return labels_; }
  // split returns the training, validation and test rows of labels().
  const Split& split() const { return split_; }

  // ReadSignal reads the signal of a record, an index into corpus().records.
  absl::StatusOr<Signal> ReadSignal(int record) const {
    const std::string path = (corpus_.data_dir / absl::StrCat(corpus_.records.paths()[record], ".mat")).string();
    ECG_ASSIGN_OR_RETURN(const MatMatrix data, ReadMatField(path, "ECG", "data"));
    if (data.rows != kLeads || data.columns == 0) {
      return absl::DataLossError(absl::StrCat(path, ": ECG.data has ", data.rows, " rows of ", data.columns,
                                              " samples, where ", kLeads, " leads are expected"));
    }
    const absl::StatusOr<Signal> signal =
        DigitiseLeads(kSamplingFrequencyHz, data.columns, [&data](int lead, std::span<double> mv) {
          for (int sample = 0; sample < data.columns; ++sample) mv[sample] = data.at(lead, sample);
          return absl::OkStatus();
        });
    if (!signal.ok()) return WithContext(signal.status(), path);
    return signal;
  }

 private:
  // Returns the path of `file` relative to `data_dir`; empty if it is not found.
  static std::string Find(const std::filesystem::path& data_dir, const std::string& file) {
    for (const char* folder : {"", "TrainingSet3/", "TrainingSet2/", "TrainingSet1/"}) {
      std::error_code error;
      if (std::filesystem::is_regular_file(data_dir / (folder + file), error)) return folder + file;
    }
    return "";
  }

  absl::Status ReadReference(const std::filesystem::path& data_dir, const std::string& reference) {
    ECG_ASSIGN_OR_RETURN(CsvReader table, CsvReader::Open(data_dir / reference));
    ECG_ASSIGN_OR_RETURN(const int id, table.Column("Recording"));
    std::array<int, 3> columns;
    for (size_t label = 0; label < columns.size(); ++label) {
      constexpr std::array<absl::string_view, 3> kColumns = {"First_label", "Second_label", "Third_label"};
      ECG_ASSIGN_OR_RETURN(columns[label], table.Column(kColumns[label]));
    }
    TextIndex known(corpus_.records.ids());
    std::vector<int> lines;
    while (table.Next()) {
      Record record;
      record.id = table.at(id);
      if (record.id.empty() || record.id.find_first_of("/\\") != std::string::npos) {
        return table.ErrorAt(id, absl::StrCat("\"", record.id, "\" is not the name of a record"));
      }
      if (const std::optional<int> other = known.Find(record.id)) {
        return table.ErrorAt(id, absl::StrCat("\"", record.id, "\" is also the record of line ", lines[*other]));
      }
      // A missing file is reported when the signal is read.
      const std::string file = Find(data_dir, record.id + ".mat");
      record.path = file.empty() ? record.id : std::string(absl::StripSuffix(file, ".mat"));
      for (const int column : columns) {
        const std::string& field = table.at(column);
        if (field.empty() && column != columns[0]) continue;
        int label = 0;
        if (!absl::SimpleAtoi(absl::StripSuffix(field, ".0"), &label) || label < 1 ||
            label > static_cast<int>(kLabels.size())) {
          return table.ErrorAt(column, absl::StrCat("\"", field, "\" is not a label from 1 to ", kLabels.size()));
        }
        record.statements.emplace_back(kLabels[label - 1]);
      }
      if (record.statements.size() > 1 &&
          std::count(record.statements.begin(), record.statements.end(), kLabels[0]) > 0) {
        return table.ErrorAt(columns[0], "a normal record has another label");
      }
      corpus_.records.Add(record);
      known.Add(static_cast<int>(lines.size()));
      lines.push_back(table.line());
    }
    ECG_RETURN_IF_ERROR(table.status());
    labels_ = MakeLabels(corpus_.records.statements());
    corpus_.dataset = kName;
    SetOrigin(data_dir, /*version=*/"", corpus_);
    corpus_.index_files = {reference};
    corpus_.record_extensions = {".mat"};
    corpus_.sampling_frequency_hz = kSamplingFrequencyHz;
    return absl::OkStatus();
  }

  Corpus corpus_;
  Labels labels_;
  Split split_;
};

static_assert(Dataset<Cpsc2018>);

// Compiled once, in datasets.cc, rather than in every program.
extern template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<Cpsc2018>(const spec::Data&,
                                                                                  const std::filesystem::path&);

}  // namespace ecg

#endif  // ECG_CORPUS_CPSC2018_H_

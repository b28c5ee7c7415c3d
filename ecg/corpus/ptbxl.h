// ptbxl.h
//
// PTB-XL (Wagner et al. 2020, doi:10.1038/s41597-020-0495-6), as PhysioNet ships it:
//
//   ptbxl_database.csv    a row for each record: patient, statements, fold, paths
//   scp_statements.csv    the meaning of each statement, and its tasks
//   records500/           the records at 500 Hz, in WFDB format
//   records100/           the same records at 100 Hz
//
//   spec::PtbXl spec;
//   spec.set_task(spec::PtbXl::SUPERDIAGNOSTIC);
//   ECG_ASSIGN_OR_RETURN(PtbXl ptbxl, PtbXl::Open(spec, folder));
//   ptbxl.labels().classes;  // CD, HYP, MI, NORM, STTC
//
// Labels and splits follow "In-depth Benchmarking of Deep Neural Network Architectures for ECG Diagnosis" (Nonaka and
// Seita 2021), which follows "Deep Learning for ECG Analysis: Benchmarks and Insights from PTB-XL" (Strodthoff et al.
// 2021).

#ifndef ECG_CORPUS_PTBXL_H_
#define ECG_CORPUS_PTBXL_H_

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/signal/signal.h"
#include "proto/experiment.pb.h"

namespace ecg {

// PtbXl is a Dataset: PTB-XL, one of its six tasks, and one of its splits.
class PtbXl {
 public:
  using Spec = spec::PtbXl;
  static constexpr char kName[] = "ptbxl";
  static constexpr char kDirectoryVariable[] = "ECG_PTBXL_DIR";

  static constexpr char kDatabaseFile[] = "ptbxl_database.csv";
  static constexpr char kStatementsFile[] = "scp_statements.csv";
  static constexpr int kFolds = 10;
  static constexpr int kSeconds = 10;

  // Open reads the two tables in `data_dir`. `split` is from 1 to 5, or to the number of splits of the
  // cross-validation.
  static absl::StatusOr<PtbXl> Open(const Spec& spec, const std::filesystem::path& data_dir, int split = 1);

  // corpus returns all records, in the order of ptbxl_database.csv.
  const Corpus& corpus() const { return corpus_; }
  // labels returns the label matrix of the task. Records without a label of the task are left out.
  const Labels& labels() const { return labels_; }
  // split returns the training, validation and test rows of labels().
  const Split& split() const { return split_; }

  // ReadSignal reads the signal of a record, an index into corpus().records.
  absl::StatusOr<Signal> ReadSignal(int record) const;

 private:
  // ReadDatabase reads ptbxl_database.csv into corpus_.
  absl::Status ReadDatabase(int sampling_frequency_hz, bool likelihood_targets, const std::filesystem::path& data_dir);

  // CheckRate returns an error if no record exists at the requested sampling frequency, but some exist at the other.
  // (If only some are missing, they are bad records.)
  absl::Status CheckRate();

  // ReadLabels sets labels_ to those of `task`, with their likelihoods where the spec wants them as targets.
  absl::Status ReadLabels(Spec::Task task, bool likelihood_targets);

  // Used by Open only: whether some record exists at the requested sampling frequency; else the path of the first that
  // exists at the other; and the likelihood of each statement of each record, 0 to 1, where they are targets.
  bool is_at_rate_ = false;
  std::string path_at_other_rate_;
  std::vector<float> likelihoods_;
  Corpus corpus_;
  Labels labels_;
  Split split_;
};

static_assert(Dataset<PtbXl>);

// Compiled once, in datasets.cc, rather than in every program.
extern template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<PtbXl>(const spec::Data&,
                                                                               const std::filesystem::path&);

}  // namespace ecg

#endif  // ECG_CORPUS_PTBXL_H_

// recordings.h
//
// A corpus of one's own: ECG files of any formats in a folder, and a table of labels (label_table.h):
//
//   labels.csv          id,patient,fold,labels
//   2024/0001.xml       a file of any format that read_recording.h reads
//   2024/0002.hea       and 0002.dat beside it
//
//   ECG_ASSIGN_OR_RETURN(const Recordings corpus, Recordings::Open(spec::Recordings(), folder));
//   corpus.labels().classes;
//
// Open reads the table and lists the folder; files are read one by one when the signals are packed.

#ifndef ECG_CORPUS_RECORDINGS_H_
#define ECG_CORPUS_RECORDINGS_H_

#include <filesystem>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/label_table.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/signal/recording_format.h"
#include "ecg/signal/signal.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Recordings is a Dataset.
class Recordings {
 public:
  using Spec = spec::Recordings;
  static constexpr char kName[] = "recordings";
  static constexpr char kDirectoryVariable[] = "ECG_RECORDINGS_DIR";

  // IsIn returns whether `folder` has a table of labels of the name that the default spec has.
  static bool IsIn(const std::filesystem::path& folder);

  // Open reads the table in `data_dir`. `split` chooses the folds, or seeds the random split.
  static absl::StatusOr<Recordings> Open(const Spec& spec, const std::filesystem::path& data_dir, int split = 1);

  // corpus returns the records, in the order of the table. One without a file has a `problem`.
  const Corpus& corpus() const { return corpus_; }
  // labels returns the label matrix. Records with none of the classes are kept.
  const Labels& labels() const { return labels_; }
  // split returns the training, validation and test rows of labels().
  const Split& split() const { return split_; }

  // ReadSignal reads the twelve leads of a record, an index into corpus().records, at the rate of the corpus.
  absl::StatusOr<Signal> ReadSignal(int record) const;

 private:
  // FindFiles sets the path of each record.
  absl::Status FindFiles(const Spec& spec, const LabelTable& table);
  absl::Status MakeLabelsOf(const Spec& spec);
  absl::Status MakeSplit(const Spec& spec, const LabelTable& table, int split);

  Corpus corpus_;
  Labels labels_;
  Split split_;
  RecordingOptions options_;
};

static_assert(Dataset<Recordings>);

// Compiled once, in datasets.cc, rather than in every program.
extern template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<Recordings>(const spec::Data&,
                                                                                    const std::filesystem::path&);

}  // namespace ecg

#endif  // ECG_CORPUS_RECORDINGS_H_

// joined.h
//
// Several corpora as one: the dataset of pre-training on all that there is, or of classes that are rare in each corpus.
//
//   spec::Joined spec;
//   spec.set_sampling_frequency_hz(250);
//   spec.add_part()->set_folder("ptbxl");
//   spec.mutable_part(0)->mutable_ptb_xl();
//   spec.add_part()->set_folder("georgia");
//   spec.mutable_part(1)->mutable_g12ec();
//   ECG_ASSIGN_OR_RETURN(const Joined joined, Joined::Open(spec, "/data", /*split=*/1));
//
// Each part keeps its own split, so a record that tests a network of one corpus alone tests that of all. Records are
// called by the folder of their part: "ptbxl/1".

#ifndef ECG_CORPUS_JOINED_H_
#define ECG_CORPUS_JOINED_H_

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

// Joined is a Dataset.
class Joined {
 public:
  using Spec = spec::Joined;
  static constexpr char kName[] = "joined";

  // Open opens the parts of `spec`, whose folders lie in `data_dir`.
  static absl::StatusOr<Joined> Open(const Spec& spec, const std::filesystem::path& data_dir, int split);

  const Corpus& corpus() const { return corpus_; }
  const Labels& labels() const { return labels_; }
  const Split& split() const { return split_; }

  // ReadSignal reads the signal of a record, an index into corpus().records.
  absl::StatusOr<Signal> ReadSignal(int record) const;

 private:
  struct Part {
    std::string name;
    std::unique_ptr<AnyDataset> dataset;
    // The index of its first record in corpus_.records.
    int first_record = 0;
  };

  // AddPart adds the records of a part to corpus_.
  absl::Status AddPart(const spec::JoinedPart& part, const std::filesystem::path& folder, int split);

  // JoinLabels sets labels_ and split_ from those of the parts.
  void JoinLabels(Spec::Classes choice);

  std::vector<Part> parts_;
  Corpus corpus_;
  Labels labels_;
  Split split_;
};

static_assert(Dataset<Joined>);

// Compiled once, in datasets.cc, rather than in every program.
extern template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<Joined>(const spec::Data&,
                                                                                const std::filesystem::path&);

}  // namespace ecg

#endif  // ECG_CORPUS_JOINED_H_

// dataset.h
//
// The concept of a dataset: a corpus that an experiment can run on. A new corpus is one such type; everything after it,
// from packing to the report, is shared.
//
//   Spec                         its message in the spec, such as spec::PtbXl; spec::Own of a dataset of your own
//   kName                        its name, such as "ptbxl"
//   kDirectoryVariable           optional: the environment variable for its folder
//   Open(spec, data_dir, split)  reads the index files, but no signals
//   corpus()                     the records, their sampling frequency and, if all are equally long, their length
//   labels()                     the label matrix: the classes, and the classes of each record
//   split()                      the training, validation and test rows of labels()
//   ReadSignal(record)           the signal of corpus().records[record]; must be thread-safe

#ifndef ECG_CORPUS_DATASET_H_
#define ECG_CORPUS_DATASET_H_

#include <concepts>
#include <exception>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/signal/signal.h"
#include "ecg/spec/sampling.h"
#include "ecg/status/status_macros.h"
#include "google/protobuf/message.h"
#include "proto/experiment.pb.h"

namespace ecg {

// SignalSource is the concept that packing needs: the list of records, and the signal of each.
template <typename S>
concept SignalSource = requires(const S& source, int record) {
  { source.corpus() } -> std::same_as<const Corpus&>;
  { source.ReadSignal(record) } -> std::same_as<absl::StatusOr<Signal>>;
};

// Dataset is the concept that datasets satisfy.
template <typename D>
concept Dataset = std::movable<D> && SignalSource<D> &&
    requires(const D& dataset, const typename D::Spec& spec, const std::filesystem::path& data_dir, int split) {
  { D::kName } -> std::convertible_to<absl::string_view>;
  { D::Open(spec, data_dir, split) } -> std::same_as<absl::StatusOr<D>>;
  { dataset.labels() } -> std::same_as<const Labels&>;
  { dataset.split() } -> std::same_as<const Split&>;
};

// AnyDataset is a type-erased, open Dataset.
class AnyDataset {
 public:
  virtual ~AnyDataset() = default;
  virtual const Corpus& corpus() const = 0;
  virtual const Labels& labels() const = 0;
  virtual const Split& split() const = 0;
  virtual absl::StatusOr<Signal> ReadSignal(int record) const = 0;
};

// Preprocessed returns `source` with signals that are preprocessed as `spec` says when they are read.
absl::StatusOr<std::unique_ptr<AnyDataset>> Preprocessed(std::unique_ptr<AnyDataset> source,
                                                         const spec::Preprocessing& spec);

// OpenDataset opens `data_dir` as dataset `D`, with the spec, the split and the preprocessing in `data`.
template <Dataset D>
absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset(const spec::Data& data, const std::filesystem::path& data_dir) {
  struct Erased : AnyDataset {
    explicit Erased(D opened) : dataset(std::move(opened)) {}
    const Corpus& corpus() const override { return dataset.corpus(); }
    const Labels& labels() const override { return dataset.labels(); }
    const Split& split() const override { return dataset.split(); }
    absl::StatusOr<Signal> ReadSignal(int record) const override { return dataset.ReadSignal(record); }
    const D dataset;
  };
  const google::protobuf::Message* spec = ChosenDataset(data);
  if (spec == nullptr || spec->GetDescriptor() != D::Spec::descriptor()) {
    return absl::InternalError(absl::StrCat("this program reads ", D::kName, ", which the spec does not choose"));
  }
  try {
    ECG_ASSIGN_OR_RETURN(D dataset, D::Open(static_cast<const typename D::Spec&>(*spec), data_dir, data.split()));
    auto opened = std::make_unique<Erased>(std::move(dataset));
    if (data.has_preprocessing()) return Preprocessed(std::move(opened), data.preprocessing());
    return opened;
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

// DirectoryVariable returns the environment variable for the folder of `D`, or nullptr if it has none.
template <Dataset D>
const char* DirectoryVariable() {
  if constexpr (requires { D::kDirectoryVariable; }) return D::kDirectoryVariable;
  return nullptr;
}

}  // namespace ecg

#endif  // ECG_CORPUS_DATASET_H_

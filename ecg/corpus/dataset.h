// dataset.h
//
// What a type must offer to be a corpus that an experiment can be run on. A new corpus is one such type; everything
// after it, from packing to the report, is the same for all.
//
//   Spec                         its message in the spec, such as spec::PtbXl; spec::Own of a dataset of your own
//   kName                        its name, such as "ptbxl"
//   kDirectoryVariable           where it is wanted: the environment variable that may name its folder
//   Open(spec, data_dir, split)  reads what lists the records, but no samples
//   corpus()                     the records, their sampling frequency and, where all are as long, their length
//   labels()                     the classes, and which record has which
//   split()                      which rows of labels() train, validate and test
//   ReadSignal(record)           the samples of corpus().records[record]; may be called from several threads

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

// SignalSource is what packing needs of a corpus: the list of records, and the samples of each.
template <typename S>
concept SignalSource = requires(const S& source, int record) {
  { source.corpus() } -> std::same_as<const Corpus&>;
  { source.ReadSignal(record) } -> std::same_as<absl::StatusOr<Signal>>;
};

// Dataset is the concept.
template <typename D>
concept Dataset = std::movable<D> && SignalSource<D> &&
    requires(const D& dataset, const typename D::Spec& spec, const std::filesystem::path& data_dir, int split) {
  { D::kName } -> std::convertible_to<absl::string_view>;
  { D::Open(spec, data_dir, split) } -> std::same_as<absl::StatusOr<D>>;
  { dataset.labels() } -> std::same_as<const Labels&>;
  { dataset.split() } -> std::same_as<const Split&>;
};

// AnyDataset is an opened dataset whose type is known when the program runs.
class AnyDataset {
 public:
  virtual ~AnyDataset() = default;
  virtual const Corpus& corpus() const = 0;
  virtual const Labels& labels() const = 0;
  virtual const Split& split() const = 0;
  virtual absl::StatusOr<Signal> ReadSignal(int record) const = 0;
};

// OpenDataset opens `data_dir` as the dataset `D`, whose message and split are in `data`.
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
    return std::make_unique<Erased>(std::move(dataset));
  } catch (const std::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

// DirectoryVariable returns the environment variable that may name the folder of `D`, and nullptr where it has none.
template <Dataset D>
const char* DirectoryVariable() {
  if constexpr (requires { D::kDirectoryVariable; }) return D::kDirectoryVariable;
  return nullptr;
}

}  // namespace ecg

#endif  // ECG_CORPUS_DATASET_H_

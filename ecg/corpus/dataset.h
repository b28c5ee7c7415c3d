// dataset.h
//
// What a type must offer to be a corpus that an experiment can be run on. A new corpus is one such type; everything
// after it, from packing to the report, is the same for all.

#ifndef ECG_CORPUS_DATASET_H_
#define ECG_CORPUS_DATASET_H_

#include <concepts>
#include <filesystem>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "ecg/corpus/corpus.h"
#include "ecg/corpus/labels.h"
#include "ecg/corpus/split.h"
#include "ecg/signal/signal.h"
#include "proto/experiment.pb.h"

namespace ecg {

// Dataset is a corpus together with the question that is asked of it:
//
//   Spec                  its message in the spec, such as spec::PtbXl
//   kName                 its name, such as "ptbxl"
//   kDirectoryVariable    the environment variable that may name its folder, such as "ECG_PTBXL_DIR"
//   SpecIn(data)          where its message is
//   Open(spec, data_dir)  reads what lists the records, but no samples
//   corpus()              the records
//   labels()              the classes, and which record has which
//   split()               which rows of labels() train, validate and test
//   ReadSignal(record)    the samples of corpus().records[record]; may be called from several threads
template <typename D>
concept Dataset = std::movable<D> && requires(const D& dataset, const typename D::Spec& spec,
                                              const std::filesystem::path& data_dir, int record, spec::Data& data) {
  { D::kName } -> std::convertible_to<absl::string_view>;
  { D::kDirectoryVariable } -> std::convertible_to<const char*>;
  { D::SpecIn(data) } -> std::same_as<typename D::Spec&>;
  { D::Open(spec, data_dir) } -> std::same_as<absl::StatusOr<D>>;
  { dataset.corpus() } -> std::same_as<const Corpus&>;
  { dataset.labels() } -> std::same_as<const Labels&>;
  { dataset.split() } -> std::same_as<const Split&>;
  { dataset.ReadSignal(record) } -> std::same_as<absl::StatusOr<Signal>>;
};

}  // namespace ecg

#endif  // ECG_CORPUS_DATASET_H_

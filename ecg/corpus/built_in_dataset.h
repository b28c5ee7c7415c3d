// built_in_dataset.h
//
// Opens any dataset of this project by what a spec chooses, in programs that are not compiled for one of them.
//
//   spec::Data data;
//   data.mutable_g12ec();
//   ECG_ASSIGN_OR_RETURN(const std::unique_ptr<AnyDataset> georgia, OpenBuiltInDataset(data, "/data/georgia"));
//
// It is compiled with the datasets themselves, in datasets.cc.

#ifndef ECG_CORPUS_BUILT_IN_DATASET_H_
#define ECG_CORPUS_BUILT_IN_DATASET_H_

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
#include "ecg/corpus/dataset.h"
#include "proto/experiment.pb.h"

namespace ecg {

// OpenBuiltInDataset is OpenDataset of the dataset that `data` chooses. One of a user's own, or none, is an error.
absl::StatusOr<std::unique_ptr<AnyDataset>> OpenBuiltInDataset(const spec::Data& data,
                                                               const std::filesystem::path& data_dir);

}  // namespace ecg

#endif  // ECG_CORPUS_BUILT_IN_DATASET_H_

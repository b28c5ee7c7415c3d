// datasets.cc
//
// The datasets of this project behind AnyDataset, compiled once for all programs.

#include <filesystem>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ecg/corpus/built_in_dataset.h"
#include "ecg/corpus/cinc_challenge.h"
#include "ecg/corpus/cpsc2018.h"
#include "ecg/corpus/dataset.h"
#include "ecg/corpus/joined.h"
#include "ecg/corpus/ptbxl.h"
#include "ecg/corpus/recordings.h"
#include "proto/experiment.pb.h"

namespace ecg {

template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<PtbXl>(const spec::Data&,
                                                                        const std::filesystem::path&);
template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<G12ec>(const spec::Data&,
                                                                        const std::filesystem::path&);
template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<Cpsc2018>(const spec::Data&,
                                                                           const std::filesystem::path&);
template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<CincChallenge>(const spec::Data&,
                                                                                const std::filesystem::path&);
template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<Recordings>(const spec::Data&,
                                                                             const std::filesystem::path&);
template absl::StatusOr<std::unique_ptr<AnyDataset>> OpenDataset<Joined>(const spec::Data&,
                                                                         const std::filesystem::path&);

absl::StatusOr<std::unique_ptr<AnyDataset>> OpenBuiltInDataset(const spec::Data& data,
                                                               const std::filesystem::path& data_dir) {
  switch (data.dataset_case()) {
    case spec::Data::kPtbXl:
      return OpenDataset<PtbXl>(data, data_dir);
    case spec::Data::kG12Ec:
      return OpenDataset<G12ec>(data, data_dir);
    case spec::Data::kCpsc2018:
      return OpenDataset<Cpsc2018>(data, data_dir);
    case spec::Data::kCincChallenge:
      return OpenDataset<CincChallenge>(data, data_dir);
    case spec::Data::kRecordings:
      return OpenDataset<Recordings>(data, data_dir);
    case spec::Data::kJoined:
      return OpenDataset<Joined>(data, data_dir);
    case spec::Data::kOwn:
    case spec::Data::DATASET_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("the spec chooses no dataset of this project");
}

}  // namespace ecg

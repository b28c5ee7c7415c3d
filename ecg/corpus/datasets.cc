// datasets.cc
//
// The datasets of this project behind AnyDataset, compiled once for all programs.

#include <filesystem>
#include <memory>

#include "absl/status/statusor.h"
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

}  // namespace ecg

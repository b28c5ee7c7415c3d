// members.h
//
// The runs that become one ensemble: what they have in common, and which of their predictions may be averaged.
//
//   ECG_ASSIGN_OR_RETURN(const std::vector<Member> members, ReadMembers({"runs/a/1", "runs/a/2"}));
//   const absl::StatusOr<SharedPredictions> test = SharedTestPredictions(members);

#ifndef ECG_ENSEMBLE_MEMBERS_H_
#define ECG_ENSEMBLE_MEMBERS_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ecg/run/model_metadata.h"
#include "ecg/run/run_folder.h"
#include "ecg/score/mean_of_members.h"
#include "proto/experiment.pb.h"
#include "proto/run.pb.h"

namespace ecg {

// Member is one finished run.
struct Member {
  RunFolder folder;
  spec::Experiment spec = {};
  run::Run run = {};
  ModelMetadata model = {};

  // exclusive is true where the classes exclude each other.
  bool exclusive() const { return spec.training().has_multi_class(); }
  std::string name() const { return folder.path().string(); }
};

// ReadMembers reads the runs in `folders`, two or more. Those that are not finished, were trained without labels, are
// ensembles, are named twice, or differ from the first in their classes, the leads, the sampling frequency or the kind
// of objective are an error that names the two runs and what differs. Their windows may be of different length.
absl::StatusOr<std::vector<Member>> ReadMembers(const std::vector<std::filesystem::path>& folders);

// SharedPredictions are those of the same records by every member.
struct SharedPredictions {
  std::vector<std::string> records;
  std::vector<std::string> classes;
  std::vector<uint8_t> targets;                   // [records, classes]
  std::vector<std::vector<float>> probabilities;  // of each member, [records, classes]

  // Mean returns the probabilities of the ensemble, [records, classes].
  std::vector<float> Mean(MembersMean::Of of, bool exclusive) const;
};

// SharedTestPredictions returns those of the test records, in the first member's order. They must be the same records
// of the same corpus, with the same targets: with other splits, the test record of one member is a training record of
// another, so that a score on it would be too high. FailedPrecondition says which members differ.
absl::StatusOr<SharedPredictions> SharedTestPredictions(const std::vector<Member>& members);

// SharedValidationPredictions returns those of the validation records, by the same rule. Runs of older versions have
// none.
absl::StatusOr<SharedPredictions> SharedValidationPredictions(const std::vector<Member>& members);

}  // namespace ecg

#endif  // ECG_ENSEMBLE_MEMBERS_H_
